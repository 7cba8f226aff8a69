package sim

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

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

	w      *watcher // nil for answers that take no time
	timer  *time.Timer
	faults faults
	truth  Truth
	buf    []byte
}

const (
	typeJSON = "application/json"
	typeText = "text/plain; charset=utf-8"
	typeSSE  = "text/event-stream; charset=utf-8"
)

// chunkedLength stands for a body of unknown length.
const chunkedLength = -1

// simulatedBy is the header that tells on every answer what answered.
const simulatedBy = "x-simulated-by: tokenomics sim\r\n"

// since is the time since the request was received, in ns.
func (x *exchange) since(t time.Time) int64 { return int64(t.Sub(x.received)) }

// appendHead appends a response head as uvicorn writes it: lower case, date and
// server first.
func (x *exchange) appendHead(dst []byte, status int, contentType string, length int) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, fasthttp.StatusMessage(status)...)
	dst = append(dst, "\r\ndate: "...)
	dst = fasthttp.AppendHTTPDate(dst, x.s.now())
	dst = append(dst, "\r\nserver: uvicorn\r\n"...)
	if length != chunkedLength {
		dst = appendKey(dst, "content-length: ", length)
		dst = append(dst, "\r\n"...)
	}
	if contentType != "" {
		dst = append(dst, "content-type: "+contentType+"\r\n"...)
	}
	if x.s.dialect.traits().vary {
		dst = append(dst, "vary: Origin\r\n"...)
	}
	dst = append(dst, simulatedBy...)
	switch {
	case length != chunkedLength:
	case x.http11:
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
	default:
		x.closing = true // the end of the body is the end of the connection
	}
	if x.closing {
		dst = append(dst, "connection: close\r\n"...)
	}
	return append(dst, "\r\n"...)
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

// writeHead writes the head of a stream, or of a body that follows apart.
func (x *exchange) writeHead(status int, contentType string, length int) error {
	head := x.appendHead(nil, status, contentType, length)
	pieces := 1
	f, slow := x.faults.get("slow-headers")
	if slow {
		pieces = 8
	}
	for i := range pieces {
		if i > 0 {
			if err := x.wait(x.s.now().Add(f.D / time.Duration(pieces))); err != nil {
				return err
			}
		}
		if err := x.write(head[i*len(head)/pieces : (i+1)*len(head)/pieces]); err != nil {
			return err
		}
	}
	x.truth.Status = status
	x.truth.HeadNS = x.since(x.s.now())
	return nil
}

// respond writes a whole answer with a body.
func (x *exchange) respond(status int, contentType string, body []byte) {
	out := x.appendHead(x.buf[:0], status, contentType, len(body))
	if !x.req.Header.IsHead() {
		out = append(out, body...)
	}
	if x.write(out) == nil {
		x.truth.Status = status
		x.truth.HeadNS = x.since(x.s.now())
	}
	x.buf = out[:0]
}

// refuse answers with the dialect's error.
func (x *exchange) refuse(e *apiError) {
	x.truth.Outcome = TruthRefused
	x.respond(e.status, typeJSON, x.s.dialect.appendError(nil, e))
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

// wait returns at t, or with errGone as soon as the client is gone.
func (x *exchange) wait(t time.Time) error {
	d := t.Sub(x.s.now())
	if d <= 0 {
		if x.w.left() {
			return errGone
		}
		return nil
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
