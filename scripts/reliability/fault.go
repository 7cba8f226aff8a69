package main

// What the engine does wrong, or at least unusually. A request names its fault
// in X-Plan.
const (
	rstBefore    = "rst-before"       // resets instead of answering
	finBefore    = "fin-before"       // closes instead of answering
	rstHead      = "rst-in-head"      // resets in the middle of the answer's head
	finHead      = "fin-in-head"      // closes there
	rstMid       = "rst-mid"          // resets in the middle of the body
	finMid       = "fin-mid-chunk"    // closes there
	garbage      = "garbage"          // answers with what is not HTTP
	badSize      = "bad-chunk-size"   // a chunk whose size is no number
	badEnd       = "bad-chunk-end"    // a chunk longer than its size
	longLength   = "length-too-long"  // announces more than it sends, and closes
	shortLength  = "length-too-short" // sends more than it announced
	conflict     = "two-framings"     // Content-Length and Transfer-Encoding
	giantHead    = "giant-head"       // a head of 2 MiB
	surplus      = "surplus-answer"   // a second answer that nobody asked for
	holdWait     = "hold-wait"        // never answers
	holdFirst    = "hold-first"       // nothing after the head
	holdMid      = "hold-mid"         // nothing after some events
	pause        = "pause"            // a second of silence, then the rest
	late         = "late"             // the head comes after 20 ms
	drip         = "drip"             // byte by byte
	bigHead      = "big-head"         // a head of 48 KiB
	interim      = "interim-1xx"      // 103 and 102 before the answer
	trailed      = "trailers"         // fields behind the last chunk
	early413     = "early-413"        // refuses before it has read the body
	error200     = "error-in-200"     // an error event in a stream that had begun
	untilClose   = "until-close"      // a body that ends with the connection
	oldHTTP      = "http-1.0"         // an answer of HTTP/1.0
	closingAfter = "closing-after"    // a good answer, with Connection: close
)

// fate is what the client must see.
type fate int

const (
	exactly fate = iota // the whole answer, and nothing else
	cut                 // not a whole answer: a beginning that does not look like all, or an error
	refused             // an error of the proxy's
	honest              // whatever is right as far as it goes
)

// faultRule is what is known of a fault.
type faultRule struct {
	fate     fate
	streams  bool     // needs a stream
	body     bool     // needs an answer with a body
	held     bool     // the engine waits until the proxy gives up: its client must leave
	outcomes []string // that the Record may have; nil = complete
}

var faults = map[string]faultRule{
	"":        {},
	rstBefore: {fate: refused, outcomes: []string{"unreachable", "error"}},
	finBefore: {fate: refused, outcomes: []string{"unreachable", "error"}},
	rstHead:   {fate: refused, outcomes: []string{"unreachable", "error"}},
	finHead:   {fate: refused, outcomes: []string{"unreachable", "error"}},
	garbage:   {fate: refused, outcomes: []string{"unreachable", "error"}},
	conflict:  {fate: refused, body: true, outcomes: []string{"unreachable", "error"}},
	giantHead: {fate: refused, outcomes: []string{"unreachable", "error"}},
	rstMid:    {fate: cut, body: true, outcomes: []string{"truncated", "unreachable", "error"}},
	finMid:    {fate: cut, body: true, outcomes: []string{"truncated", "error"}},
	badSize:   {fate: cut, body: true, outcomes: []string{"truncated", "error"}},
	badEnd:    {fate: cut, body: true, outcomes: []string{"truncated", "error"}},
	// A stream may have told its end before it is cut.
	longLength:   {fate: cut, body: true, outcomes: []string{"truncated", "error", "complete"}},
	shortLength:  {fate: honest, body: true, outcomes: []string{"complete", "truncated", "error"}},
	surplus:      {body: true, outcomes: []string{"complete"}},
	holdWait:     {held: true, outcomes: []string{"client_abort"}},
	holdFirst:    {held: true, body: true, outcomes: []string{"client_abort"}},
	holdMid:      {held: true, body: true, outcomes: []string{"client_abort"}},
	pause:        {body: true},
	late:         {},
	drip:         {body: true},
	bigHead:      {},
	interim:      {},
	trailed:      {body: true},
	early413:     {outcomes: []string{"error"}},
	error200:     {streams: true, outcomes: []string{"error"}},
	untilClose:   {body: true},
	oldHTTP:      {body: true},
	closingAfter: {},
}

// fits says whether a fault can be had with a kind of request.
func (f faultRule) fits(k kind) bool {
	return !(f.streams && !k.streams()) && !(f.body && k == headOnly)
}
