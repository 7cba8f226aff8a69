package wire

import (
	"slices"
	"strconv"
	"time"

	"tokenomics/internal/record"
)

// Config says what an Observer is to look at. The zero value observes a
// request that is only passed through.
type Config struct {
	Query     Query
	Timeline  bool         // keep every token event in Record.Timeline
	ErrorText bool         // keep the engine's error messages, which may quote the prompt; false keeps only their type
	KeepIDs   bool         // of the answer, for AnswerIDs
	Live      *record.Live // told of tokens as they stream; nil is fine
}

// Observer measures one answer. Feed it the body's bytes with the moment of
// the socket read that brought them, in order; End makes the Record's measured
// half. It never holds back or changes what it is fed. Use it from one
// goroutine at a time. All moments are offsets from Record.Start.
type Observer struct {
	cfg    Config
	stream stream
	split  Splitter
	other  *other // nil where it is plain events, as most are, and the head says no more

	headers    record.Moment
	firstEvent record.Moment
	bytes      int64
	status     int32
	format     format
	encoded    bool
	garbled    bool // it is in one piece and could not be read
}

// other is what reading an answer takes that is no plain event stream.
type other struct {
	lines   *lineSplitter // nil unless it is of lines
	body    *bodyKeeper   // nil unless it is in one piece
	decoder *decoder      // nil where the answer is not encoded, or can't be decoded
	head    *headTold     // nil where the head tells nothing that is counted
}

// form is what reading the answer takes.
func (o *Observer) form() other {
	if o.other == nil {
		return other{}
	}
	return *o.other
}

// NewObserver observes the answer to cfg.Query.
func NewObserver(cfg Config) *Observer {
	o := new(Observer)
	o.init(cfg)
	return o
}

func (o *Observer) init(cfg Config) {
	o.cfg = cfg
	o.cfg.Query.Warnings = slices.Clip(cfg.Query.Warnings) // what is added is this answer's
	o.stream.init(&o.cfg)
}

// Streaming says whether the answer is an event stream that is measured.
func (o *Observer) Streaming() bool { return o.format == sse || o.format == ndjson }

// ClientLeft says that nobody waits for what is fed from now on: its tokens
// are counted apart.
func (o *Observer) ClientLeft() { o.stream.orphaned = true }

// Feed takes the next bytes of the body.
func (o *Observer) Feed(at time.Duration, p []byte) {
	if len(p) == 0 || o.again(at, p) {
		return
	}
	o.begin(at, p)
	if d := o.form().decoder; d != nil {
		d.feed(p)
		return
	}
	o.take(at, p)
}

// begin counts what one read of the socket brought, or a part of it.
func (o *Observer) begin(at time.Duration, p []byte) {
	o.bytes += int64(len(p))
	if !o.firstEvent.Ok() && o.format != sse {
		o.firstEvent = record.At(at)
	}
	o.stream.beginRead(at)
}

// take measures the next bytes of the body, decoded.
func (o *Observer) take(at time.Duration, p []byte) {
	switch o.format {
	case jsonBody:
		o.other.body.add(p)
	case ndjson:
		lines := o.other.lines
		lines.feed(p)
		for line, ok := lines.next(); ok; line, ok = lines.next() {
			o.stream.event(at, nil, line)
		}
	case sse:
		var e Event
		events := o.split.Feed(p)
		for events.Next(&e) {
			o.event(at, &e)
		}
	}
}

// event measures one event.
func (o *Observer) event(at time.Duration, e *Event) {
	if len(e.Data) == 0 {
		return
	}
	if !o.firstEvent.Ok() {
		o.firstEvent = record.At(at)
	}
	o.stream.event(at, e.Name, e.Data)
}

// End closes the measurement and fills r's measured half. how says how the
// exchange ended: Complete where the body ended as its framing says, else
// Truncated, ClientAbort, Timeout or Unreachable. What r.Outcome becomes is
// judged from the body. End is called once.
func (o *Observer) End(at time.Duration, how record.Outcome, r *record.Record) {
	o.endCoding(how)
	r.Request = o.cfg.Query.Request
	r.Headers, r.FirstEvent, r.End = o.headers.Offset(), o.firstEvent.Offset(), record.Some(at)
	r.ResponseBytes = o.bytes
	if r.Status == 0 {
		r.Status = int(o.status)
	}
	for _, w := range o.cfg.Query.Warnings {
		r.Warn(w)
	}
	r.Outcome = how
	switch o.format {
	case sse, ndjson:
		o.endStream(how, r)
	case jsonBody:
		r.Stream = false
		o.answer(how, r)
	default:
		if o.status >= 400 || o.headers.Ok() && !o.encoded {
			r.Stream = false
		}
		o.noCompletion(r, !o.encoded)
	}
	o.addHead(r)
	o.badStatus(r)
	if r.Dialect == dialectAnthropic && r.Usage.Prompt.Ok() && !r.Usage.Cached.Ok() {
		r.Warn(promptWithoutCache)
	}
	o.correct(r)
}

// endCoding decodes what is left of an encoded answer.
func (o *Observer) endCoding(how record.Outcome) {
	d := o.form().decoder
	if d == nil {
		return
	}
	err := d.close()
	if err != nil && (how == record.Complete || err == errBomb) {
		o.warn("decoding the answer (" + d.coding + ") failed, it is measured up to there: " + clip(err.Error(), 64))
	}
}

// endStream closes the measurement of a stream. An answer of events is one,
// whatever the request said.
func (o *Observer) endStream(how record.Outcome, r *record.Record) {
	r.Stream = true
	if o.oversize() > 0 {
		r.Warn("an event over " + strconv.Itoa(maxEvent>>20) + " MiB was not measured")
	}
	if lines := o.form().lines; lines != nil && how == record.Complete {
		if line := lines.rest(); len(line) > 0 {
			o.stream.event(o.stream.readAt, nil, line) // the last line need not end
		}
	}
	if part, _ := o.split.Partial(); len(part) > 0 && how == record.Complete {
		r.Warn("the stream ended inside an event")
	}
	if o.stream.grammar != nil {
		r.Dialect = o.stream.grammar.dialect()
	}
	o.stream.end(how, r)
}

// badStatus makes an answer an error by its status alone.
func (o *Observer) badStatus(r *record.Record) {
	if o.status < 400 || r.Outcome != record.Complete && r.Outcome != record.Error {
		return
	}
	r.Outcome = record.Error
	if r.ErrorType == "" || r.ErrorType == noKind {
		r.ErrorType = strconv.Itoa(int(o.status))
	}
	if r.Error == "" || r.Error == noKind {
		r.Error = "HTTP " + strconv.Itoa(int(o.status))
	}
}

// noCompletion makes a request for a completion that went well, but brought
// none, an error: success is judged from the body (METRICS.md).
func (o *Observer) noCompletion(r *record.Record, is bool) {
	if !is || r.Outcome != record.Complete || o.status >= 400 || !makesTokens[o.cfg.Query.Endpoint] {
		return
	}
	r.Outcome, r.ErrorType = record.Error, "no_completion"
	r.Error = "the answer is no completion (HTTP " + strconv.Itoa(int(o.status)) + ")"
}

// correct brings the live counter to the engine's own count.
func (o *Observer) correct(r *record.Record) {
	if o.cfg.Live == nil {
		return
	}
	o.cfg.Live.ParseFailures.Add(o.unread())
	if total, ok := r.Usage.Completion.Get(); ok {
		o.cfg.Live.Stream(total - o.stream.streamed())
	}
}

// unread is how many events and bodies could not be read.
func (o *Observer) unread() int64 {
	n := int64(o.stream.unread) + int64(o.oversize())
	if o.garbled {
		n++
	}
	return n
}

// oversize is how many events were passed over because of their size.
func (o *Observer) oversize() int {
	if lines := o.form().lines; lines != nil {
		return lines.oversize
	}
	return o.split.Oversize
}

// warn adds a doubt to those that there are of the request.
func (o *Observer) warn(text string) {
	q := &o.cfg.Query
	q.Warnings = append(q.Warnings, text)
}
