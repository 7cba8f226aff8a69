package proxy

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
)

// phase is where sending a request on went wrong.
type phase int

const (
	connecting phase = iota
	writing
	reading // the answer's head
)

// sendError is why the engine gave no answer.
type sendError struct {
	phase phase
	addr  string
	err   error
}

// Error is for the client and the Record. It never quotes what was being read
// or written, which is where keys and prompts are.
func (e *sendError) Error() string {
	var large *fasthttp.ErrSmallBuffer
	switch {
	case e.phase == connecting:
		return e.err.Error()
	case isSocketError(e.err):
		return "the engine at " + e.addr + " closed the connection without an answer"
	case errors.As(e.err, &large):
		return "the head of the answer from " + e.addr + " is larger than can be read"
	}
	return "what " + e.addr + " answered is not HTTP"
}

func (e *sendError) Unwrap() error { return e.err }

// isSocketError says whether an error is about a connection that ended, and
// not about what came over it.
func isSocketError(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &network)
}

// send gives the request to the engine and reads the answer's head. A pooled
// connection that turns out dead before it answered costs a second attempt on
// a fresh one; a request that can't be sent twice gets a fresh one at once.
func (x *exchange) send(req *fasthttp.Request, upload *body) *sendError {
	for {
		if err := x.connect(upload != nil || x.rec.Retries > 0); err != nil {
			return &sendError{connecting, x.proxy.cfg.Upstream.Addr, err}
		}
		err := x.attempt(req, upload)
		if err == nil {
			return nil
		}
		if !x.conn.FoundDead() || x.rec.Retries > 0 || x.aborted() != "" {
			return err
		}
		x.rec.Retries++
		x.rec.Sent = record.Offset{}
		x.drop()
		x.resetResponse(req)
	}
}

// earlyAnswer is how long an engine that stopped reading may take to say why.
const earlyAnswer = time.Second

// attempt sends the request on the exchange's connection.
func (x *exchange) attempt(req *fasthttp.Request, upload *body) *sendError {
	addr := x.proxy.cfg.Upstream.Addr
	sent := x.conn.Send(req)
	if sent != nil && (upload != nil && upload.err != nil || !isSocketError(sent)) {
		return &sendError{writing, addr, sent}
	}
	if sent != nil {
		// It may have answered before it had read all: 413, 401.
		if err := x.conn.SetReadDeadline(time.Now().Add(earlyAnswer)); err != nil {
			return &sendError{writing, addr, sent}
		}
		x.conn.NoReuse()
	}
	x.rec.Sent = record.Some(time.Since(x.start))
	if err := x.conn.ReadHead(x.resp); err != nil {
		if sent != nil {
			return &sendError{writing, addr, sent}
		}
		return &sendError{reading, addr, err}
	}
	if sent != nil {
		if err := x.conn.SetReadDeadline(time.Time{}); err != nil {
			return &sendError{reading, addr, err}
		}
	}
	return nil
}

func (x *exchange) resetResponse(req *fasthttp.Request) {
	x.resp.Reset()
	x.resp.SkipBody = req.Header.IsHead()
}

// malformation is the status and the words for what is no request. fasthttp's
// own words may quote it.
func malformation(err error) (status int, message string) {
	var large *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.As(err, &large):
		return fasthttp.StatusRequestHeaderFieldsTooLarge, "the request's head is larger than can be read"
	case errors.As(err, &network) && network.Timeout():
		return fasthttp.StatusRequestTimeout, "the request took too long to arrive"
	case strings.Contains(err.Error(), "request headers"):
		return fasthttp.StatusBadRequest, "the request's head could not be read"
	}
	return fasthttp.StatusBadRequest, "the request could not be read"
}
