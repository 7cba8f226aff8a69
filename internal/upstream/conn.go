// Package upstream is one end's connection to an engine: sockets that their
// user can close at any moment, in any phase, because closing the connection is
// the only abort that engines understand. A Socket is the bare connection; a
// Conn is HTTP over one. fasthttp makes the requests; the pool, the time stamps,
// the answers and the closing are ours.
package upstream

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Conn is HTTP messages over one Socket. It belongs to one goroutine at a time.
// What it holds while it waits for an answer is next to nothing: a load
// generator has thousands.
type Conn struct {
	socket *Socket
	line   *line     // where a readiness loop reads the answers, else nil
	in     input     // where the goroutine that asks does
	sent   time.Time // when the last request was begun
	answer answer
}

// messages is the Conn over a socket, the same one as long as it is open.
func (s *Socket) messages() *Conn {
	if s.msg == nil {
		s.msg = &Conn{socket: s}
		if s.msg.line, _ = s.conn.(*line); s.msg.line == nil {
			s.msg.in.init(s.Raw())
		}
	}
	return s.msg
}

// Reused says whether the connection has carried a request before.
func (c *Conn) Reused() bool { return c.socket.reused }

// replayWithin is how soon after the sending a connection must fail to have
// been dead before: a round trip. An engine that fails later may have worked.
const replayWithin = 100 * time.Millisecond

// FoundDead says whether the connection, on which Do has just failed, was one
// that the engine had closed while it was idle: only then may a request be sent
// again.
func (c *Conn) FoundDead() bool {
	return c.socket.reused && c.answer.bytes == 0 && time.Since(c.sent) < replayWithin
}

// Do sends a request and tells to of the answer, to its end. ended is when the
// last bytes of it were read. The error is nil only where the body ended as its
// framing says: one cut short is io.ErrUnexpectedEOF or the socket's own error.
// Where ctx is cancelled before, the connection is closed at once.
//
// Afterwards the connection is back in the pool where another request can use
// it, and closed otherwise.
func (c *Conn) Do(ctx context.Context, req *fasthttp.Request, to Receiver) (ended time.Time, err error) {
	c.sent, c.answer = time.Now(), answer{}
	if c.line != nil {
		ended, err = c.line.do(ctx, c, req, to)
	} else {
		ended, err = c.read(ctx, req, to)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // the closed connection is only how it shows
	}
	if err != nil || !c.answer.keep {
		c.Close()
	} else {
		c.Release()
	}
	return ended, err
}

// read is Do where the asking goroutine reads.
func (c *Conn) read(ctx context.Context, req *fasthttp.Request, to Receiver) (time.Time, error) {
	stop := context.AfterFunc(ctx, c.Close)
	defer func() { c.answer.keep = stop() && c.answer.keep }()
	if err := write(c.socket.Raw(), req); err != nil {
		return time.Time{}, err
	}
	to.Sent(time.Now())
	for {
		p, err := c.in.receive()
		if err != nil {
			return c.in.at, c.answer.cut(err)
		}
		over, err := c.answer.take(c.in.at, p, to)
		c.in.release()
		if over || err != nil {
			return c.in.at, err
		}
	}
}

// maxCopied is how large a body may be that is copied behind its head, so that
// both leave in one packet. Of a larger one there are several anyway.
const maxCopied = 64 << 10

var outBuffers = sync.Pool{New: func() any { return new([]byte) }}

// write writes a request and returns when its last byte has been handed to the
// socket.
func write(to net.Conn, req *fasthttp.Request) error {
	out := outBuffers.Get().(*[]byte)
	defer outBuffers.Put(out)
	for _, p := range message(out, req) {
		if _, err := to.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// message is what a request is on the wire, to be written piece by piece. The
// first, its head and, where it is not large, its body, is in out.
func message(out *[]byte, req *fasthttp.Request) [][]byte {
	body := req.Body()
	if len(body) > 0 || !req.Header.IsGet() {
		req.Header.SetContentLength(len(body))
	}
	*out = req.Header.AppendBytes((*out)[:0])
	if len(body) > maxCopied {
		return [][]byte{*out, body}
	}
	*out = append(*out, body...)
	return [][]byte{*out}
}

// Release gives the connection, on which nothing is asked, back to the pool.
func (c *Conn) Release() { c.socket.Release() }

// Close closes the socket, as Socket.Close does.
func (c *Conn) Close() { _ = c.socket.Close() } // nothing is lost with it
