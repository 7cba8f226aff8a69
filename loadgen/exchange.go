package loadgen

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
	"tokenomics/internal/wire"
)

// exchange is one request on its way: prepared, then done once.
type exchange struct {
	client  *Client
	req     Request
	id      string
	message *fasthttp.Request
	query   wire.Query
	conn    *upstream.Conn // nil when there was none to be had
	err     error          // why
	connect record.Offset
	ended   time.Time // when the answer's last bytes were read

	heldBack bool // it may be done later than due, because others still run

	// Of the request on its way, told as the answer comes.
	due      time.Time
	rec      *record.Record
	observer *wire.Observer
	answer   *answer // its text, where the next request needs it
}

// drop gives up a request that will not be sent.
func (x *exchange) drop() {
	if x.conn != nil {
		x.conn.Release()
	}
}

// build makes the message, and reads it as the Observer is to know it.
func (x *exchange) build() error {
	m, err := x.client.message(x.req, x.id)
	if err != nil {
		return err
	}
	x.message, x.query = m, x.client.query(x.req, m.Body())
	return nil
}

// take gets a connection.
func (x *exchange) take(ctx context.Context) {
	began := time.Now()
	x.connect = record.Offset{}
	x.conn, x.err = x.client.pool.Get(ctx)
	if x.conn != nil && !x.conn.Reused() {
		x.connect = record.Some(time.Since(began))
	}
}

// do sends the request, which was due at due, reads the answer to its end and
// returns its Record; nil when ctx was cancelled before anything was sent.
func (x *exchange) do(ctx context.Context, due time.Time) *record.Record {
	if ctx.Err() != nil {
		x.drop()
		return nil
	}
	if t := x.client.cfg.Timeout; t > 0 {
		var cancel context.CancelFunc
		from := due
		if now := time.Now(); x.heldBack && now.After(due) {
			from = now // it waited for others, not for the server
		}
		ctx, cancel = context.WithDeadline(ctx, from.Add(t))
		defer cancel()
	}
	rec := x.attempt(ctx, due)
	if usageRefused(rec) && x.client.refuse(x.req) {
		if x.err = x.build(); x.err == nil {
			x.take(ctx)
		}
		rec = x.attempt(ctx, due)
		if usageRefused(rec) {
			x.client.refused.Store(false) // it was not that
		}
		rec.Retries++
		rec.Warn("the server refused stream_options; sent again without")
	}
	return rec
}

// refuse remembers that the server takes no stream_options, and says whether
// the request had any, so that sending it again is worth while.
func (c *Client) refuse(req Request) bool {
	if !strings.Contains(string(req.Body), `"stream_options"`) {
		return false
	}
	c.refused.Store(true)
	return true
}

// usageRefused says whether a request failed because it asked for usage:
// strict servers answer 400 or 422 and name the key, or call one unknown
// without saying which.
func usageRefused(r *record.Record) bool {
	if r.Status != 400 && r.Status != 422 {
		return false
	}
	text := strings.ToLower(r.Error + " " + r.ErrorType)
	names := func(signs ...string) bool {
		return slices.ContainsFunc(signs, func(s string) bool { return strings.Contains(text, s) })
	}
	return names("stream_options", "include_usage") ||
		names("unknown_parameter", "unknown parameter", "extra_forbidden", "extra inputs", "unrecognized") &&
			!names("cache_salt", "cache_prompt", "temperature", "max_tokens", "messages", "model")
}

// attempt sends the request once; twice where a kept connection turns out to
// be dead before any byte of an answer came.
func (x *exchange) attempt(ctx context.Context, due time.Time) *record.Record {
	x.due, x.rec = due, x.record(due)
	for {
		if x.err != nil {
			return x.never(x.lost(ctx, x.err))
		}
		err := x.once(ctx)
		if err == nil || !x.conn.FoundDead() || x.rec.Retries > 0 || ctx.Err() != nil {
			return x.end(ctx, err)
		}
		x.rec.Retries++
		x.rec.Sent = record.Offset{}
		began := time.Now()
		x.conn, x.err = x.client.pool.Dial(ctx)
		x.connect = record.Some(time.Since(began))
	}
}

// record is the Record's half that is known before anything is sent.
func (x *exchange) record(due time.Time) *record.Record {
	return &record.Record{
		RequestID: x.id, Start: due, Scheduled: record.Some(time.Duration(0)),
		Provider: x.client.cfg.Provider, Server: x.client.cfg.Target.Addr,
	}
}

// once sends the message and measures the answer. Its error is nil where the
// answer's body ended as its framing says. Afterwards the connection is back in
// the pool or closed.
func (x *exchange) once(ctx context.Context) (err error) {
	x.measure()
	x.ended, err = x.conn.Do(ctx, x.message, x)
	return err
}

// measure makes ready for the answer. It is no part of once, whose frame is
// there as long as the answer takes: thousands wait at a time.
//
//go:noinline
func (x *exchange) measure() {
	x.observer = wire.NewObserver(wire.Config{
		Query: x.query, Timeline: x.client.cfg.Timeline,
		ErrorText: true, Live: x.client.cfg.Live,
	})
	x.answer = answerOf(x.req)
	x.rec.RequestBytes = int64(len(x.message.Body()))
}

// Sent is told that the message is on its way.
func (x *exchange) Sent(at time.Time) {
	x.rec.Sent, x.rec.Connect = record.Some(at.Sub(x.due)), x.connect
}

// Head is told of the answer's head.
func (x *exchange) Head(at time.Time, h *upstream.Head) {
	if h.Status < 400 {
		x.sent() // it will not be sent again
	}
	field := func(name string) string { return string(h.Fields.Get(strings.ToLower(name))) }
	x.observer.Head(at.Sub(x.due), wire.AnswerHead{
		Status: h.Status, ContentType: field("content-type"), ContentEncoding: field("content-encoding"), Field: field,
	})
}

// Body is told of the answer's body, piece by piece.
func (x *exchange) Body(at time.Time, piece []byte) error {
	x.observer.Feed(at.Sub(x.due), piece)
	x.answer.feed(piece)
	return nil
}

var _ upstream.Receiver = (*exchange)(nil)

// sent gives up what was sent: a long prompt is more than all that measuring
// the answer to it needs.
func (x *exchange) sent() {
	x.message, x.req.Body = nil, nil
}

// end judges how the exchange ended and completes the Record.
func (x *exchange) end(ctx context.Context, err error) *record.Record {
	rec, at := x.rec, time.Since(x.due)
	if err == nil {
		at = x.ended.Sub(x.due) // when its end came, not when we got to it
	}
	x.observer.End(at, outcomeOf(ctx, rec, err), rec)
	if rec.Outcome == record.Complete && slices.Contains(rec.Warnings, wire.UsageDisagrees) {
		// A proxy has to take it as it is; a measurement of it would be of nothing.
		rec.Outcome, rec.Error, rec.ErrorType = record.Error, wire.UsageDisagrees, "usage_disagrees"
	}
	if rec.Outcome != record.Complete && rec.Error == "" {
		why := x.lost(ctx, err)
		rec.Error, rec.ErrorType = why.Error(), typeOf(why, rec.Outcome)
	}
	for _, key := range x.client.secrets { // some servers quote what they refuse
		rec.Error = strings.ReplaceAll(rec.Error, key, "[API key]")
	}
	return rec
}

// never completes the Record of a request that could not be sent.
func (x *exchange) never(err error) *record.Record {
	rec, o := x.rec, wire.NewObserver(wire.Config{Query: x.query, ErrorText: true})
	how := record.Unreachable
	switch {
	case errors.Is(err, errTimeout):
		how = record.Timeout
	case errors.Is(err, errStopped), errors.Is(err, errGrace):
		how = record.ClientAbort
	}
	o.End(time.Since(x.due), how, rec)
	rec.Error, rec.ErrorType = err.Error(), typeOf(err, how)
	return rec
}

// typeOf is the ErrorType of a request that was not answered, and why not.
func typeOf(why error, how record.Outcome) string {
	if errors.Is(why, errGrace) {
		return record.BrokenOff
	}
	return string(how)
}

// outcomeOf is how an exchange ended on the wire, before its body is judged.
func outcomeOf(ctx context.Context, rec *record.Record, err error) record.Outcome {
	switch {
	case err == nil:
		return record.Complete
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return record.Timeout
	case ctx.Err() != nil:
		return record.ClientAbort
	case !rec.Sent.Ok():
		return record.Unreachable
	}
	return record.Truncated
}

var (
	errTimeout = errors.New("timed out")
	errStopped = errors.New("stopped")
	errGrace   = errors.New("the run's time was over")
)

// lost says in a few words, the same for every request it happens to, why
// there is no whole answer.
func (x *exchange) lost(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &timeoutError{after: x.client.cfg.Timeout}
	case errors.Is(context.Cause(ctx), errGrace):
		return errGrace
	case ctx.Err() != nil:
		return errStopped
	case err == nil:
		return errors.New("the answer was not complete")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection before the answer was complete")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err
}

// timeoutError is errTimeout with its bound.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string {
	return "timed out after " + strconv.FormatFloat(e.after.Seconds(), 'f', -1, 64) + " s"
}

func (e *timeoutError) Is(target error) bool { return target == errTimeout }
