package main

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// caller is a client over a raw socket. It keeps its connection from one
// request to the next where the answers allow it.
type caller struct {
	addr     string
	secure   *tls.Config // nil = no TLS
	patience time.Duration
	linger   time.Duration // how long it waits for the end after a half-close; 0 = 5 s
	stay     func(p *plan) // waits where it is to leave; nil = it leaves at once
	ahead    []byte        // is written right behind the next request
	from     net.Addr      // its own address; nil = the system's choice
	opened   *atomic.Int64 // counts its connections; nil = nobody does

	conn  net.Conn
	tcp   *net.TCPConn
	br    *bufio.Reader
	head  head
	out   []byte
	check checker
}

// result is what a client saw of one request.
type result struct {
	began, ended time.Time
	leftAt       time.Time // when the client left
	sent         bool      // the whole head was written
	left         bool      // the client left on purpose
	reused       bool      // the connection had carried a request before
	status       int       // 0: no answer's head came
	engines      bool      // the answer is the engine's, not the proxy's own
	complete     bool      // the answer ended as its framing says
	exact        bool      // and is what it must be, byte for byte
	keep         bool      // the connection can be used again
	alien        bool      // bytes of another request came
	hung         bool      // nothing happened for too long
	unreadable   bool      // it is framed as this client's version has it not
	wrong        string
	says         string // the beginning of an answer of the proxy's own
	trailers     []byte
	err          error
	upload       chan struct{} // closed when a large body is written; nil for a small one
}

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// dial opens a connection where there is none.
func (c *caller) dial(slow bool) error {
	if c.conn != nil {
		return nil
	}
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: c.from}
	conn, err := d.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	if c.opened != nil {
		c.opened.Add(1)
	}
	c.tcp = conn.(*net.TCPConn)
	c.conn = conn
	if slow {
		if err := c.tcp.SetReadBuffer(128 << 10); err != nil {
			c.close()
			return err
		}
		c.conn = &slowConn{Conn: conn, left: 60}
	}
	if c.secure != nil {
		secure := tls.Client(c.conn, c.secure)
		if err := secure.Handshake(); err != nil {
			c.close()
			return err
		}
		c.conn = secure
	}
	if c.br == nil {
		c.br = bufio.NewReaderSize(c.conn, 8<<10)
	}
	c.br.Reset(c.conn)
	return nil
}

// slowConn reads a little at a time, with pauses, for a while.
type slowConn struct {
	net.Conn
	left int
}

func (s *slowConn) Read(p []byte) (int, error) {
	if s.left > 0 {
		s.left--
		time.Sleep(5 * time.Millisecond)
		p = p[:min(len(p), 4<<10)]
	}
	return s.Conn.Read(p)
}

// call makes one request and takes its answer.
func (c *caller) call(p *plan) *result {
	r := &result{began: time.Now(), reused: c.conn != nil}
	defer func() { r.ended = time.Now() }()
	if r.err = c.dial(p.slow); r.err != nil {
		return r
	}
	if r.err = c.conn.SetDeadline(r.began.Add(c.patience)); r.err != nil {
		c.close()
		return r
	}
	c.request(p, r)
	if r.err == nil && !r.left {
		c.receive(p, r)
	}
	c.conclude(r)
	return r
}

// callAll makes several requests in one write and takes their answers. It is
// as long as plans: those that were not answered for lack of a connection have
// the error.
func (c *caller) callAll(plans []*plan) []*result {
	began := time.Now()
	results := make([]*result, len(plans))
	err := c.dial(false)
	if err == nil {
		err = c.conn.SetDeadline(began.Add(c.patience))
	}
	var out []byte
	for _, p := range plans {
		body := p.appendRequest(nil)
		out = append(appendHead(out, p, len(body)), body...)
	}
	if err == nil {
		err = c.write(out)
	}
	for i, p := range plans {
		r := &result{began: began, sent: err == nil, err: err}
		if err == nil && c.conn == nil {
			r.err, r.sent = net.ErrClosed, false
		} else if err == nil {
			c.receive(p, r)
			c.conclude(r)
		}
		r.ended = time.Now()
		results[i] = r
	}
	if err != nil {
		c.close()
	}
	return results
}

// keptMost bounds the memory that a caller or an engine's connection keeps for
// the next request.
const keptMost = 256 << 10

// conclude closes the connection if it can't be used again.
func (c *caller) conclude(r *result) {
	if cap(c.check.want) > keptMost {
		c.check.want = nil
	}
	if cap(c.out) > keptMost {
		c.out = nil
	}
	var timeout net.Error
	r.hung = errors.As(r.err, &timeout) && timeout.Timeout() && !errors.Is(r.err, syscall.ECONNREFUSED)
	if r.upload != nil {
		select {
		case <-r.upload:
		default:
			r.keep = false // what is still being written is no next request
		}
	}
	if !r.keep || r.err != nil || r.left {
		r.keep = false
		c.close()
	}
}

// appendHead writes a request's head.
func appendHead(dst []byte, p *plan, body int) []byte {
	version, old := " HTTP/1.1\r\nHost: engine.example\r\nX-Request-Id: ", p.send == "http10"
	if old {
		version = " HTTP/1.0\r\nHost: engine.example\r\nX-Request-Id: "
	}
	dst = append(append(append(append(dst, p.kind.method()...), ' '), p.kind.path()...), version...)
	dst = appendID(dst, p.id)
	dst = p.appendLine(append(dst, "\r\nX-Plan: "...))
	dst = append(dst, "\r\nAuthorization: Bearer nobody\r\nAccept: */*\r\n"...)
	switch p.send {
	case "chunked":
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case "expect":
		dst = append(dst, "Expect: 100-continue\r\n"...)
	case "close":
		dst = append(dst, "Connection: close\r\n"...)
	}
	if p.kind.hasBody() {
		dst = append(dst, "Content-Type: application/json\r\n"...)
		if p.send != "chunked" {
			dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(body), 10)
			dst = append(dst, "\r\n"...)
		}
	}
	return append(dst, "\r\n"...)
}

// request writes the request as its plan has it. r.left is set when the client
// has left on the way.
func (c *caller) request(p *plan, r *result) {
	body := p.appendRequest(nil)
	c.out = appendHead(c.out[:0], p, len(body))
	switch {
	case p.leave == "head":
		if r.err = c.write(c.out[:len(c.out)/2]); r.err == nil {
			c.depart(p, r)
		}
		return
	case p.send == "slow":
		r.err = c.trickle(c.out)
	case p.send == "expect" && p.leave == "":
		if r.err = c.write(c.out); r.err == nil {
			r.err = c.awaitContinue()
		}
		c.out = c.out[:0]
	}
	r.sent = r.err == nil
	if r.err != nil {
		return
	}
	if p.send == "slow" {
		c.out = c.out[:0]
	}
	if p.send == "chunked" {
		for rest := body; len(rest) > 0; {
			n := min(len(rest), 7000)
			c.out = appendPiece(c.out, rest[:n], true)
			rest = rest[n:]
		}
		c.out = append(c.out, "0\r\n\r\n"...)
	} else {
		c.out = append(c.out, body...)
	}
	c.out = append(c.out, c.ahead...)
	if p.leave == "body" {
		if r.err = c.write(c.out[:len(c.out)-len(body)/2-5]); r.err == nil {
			c.depart(p, r)
		}
		return
	}
	c.upload(r)
	if p.leave == "wait" && r.err == nil {
		c.depart(p, r)
	}
}

// upload writes what is left of the request. A large one is written aside, so
// that an answer that comes before its end is seen.
func (c *caller) upload(r *result) {
	if len(c.out) < 64<<10 {
		r.err = c.write(c.out)
		return
	}
	conn, out, done := c.conn, c.out, make(chan struct{})
	c.out, r.upload = nil, done
	go func() {
		defer close(done)
		conn.Write(out) // a failure is seen by who reads the answer
	}()
}

func (c *caller) write(b []byte) error {
	_, err := c.conn.Write(b)
	return err
}

// trickle writes slowly.
func (c *caller) trickle(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), 16)
		if err := c.write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// awaitContinue waits for 100, but not for ever, as RFC 9110 has it.
func (c *caller) awaitContinue() error {
	if err := c.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err := c.br.Peek(1)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return c.conn.SetReadDeadline(time.Now().Add(c.patience))
}

// depart leaves the way that the plan has it.
func (c *caller) depart(p *plan, r *result) {
	r.left = true
	if c.stay != nil {
		c.stay(p)
	}
	r.leftAt = time.Now()
	switch p.how {
	case "fin":
		c.conn.Close() // over TLS it says goodbye first
	case "rst":
		// An error means that the connection is closed already.
		_ = c.tcp.SetLinger(0)
	case "half":
		if secure, ok := c.conn.(*tls.Conn); ok {
			// An error means that the connection is closed already.
			_ = secure.CloseWrite()
		}
		if c.tcp.CloseWrite() == nil {
			c.drain()
		}
	}
	c.tcp.Close()
	c.conn = nil
}

// drain reads to the end of the connection, which must come soon.
func (c *caller) drain() {
	if c.conn.SetReadDeadline(time.Now().Add(cmp.Or(c.linger, 5*time.Second))) != nil {
		return
	}
	for {
		if _, err := c.br.Discard(1); err != nil {
			return
		}
	}
}

// receive takes the answer.
func (c *caller) receive(p *plan, r *result) {
	for {
		if r.err = c.head.read(c.br); r.err != nil {
			return
		}
		if r.status = c.head.status(); r.status == 0 {
			r.wrong = fmt.Sprintf("status line %q", clip(c.head.first()))
			return
		}
		if r.status >= 200 {
			break
		}
	}
	var f framing
	if f, r.err = c.head.framing(true); r.err != nil {
		r.wrong = r.err.Error()
		return
	}
	if p.kind == headOnly || r.status == 204 || r.status == 304 {
		f = framing{}
	}
	if f.chunked && p.send == "http10" {
		r.unreadable = true
	}
	c.receiveBody(p, r, f)
}

// leaveMidway leaves after some bytes of the answer's body, however it is framed;
// that they are no other's is looked at.
func (c *caller) leaveMidway(p *plan, r *result) {
	some := make([]byte, 1)
	if r.engines { // the proxy's own answers are of another length
		some = make([]byte, max(1, p.after))
	}
	n, err := io.ReadFull(c.br, some)
	r.alien = r.alien || alien(some[:n], p.id)
	if r.err = err; errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.err = nil // it was no longer than that
	}
	if r.err == nil {
		c.depart(p, r)
	}
}

// receiveBody takes the answer's body and checks it as it comes.
func (c *caller) receiveBody(p *plan, r *result, f framing) {
	c.check = checker{own: p.id, want: c.check.want[:0]}
	var id []byte
	id, r.engines = c.head.get("X-Answer")
	if r.engines {
		if got, ok := parseID(id); !ok || got != p.id {
			r.alien, r.wrong = true, fmt.Sprintf("the answer of %q", id)
		}
		c.check.want = p.appendAnswer(c.check.want)
		if r.status != p.status() && r.wrong == "" {
			r.wrong = fmt.Sprintf("status %d, want %d", r.status, p.status())
		}
	}
	connection, _ := c.head.get("Connection")
	r.keep = !f.toEnd && p.send != "http10" && p.send != "close" && !equalFoldString(connection, "close")
	if p.leave == "first" {
		c.depart(p, r)
		return
	}
	sink := c.check.feed
	if !r.engines {
		sink = func(b []byte) {
			r.alien = r.alien || alien(b, p.id)
			r.says = string(append([]byte(r.says), b[:min(len(b), 300-len(r.says))]...))
		}
	}
	if p.leave == "mid" {
		c.leaveMidway(p, r)
		return
	}
	r.err = readBody(c.br, f, sink, &r.trailers)
	r.complete = r.err == nil
	if r.engines {
		r.exact = r.complete && c.check.exact() && r.wrong == ""
		r.alien = r.alien || c.check.alien
		if r.wrong == "" {
			r.wrong = c.check.wrong
		}
	}
}
