package sim

import (
	"slices"
	"time"
)

// dialect is one engine's way of speaking: what it serves, what its heads look
// like, how it refuses. It does no I/O.
type dialect interface {
	// traits are the dialect's fixed facts.
	traits() traits
	// routes is what it serves, by path.
	routes() map[string]route
	// check refuses what the engine would, beyond what every engine refuses.
	check(r *request) *apiError
	appendHead(dst []byte, h head) []byte
	// appendError is an error answer's body. ep is "" where no endpoint was found.
	appendError(dst []byte, ep endpoint, e *apiError) []byte
	// queueFull is the error of a full queue; asStatus is false when it is told
	// inside a 200 stream.
	queueFull(ep endpoint, stream bool) (e *apiError, asStatus bool)
}

type traits struct {
	name         string
	jsonType     string        // content type of answers and errors
	wantsJSON    bool          // refuses other content types
	invalid      int           // the status that refuses a request; 0 is 400
	keepAlive    time.Duration // how long an idle connection is kept; 0 is for ever
	perConn      int           // requests one connection may make; 0 is any number
	closeOnError bool          // the connection ends with a status from 400 on
	cacheBlock   int           // tokens in a block of the prefix cache
	guarded      func(path string) bool
}

// makers are the dialects. A new one is a line here and a file that implements
// the interface.
func makers() []maker {
	return []maker{
		{"vllm", func(c *Config) dialect { return &vllm{cfg: c} }},
		{"sglang", func(c *Config) dialect { return &sglang{cfg: c} }},
		{"llamacpp", func(c *Config) dialect { return &llamacpp{cfg: c} }},
		{"ollama", func(c *Config) dialect { return &ollama{cfg: c} }},
		{"tgi", func(c *Config) dialect { return &tgi{cfg: c} }},
	}
}

type maker struct {
	name string
	make func(*Config) dialect
}

// Dialects are the dialects the simulator speaks.
func Dialects() (names []string) {
	for _, m := range makers() {
		names = append(names, m.name)
	}
	return names
}

// newDialect returns the configured dialect, nil for one that is not known.
func newDialect(cfg *Config) dialect {
	all := makers()
	i := slices.IndexFunc(all, func(m maker) bool { return m.name == cfg.Dialect })
	if i < 0 {
		return nil
	}
	return all[i].make(cfg)
}

// format gives the plans of an endpoint their shape. It does no I/O: it appends
// to dst and returns it.
type format interface {
	// identify sets the plan's ids. key is random, or the request's own when
	// answers are deterministic.
	identify(p *plan, key uint64)
	// appendBody is the answer to a request that does not stream.
	appendBody(dst []byte, p *plan) []byte
}

// streamer is a format that can stream.
type streamer interface {
	format
	framing(r *request) framing
	// schedule is the order and time of all events but the one that framing ends
	// a stream with.
	schedule(p *plan) []emission
	appendEvent(dst []byte, p *plan, e emission) []byte
	// failing are the events that tell p.failure inside a stream of which told is
	// out; the engine breaks off without a word if there are none.
	failing(p *plan, told []emission) []emission
}

// headed is a format that tells something in the head of an answer's body.
type headed interface {
	// head is the body's content type, more lines of the head, and whether the
	// length of the body is told there.
	head(p *plan) (contentType string, headers []header, measured bool)
}

// framing is how a format's streams travel.
type framing struct {
	contentType string
	headers     []header // more lines of the head
	lines       bool     // a JSON object a line, rather than server-sent events
	done        string   // the payload of the last event; "" for none
	quietError  bool     // that event is left out after an error
	head        headTime
	prelude     []emission // events that the schedule begins with, and that leave with a head at once
}

// headTime is when the head of a stream leaves.
type headTime int

const (
	headAtFirst headTime = iota // with the first event
	headAtOnce                  // before the engine admits the request
	headAtSlot                  // when a slot takes the request
)

// head is what is told at the top of an answer.
type head struct {
	proto       string
	status      int
	contentType string
	length      int // below zero it is not told
	chunked     bool
	closing     bool
	stream      bool
	date        time.Time
	headers     []header
}

type header struct{ name, value string }
