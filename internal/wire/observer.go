package wire

import (
	"mime"
	"strconv"
	"strings"
	"time"

	"tokenomics/internal/record"
)

// Config says what an Observer is to look at. The zero value observes a
// request that is only passed through.
type Config struct {
	Query     Query
	Timeline  bool         // keep every token event in Record.Timeline
	ErrorText bool         // keep the engine's error messages, which may quote the prompt; false keeps only their type
	Live      *record.Live // told of tokens as they stream; nil is fine
}

// Observer measures one answer. Feed it the body's bytes with the moment of
// the socket read that brought them, in order; End makes the Record's measured
// half. It never holds back or changes what it is fed. Use it from one
// goroutine at a time. All moments are offsets from Record.Start.
type Observer struct {
	cfg    Config
	format format
	split  Splitter
	body   bodyKeeper
	stream stream

	status     int
	encoded    bool
	headers    record.Offset
	firstEvent record.Offset
	bytes      int64
	warnings   []string
}

// format is how an answer's body is read.
type format int

const (
	opaque   format = iota // bytes and times only
	sse                    // server-sent events
	jsonBody               // one JSON value
)

// NewObserver observes the answer to cfg.Query.
func NewObserver(cfg Config) *Observer {
	o := &Observer{cfg: cfg, warnings: cfg.Query.Warnings}
	o.stream.init(cfg)
	return o
}

// AnswerHead is what an answer's head says of how its body is to be read.
type AnswerHead struct {
	Status          int
	ContentType     string // "" where there is none
	ContentEncoding string // "" where there is none
	// Field is the value of any other header field, by its name in whatever
	// case; "" where there is none. It is called only while Head runs; nil
	// stands for a head without further fields.
	Field func(name string) string
}

// Head tells of the answer's head. at is the read that completed it.
func (o *Observer) Head(at time.Duration, h AnswerHead) {
	o.status, o.headers = h.Status, record.Some(at)
	if o.cfg.Query.Endpoint == "" {
		return
	}
	status, contentType, contentEncoding := h.Status, h.ContentType, h.ContentEncoding
	if contentEncoding != "" && !strings.EqualFold(contentEncoding, "identity") {
		o.encoded = true
		o.warn("answer is encoded (" + clip(contentEncoding, 32) + "): not measured")
		return
	}
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case kind == "text/event-stream":
		o.format = sse
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		o.format = jsonBody
	case status >= 400:
	case err != nil && contentType != "":
		o.warn("answer has an unreadable content type: not measured")
	default:
		o.warn("answer is neither JSON nor an event stream: not measured")
	}
}

// Streaming says whether the answer is an event stream that is measured.
func (o *Observer) Streaming() bool { return o.format == sse }

// ClientLeft says that nobody waits for what is fed from now on: its tokens
// are counted apart.
func (o *Observer) ClientLeft() { o.stream.orphaned = true }

// Feed takes the next bytes of the body.
func (o *Observer) Feed(at time.Duration, p []byte) { o.feed(at, p, nil) }

// feed also shows each event, after it was measured, to see (the stripper).
func (o *Observer) feed(at time.Duration, p []byte, see func(Event)) {
	if len(p) == 0 {
		return
	}
	o.bytes += int64(len(p))
	if !o.firstEvent.Ok() && o.format != sse {
		o.firstEvent = record.Some(at)
	}
	switch o.format {
	case jsonBody:
		o.body.add(p)
	case sse:
		o.stream.beginRead(at)
		o.split.Feed(p, func(e Event) {
			if len(e.Data) > 0 {
				if !o.firstEvent.Ok() {
					o.firstEvent = record.Some(at)
				}
				o.stream.event(at, e.Data)
			}
			if see != nil {
				see(e)
			}
		})
	}
}

// End closes the measurement and fills r's measured half. how says how the
// exchange ended: Complete where the body ended as its framing says, else
// Truncated, ClientAbort, Timeout or Unreachable. What r.Outcome becomes is
// judged from the body. End is called once.
func (o *Observer) End(at time.Duration, how record.Outcome, r *record.Record) {
	r.Request = o.cfg.Query.Request
	r.Headers, r.FirstEvent, r.End = o.headers, o.firstEvent, record.Some(at)
	r.ResponseBytes = o.bytes
	if r.Status == 0 {
		r.Status = o.status
	}
	for _, w := range o.warnings {
		r.Warn(w)
	}
	if o.split.Oversize > 0 {
		r.Warn("an event over " + strconv.Itoa(maxEvent>>20) + " MiB was not measured")
	}
	r.Outcome = how
	switch o.format {
	case sse:
		// An answer of events is a stream, whatever the request said.
		r.Stream = true
		if part, _ := o.split.Partial(); len(part) > 0 && how == record.Complete {
			r.Warn("the stream ended inside an event")
		}
		o.stream.end(how, r)
	case jsonBody:
		r.Stream = false
		o.answer(how, r)
	default:
		if o.status >= 400 {
			r.Stream = false
		}
		o.noCompletion(r, o.format == opaque && !o.encoded)
	}
	if o.status >= 400 && (r.Outcome == record.Complete || r.Outcome == record.Error) {
		r.Outcome = record.Error
		if r.ErrorType == "" {
			r.ErrorType = strconv.Itoa(o.status)
		}
		if r.Error == "" {
			r.Error = "HTTP " + strconv.Itoa(o.status)
		}
	}
	o.correct(r)
}

// noCompletion makes a request for a completion that went well, but brought
// none, an error: success is judged from the body (METRICS.md).
func (o *Observer) noCompletion(r *record.Record, is bool) {
	if !is || r.Outcome != record.Complete || o.status >= 400 {
		return
	}
	if e := o.cfg.Query.Endpoint; e != "chat" && e != "completions" {
		return
	}
	r.Outcome, r.ErrorType = record.Error, "no_completion"
	r.Error = "the answer is no completion (HTTP " + strconv.Itoa(o.status) + ")"
}

// correct brings the live counter to the engine's own count.
func (o *Observer) correct(r *record.Record) {
	if o.cfg.Live == nil {
		return
	}
	o.cfg.Live.ParseFailures.Add(int64(o.stream.unread + o.split.Oversize))
	if total, ok := r.Usage.Completion.Get(); ok {
		o.cfg.Live.Stream(total - o.stream.streamed)
	}
}

func (o *Observer) warn(text string) { o.warnings = append(o.warnings, text) }

// setError keeps what an engine said went wrong. v is an error object, or the
// bare string some servers put there.
func setError(r *record.Record, v []byte, keepText bool) {
	kind := text(v)
	message := kind
	if kind == "" {
		kind = kept(get(v, "type"))
		message = kept(get(v, "message"))
		if code := get(v, "code"); kind == "" && code.Exists() {
			kind = kept(code)
		}
	} else {
		kind = "error"
	}
	if kind == "" {
		kind = "error"
	}
	r.ErrorType = clip(kind, 64)
	r.Error = r.ErrorType
	if keepText && message != "" {
		r.Error = clip(message, 300)
	}
}
