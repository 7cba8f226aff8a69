// Package upstream is one end's connection to an engine: sockets that their
// user can close at any moment, in any phase, because closing the connection is
// the only abort that engines understand. A Socket is the bare connection; a
// Conn writes and reads fasthttp's messages over one. The pool, the time stamps
// and the closing are ours.
package upstream

import (
	"bufio"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// bufferSize is a connection's read buffer, and the limit of a response's
// head.
const bufferSize = 8 << 10

// Conn is HTTP messages over one Socket. All but Close belong to one goroutine
// at a time.
type Conn struct {
	net.Conn
	socket *Socket
	in     *stamped
	br     *bufio.Reader
	bw     *bufio.Writer
	sent   time.Time // when the last request was begun

	body   io.Reader // of the answer being read; nil where it has none
	err    error     // of reading the body
	ended  bool      // the body was read to its end
	spoilt bool      // NoReuse
	keep   bool      // the engine keeps the connection open after it
}

// stamped remembers when the last bytes came, stamped before anything looks
// at them.
type stamped struct {
	net.Conn
	at    time.Time
	bytes int64
}

func (s *stamped) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.at = time.Now()
	s.bytes += int64(n)
	return n, err
}

// messages is the Conn over a socket, the same one as long as it is open.
func (s *Socket) messages() *Conn {
	if s.msg == nil {
		in := &stamped{Conn: s.conn}
		s.msg = &Conn{Conn: s.conn, socket: s, in: in, br: bufio.NewReaderSize(in, bufferSize), bw: bufio.NewWriterSize(s.conn, 4<<10)}
	}
	return s.msg
}

// Reused says whether the connection has carried a request before.
func (c *Conn) Reused() bool { return c.socket.reused }

// LastRead is when the newest bytes were read from the socket. What a body
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

// Send writes a request and returns when its last body byte has been handed to
// the socket.
func (c *Conn) Send(req *fasthttp.Request) error {
	c.in.bytes = 0
	c.sent = time.Now()
	c.body, c.err, c.ended, c.keep = nil, nil, false, false
	if err := req.Write(c.bw); err != nil {
		return err
	}
	return c.bw.Flush()
}

// ReadHead reads the answer's head into resp. The body follows through Read.
func (c *Conn) ReadHead(resp *fasthttp.Response) error {
	resp.StreamBody = true
	if err := resp.ReadLimitBody(c.br, 0); err != nil {
		return err
	}
	c.body = resp.BodyStream()
	c.ended = c.body == nil
	// A body without a length ends with the connection.
	c.keep = !resp.ConnectionClose() && (c.ended || resp.Header.ContentLength() != -2) &&
		resp.StatusCode() != fasthttp.StatusSwitchingProtocols
	return nil
}

// Read reads the answer's body, decoded from its transfer coding: as much as
// has come, and io.EOF only where the body ended as its framing says. A body
// cut short is io.ErrUnexpectedEOF or the socket's own error.
func (c *Conn) Read(p []byte) (int, error) {
	if c.body == nil || c.ended {
		return 0, io.EOF
	}
	n, err := c.body.Read(p)
	if err == io.EOF {
		c.ended = true
	} else if err != nil {
		c.err = err
	}
	return n, err
}

// NoReuse says that the connection is not to carry another request.
func (c *Conn) NoReuse() { c.spoilt = true }

// Release gives the connection back to the pool if another request can use it,
// and closes it otherwise. The response of ReadHead must not be used after it.
func (c *Conn) Release() {
	if !c.ended || !c.keep || c.spoilt || c.br.Buffered() > 0 {
		c.Close()
		return
	}
	c.body = nil
	c.socket.Release()
}

// Close closes the socket, as Socket.Close does.
func (c *Conn) Close() error { return c.socket.Close() }

// Err is what reading the answer failed with, nil while it goes well. The end
// of a body is no failure.
func (c *Conn) Err() error { return c.err }
