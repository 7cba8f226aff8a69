package sim

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
	"github.com/valyala/fasthttp"
)

// exchange is one request and its answer.
type exchange struct {
	s        *Server
	c        *conn
	req      *fasthttp.Request
	received time.Time
	http11   bool
	closing  bool // close the connection after the answer

	w        *watcher      // nil for answers that take no time
	stop     chan struct{} // closed when the request is told to stop; nil if it can't be
	timer    *time.Timer
	endpoint endpoint
	account  *account // nil until the request is admitted
	faults   faults
	truth    Truth
	buf      []byte
}

const (
	typeJSON  = "application/json"
	typeText  = "text/plain; charset=utf-8"
	typeSSE   = "text/event-stream; charset=utf-8" // as Starlette writes it
	typePlain = "text/event-stream"                // as the others do
	typeLines = "application/x-ndjson"
	typeBytes = "application/octet-stream"
)

// unknownLength stands for a body whose length is not told.
const unknownLength = -1

// simulatedBy tells on every answer what answered.
func simulatedBy() header { return header{"X-Simulated-By", "tokenomics sim"} }

// since is the time since the request was received, in ns.
func (x *exchange) since(t time.Time) int64 { return int64(t.Sub(x.received)) }

// appendHead appends a response head as the dialect writes it.
func (x *exchange) appendHead(dst []byte, h head) []byte {
	t := x.s.dialect.traits()
	if h.status >= 400 && t.closeOnError {
		x.closing = true
	}
	if h.proto == "" {
		h.proto = "HTTP/1.1"
	}
	h.date, h.closing = x.s.now(), x.closing
	h.headers = append(h.headers, simulatedBy())
	return x.s.dialect.appendHead(dst, h)
}

// write writes p whole, in bounded time.
func (x *exchange) write(p []byte) error {
	if x.w != nil && x.w.left() {
		return errGone
	}
	err := x.c.nc.SetWriteDeadline(time.Now().Add(x.s.cfg.WriteTimeout))
	if err == nil {
		_, err = x.c.nc.Write(p)
	}
	if err != nil {
		x.closing = true
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// writeHead writes the head of a body that follows apart, after what the faults
// put before it.
func (x *exchange) writeHead(h head) error {
	if f, ok := x.faults.get("informational"); ok && x.http11 {
		if err := x.write(appendInformational(nil, f.N)); err != nil {
			return err
		}
	}
	out := x.appendHead(nil, h)
	pieces := 1
	f, slow := x.faults.get("slow-headers")
	if slow {
		pieces = 8
	}
	for i := range pieces {
		if i > 0 {
			if err := x.wait(x.s.now().Add(f.D / time.Duration(pieces))); errors.Is(err, errGone) {
				return err
			}
		}
		if err := x.write(out[i*len(out)/pieces : (i+1)*len(out)/pieces]); err != nil {
			return err
		}
	}
	x.truth.Status = h.status
	x.truth.HeadNS = x.since(x.s.now())
	return nil
}

// appendInformational appends a 1xx answer.
func appendInformational(dst []byte, status int) []byte {
	dst = append(strconv.AppendInt(append(dst, "HTTP/1.1 "...), int64(status), 10), ' ')
	dst = append(dst, fasthttp.StatusMessage(status)...)
	if status == fasthttp.StatusEarlyHints {
		dst = append(dst, "\r\nlink: </simulated.css>; rel=preload"...)
	}
	return append(dst, "\r\n\r\n"...)
}

// respond writes a whole answer with a body.
func (x *exchange) respond(status int, contentType string, body []byte) {
	out := x.appendHead(x.buf[:0], head{status: status, contentType: contentType, length: len(body)})
	if !x.req.Header.IsHead() {
		out = append(out, body...)
	}
	if x.write(out) == nil {
		x.truth.Status = status
		x.truth.HeadNS = x.since(x.s.now())
	}
	x.buf = out[:0]
}

// respondJSON answers with what the dialect calls JSON.
func (x *exchange) respondJSON(body []byte) {
	x.respond(200, x.s.dialect.traits().jsonType, body)
}

// refuse answers with the dialect's error.
func (x *exchange) refuse(e *apiError) {
	x.truth.Outcome = TruthRefused
	t := x.s.dialect.traits()
	if e.status == 400 && t.invalid != 0 {
		e.status = t.invalid
	}
	body, contentType := x.s.dialect.appendError(nil, x.endpoint, e), t.jsonType
	if !gjson.ValidBytes(body) {
		contentType = typeText // of a path that is not there, some tell a person
	}
	x.respond(e.status, contentType, body)
}

// unreadable answers a request that could not be read.
func (x *exchange) unreadable(err error) {
	var ne net.Error
	switch {
	case errors.As(err, &ne): // the client is slow or gone: nobody to tell
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		x.respond(413, typeJSON, []byte(`{"detail":"Request body too large for the simulator"}`))
	default:
		x.respond(400, typeText, []byte("Invalid HTTP request received."))
	}
}

// wait returns at t, with errGone as soon as the client is gone, or with
// errStopped as soon as the engine is told to stop.
func (x *exchange) wait(t time.Time) error {
	d := t.Sub(x.s.now())
	if d <= 0 {
		return x.interrupted()
	}
	if x.timer == nil {
		x.timer = time.NewTimer(d)
	} else {
		x.timer.Reset(d)
	}
	select {
	case <-x.timer.C:
		return nil
	case <-x.w.gone:
		return errGone
	case <-x.stop:
		return errStopped
	}
}

// interrupted is why the exchange should not go on, if it should not.
func (x *exchange) interrupted() error {
	select {
	case <-x.w.gone:
		return errGone
	case <-x.stop:
		return errStopped
	default:
		return nil
	}
}

// breakOff ends the connection in the middle of things, with a reset or a close.
func (x *exchange) breakOff(reset bool) {
	x.closing = true
	x.truth.Outcome = TruthBroken
	if l, ok := x.c.nc.(interface{ SetLinger(int) error }); ok && reset {
		_ = l.SetLinger(0) // a plain close is what is left if it fails
	}
	x.w.end()
	_ = x.c.nc.Close() // breaking off is the point
}
