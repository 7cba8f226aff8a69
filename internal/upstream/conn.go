// Package upstream is one end's connection to an engine: sockets that their
// user can close at any moment, in any phase, because closing the connection is
// the only abort that engines understand. A Socket is the bare connection; a
// Conn writes fasthttp's messages and reads its heads over one. The pool, the
// time stamps, the bodies and the closing are ours.
package upstream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/http1"
)

// headSize is the limit of a response's head.
const headSize = 8 << 10

// Conn is HTTP messages over one Socket. All but Close belong to one goroutine
// at a time. What it holds while it waits for an answer is next to nothing: a
// load generator has thousands.
type Conn struct {
	net.Conn
	socket *Socket
	in     input
	sent   time.Time // when the last request was begun

	body   http1.Body // of the answer being read
	piece  []byte     // of it, not yet taken by Read
	err    error      // of reading the body, for good
	ended  bool       // the body was read to its end
	spoilt bool       // NoReuse
	keep   bool       // the engine keeps the connection open after it
}

// messages is the Conn over a socket, the same one as long as it is open.
func (s *Socket) messages() *Conn {
	if s.msg == nil {
		s.msg = &Conn{Conn: s.conn, socket: s}
		s.msg.in.init(s.conn)
	}
	return s.msg
}

// Reused says whether the connection has carried a request before.
func (c *Conn) Reused() bool { return c.socket.reused }

// LastRead is when the newest bytes were read from the socket. What Next or
// Read returns came at this moment or before, in the same read.
func (c *Conn) LastRead() time.Time { return c.in.at }

// replayWithin is how soon after the sending a connection must fail to have
// been dead before: a round trip. An engine that fails later may have worked.
const replayWithin = 100 * time.Millisecond

// FoundDead says whether the connection, just failed, was one that the engine
// had closed while it was idle: only then may a request be sent again.
func (c *Conn) FoundDead() bool {
	return c.socket.reused && c.in.bytes == 0 && time.Since(c.sent) < replayWithin
}

// maxCopied is how large a body may be that is copied behind its head, so that
// both leave in one packet. Of a larger one there are several anyway.
const maxCopied = 64 << 10

var outBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Send writes a request, head and body in one write, and returns when its last
// body byte has been handed to the socket.
func (c *Conn) Send(req *fasthttp.Request) error {
	c.in.bytes = 0
	c.sent = time.Now()
	c.body, c.piece, c.err, c.ended, c.keep = http1.Body{}, nil, nil, false, false
	body := req.Body()
	if len(body) > 0 || !req.Header.IsGet() {
		req.Header.SetContentLength(len(body))
	}
	out := outBuffers.Get().(*[]byte)
	defer outBuffers.Put(out)
	*out = req.Header.AppendBytes((*out)[:0])
	if len(body) > maxCopied {
		_, err := (&net.Buffers{*out, body}).WriteTo(c.Conn)
		return err
	}
	*out = append(*out, body...)
	_, err := c.Conn.Write(*out)
	return err
}

var headReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, headSize) }}

// Await returns when the answer has begun. Until then nothing is needed to read
// it with.
func (c *Conn) Await() error { return c.in.fill() }

// ReadHead reads the answer's head into resp. The body follows through Next or
// Read.
func (c *Conn) ReadHead(resp *fasthttp.Response) error {
	if err := c.Await(); err != nil {
		return err
	}
	br := headReaders.Get().(*bufio.Reader)
	defer headReaders.Put(br)
	br.Reset(&c.in)
	resp.SkipBody = true // it is not fasthttp that reads it
	if err := resp.ReadLimitBody(br, 0); err != nil {
		return err
	}
	c.in.unread(br.Buffered()) // the body's: br was filled to find the head's end
	br.Reset(nil)
	c.body.Start(framing(resp))
	c.ended = c.body.Done()
	c.keep = !resp.ConnectionClose() && !c.body.UntilClose() && resp.StatusCode() != fasthttp.StatusSwitchingProtocols
	return nil
}

// framing is how the head says that its body ends (RFC 9112, 6.3).
func framing(resp *fasthttp.Response) http1.Framing {
	status, length := resp.StatusCode(), resp.Header.ContentLength()
	switch {
	case status < 200, status == fasthttp.StatusNoContent, status == fasthttp.StatusNotModified:
		return http1.Framing{Kind: http1.None}
	case length == -1:
		return http1.Framing{Kind: http1.Chunked}
	case length < 0:
		return http1.Framing{Kind: http1.UntilClose}
	}
	return http1.Framing{Kind: http1.Length, Length: int64(length)}
}

// Next is the next piece of the answer's body, freed of its transfer coding:
// what has come, as soon as it has come. It is valid until the next call. The
// error is io.EOF only where the body ended as its framing says. A body cut
// short is io.ErrUnexpectedEOF or the socket's own error.
func (c *Conn) Next() ([]byte, error) {
	for c.err == nil && !c.ended {
		data, err := c.step()
		if err != nil {
			c.err = err
			break
		}
		if len(data) > 0 {
			return data, nil
		}
	}
	c.in.release()
	if c.err != nil {
		return nil, c.err
	}
	return nil, io.EOF
}

// step takes what one read brought, or a part of it.
func (c *Conn) step() ([]byte, error) {
	if c.body.Done() {
		c.ended = true
		c.keep = c.keep && len(c.in.rest) == 0 // nobody asked for more
		return nil, nil
	}
	err := c.in.fill()
	switch {
	case err == io.EOF && c.body.UntilClose():
		c.ended = true
		return nil, nil
	case err == io.EOF:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	used, data, err := c.body.Next(c.in.rest)
	if err != nil {
		return nil, fmt.Errorf("the answer has %w", err)
	}
	c.in.rest = c.in.rest[used:]
	return data, nil
}

// Read is Next for readers with a buffer of their own.
func (c *Conn) Read(p []byte) (n int, err error) {
	if len(c.piece) == 0 {
		if c.piece, err = c.Next(); err != nil {
			return 0, err
		}
	}
	n = copy(p, c.piece)
	c.piece = c.piece[n:]
	return n, nil
}

// NoReuse says that the connection is not to carry another request.
func (c *Conn) NoReuse() { c.spoilt = true }

// Release gives the connection back to the pool if another request can use it,
// and closes it otherwise. What Next returned must not be used after it.
func (c *Conn) Release() {
	over := c.ended && len(c.in.rest) == 0 && len(c.piece) == 0
	c.in.release()
	if !over || !c.keep || c.spoilt {
		c.Close()
		return
	}
	c.socket.Release()
}

// Close closes the socket, as Socket.Close does.
func (c *Conn) Close() error { return c.socket.Close() }
