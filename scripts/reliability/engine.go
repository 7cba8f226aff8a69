package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// engine is a server over raw sockets that answers as each request's plan says
// and closes connections when it is told to.
type engine struct {
	addr     string
	arrived  func(p *plan, fresh bool)                 // a request's head is here, on a connection that is fresh or not
	whole    func(p *plan)                             // and its body
	wrong    func(finding string, id int64, of string) // something is not as it must be
	gone     func(id int64, at time.Time)              // a request was given up, or its connection is over for another reason
	idle     func(served int) idleness                 // how a connection ends that waits for a request; nil = it does not
	asked    atomic.Int64                              // requests that the proxy had added its question for usage to
	accepted atomic.Int64                              // connections
	draining atomic.Bool                               // answers are the last of their connection

	mu     sync.Mutex // protects the rest
	ln     net.Listener
	conns  map[*engineConn]struct{}
	ended  bool
	serves sync.WaitGroup
}

// idleness is how the engine ends a connection between two requests.
type idleness struct {
	after     time.Duration // 0 = it is kept
	onArrival bool          // the moment that a request arrives
	reset     bool
}

// loopback is where an engine finds a port of its own. It is one that no
// client's socket is given, so that it is still free after a kill.
const loopback = "127.0.0.1:0"

// newEngine is an engine that does not listen yet. What it is to tell of is set
// before it is opened.
func newEngine() *engine {
	return &engine{
		conns:   map[*engineConn]struct{}{},
		arrived: func(*plan, bool) {},
		whole:   func(*plan) {},
		wrong:   func(string, int64, string) {},
		gone:    func(int64, time.Time) {},
	}
}

// open begins to listen on addr.
func (e *engine) open(addr string) error {
	e.addr = addr
	if addr != loopback {
		return e.listen()
	}
	var err error
	for range 50 {
		e.addr = fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))
		if err = e.listen(); err == nil {
			return nil
		}
	}
	return err
}

// listen opens the engine's door, again after kill.
func (e *engine) listen() error {
	ln, err := net.Listen("tcp", e.addr)
	if err != nil {
		return fmt.Errorf("the engine's listening on %s: %w", e.addr, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return ln.Close()
	}
	e.ln = ln
	e.serves.Add(1)
	go e.accept(ln)
	return nil
}

func (e *engine) accept(ln net.Listener) {
	defer e.serves.Done()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		e.accepted.Add(1)
		c := &engineConn{engine: e, conn: conn, br: bufio.NewReaderSize(conn, 8<<10)}
		e.mu.Lock()
		if e.ln != ln { // killed meanwhile
			e.mu.Unlock()
			conn.Close()
			continue
		}
		e.conns[c] = struct{}{}
		e.serves.Add(1)
		e.mu.Unlock()
		go c.serve()
	}
}

// kill does what the death of a process does: no listener, and every
// connection reset.
func (e *engine) kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ln == nil {
		return
	}
	e.ln.Close()
	e.ln = nil
	for c := range e.conns {
		c.reset()
	}
}

// drain does what an engine does that is asked to stop: it accepts nobody, ends
// the idle connections, and each other one behind its answer.
func (e *engine) drain() {
	e.draining.Store(true)
	defer e.draining.Store(false)
	e.mu.Lock()
	if e.ln != nil {
		e.ln.Close()
		e.ln = nil
	}
	e.mu.Unlock()
	for range 300 {
		e.closeIdle(func() bool { return false })
		e.mu.Lock()
		left := len(e.conns)
		e.mu.Unlock()
		if left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns { // those that were never used
		c.conn.Close()
	}
}

// closeIdle closes the connections that wait for a request, each with the
// chance that keep leaves it.
func (e *engine) closeIdle(keep func() bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		if c.waiting.Load() && !keep() && c.waiting.CompareAndSwap(true, false) {
			c.conn.Close()
		}
	}
}

// stop ends everything and waits for it.
func (e *engine) stop() {
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
	e.kill()
	e.serves.Wait()
}

// engineConn is one connection of the proxy.
type engineConn struct {
	engine  *engine
	conn    net.Conn
	br      *bufio.Reader
	served  int
	waiting atomic.Bool // between two requests
	head    head
	body    []byte
	out     []byte
	answer  []byte
	ends    []int
	drops   int // bytes sent one by one
}

func (c *engineConn) reset() {
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		// An error means that it is closed already, which is all that is wanted.
		_ = tcp.SetLinger(0)
	}
	c.conn.Close()
}

func (c *engineConn) serve() {
	defer func() {
		c.conn.Close()
		c.engine.mu.Lock()
		delete(c.engine.conns, c)
		c.engine.mu.Unlock()
		c.engine.serves.Done()
	}()
	for c.await() && c.request() {
		c.served++
	}
}

// await waits for the first byte of a request.
func (c *engineConn) await() bool {
	how := idleness{}
	if c.engine.idle != nil && c.served > 0 {
		how = c.engine.idle(c.served)
	}
	var until time.Time
	if how.after > 0 {
		until = time.Now().Add(how.after)
	}
	if c.conn.SetReadDeadline(until) != nil {
		return false
	}
	used := c.served > 0 // one that has not been used yet is not idle
	c.waiting.Store(used)
	_, err := c.br.Peek(1)
	closed := used && !c.waiting.CompareAndSwap(true, false) // by closeIdle, before it was seen that a request has come
	if err != nil || closed || how.onArrival {
		if how.reset {
			c.reset()
		}
		return false
	}
	return c.conn.SetReadDeadline(time.Time{}) == nil
}

// request reads one request and answers it. Not ok when the connection is not
// to be used again.
func (c *engineConn) request() (again bool) {
	if err := c.head.read(c.br); err != nil {
		return false // cut short: the proxy has given it up
	}
	if err := strictRequest(c.head.raw); err != nil {
		c.engine.wrong(malformedRequest, 0, err.Error())
	}
	line, planned := c.head.get("X-Plan")
	if !planned {
		return c.introduce()
	}
	p := new(plan)
	if err := p.parse(line); err != nil {
		c.engine.wrong(malformedRequest, 0, err.Error())
		return false
	}
	if id, _ := c.head.get("X-Request-Id"); string(id) != p.name() {
		c.engine.wrong(malformedRequest, p.id, fmt.Sprintf("X-Request-Id %q", id))
	}
	defer func() {
		if !again {
			c.engine.gone(p.id, time.Now()) // also where it was in the middle of reading or writing
		}
	}()
	c.engine.arrived(p, c.served == 0)
	f, err := c.head.framing(false)
	if err != nil {
		c.engine.wrong(malformedRequest, p.id, err.Error())
		return false
	}
	if p.fault == early413 {
		c.refuse(p)
		return false
	}
	if expect, _ := c.head.get("Expect"); equalFoldString(expect, "100-continue") {
		if !c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")) {
			return false
		}
	}
	c.body = c.body[:0]
	if err := readBody(c.br, f, func(b []byte) { c.body = append(c.body, b...) }, nil); err != nil {
		if errors.Is(err, errFraming) {
			c.engine.wrong(malformedRequest, p.id, err.Error())
		}
		return false
	}
	same, asked := p.sameRequest(c.body)
	if !same {
		c.engine.wrong(changedRequest, p.id, fmt.Sprintf("%d bytes: %q", len(c.body), clip(c.body)))
	}
	if asked {
		c.engine.asked.Add(1)
	}
	c.engine.whole(p)
	connection, _ := c.head.get("Connection")
	last := equalFoldString(connection, "close") || c.engine.draining.Load()
	ok := c.reply(p, asked, last) && !last
	if max(cap(c.answer), cap(c.out), cap(c.body)) > keptMost {
		c.answer, c.out, c.body = nil, nil, nil
	}
	return ok
}

func equalFoldString(b []byte, s string) bool { return len(b) == len(s) && equalFold(b, s) }

// strictRequest says what is wrong with a head that the proxy has sent.
func strictRequest(raw []byte) error {
	lines := strings.Split(strings.TrimSuffix(string(raw), "\r\n\r\n"), "\r\n")
	parts := strings.Split(lines[0], " ")
	if len(parts) != 3 || parts[2] != "HTTP/1.1" || !strings.HasPrefix(parts[1], "/") {
		return fmt.Errorf("request line %q", clip([]byte(lines[0])))
	}
	hosts := 0
	for _, line := range lines[1:] {
		name, _, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n\x00") || strings.ContainsAny(line, "\r\n\x00") {
			return fmt.Errorf("field line %q", clip([]byte(line)))
		}
		if strings.EqualFold(name, "host") {
			hosts++
		}
	}
	if hosts != 1 {
		return fmt.Errorf("%d Host fields", hosts)
	}
	return nil
}

// introduce answers who asks what this engine is: a vLLM, so that what is done
// for vLLM's streams is put to the test too.
func (c *engineConn) introduce() bool {
	body := `{"version":"0.32.0"}`
	if bytes.Contains(c.head.first(), []byte("/models")) {
		body = `{"object":"list","data":[{"id":"reliable","object":"model","created":1700000000,"owned_by":"vllm","max_model_len":4096}]}`
	}
	return c.write(fmt.Appendf(c.out[:0], "HTTP/1.1 200 OK\r\nserver: uvicorn\r\nx-simulated-by: tokenomics reliability\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", len(body), body))
}

func (c *engineConn) write(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	_, err := c.conn.Write(b)
	return err == nil
}

// refuse answers before the body has been read, and then reads on for a while,
// so that the answer is not lost in a reset.
func (c *engineConn) refuse(p *plan) {
	body := p.refusal()
	if !c.write(fmt.Appendf(c.out[:0], "HTTP/1.1 413 Content Too Large\r\nserver: uvicorn\r\nx-answer: %s\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s", p.name(), len(body), body)) {
		return
	}
	if tcp, ok := c.conn.(*net.TCPConn); !ok || tcp.CloseWrite() != nil {
		return
	}
	if c.conn.SetReadDeadline(time.Now().Add(2*time.Second)) != nil {
		return
	}
	for {
		if _, err := c.br.Discard(4 << 10); err != nil {
			return
		}
	}
}

// holdLimit is how long the engine waits to be given up.
const holdLimit = 10 * time.Second

// hold waits until the proxy closes the connection.
func (c *engineConn) hold(p *plan) {
	if c.conn.SetReadDeadline(time.Now().Add(holdLimit)) != nil {
		return
	}
	_, err := c.br.Peek(1)
	at := time.Now()
	var timeout net.Error
	switch {
	case err == nil:
		c.engine.wrong(malformedRequest, p.id, "bytes on a connection that waits for its answer")
	case errors.As(err, &timeout) && timeout.Timeout():
		c.engine.wrong(notTold, p.id, "still connected after "+holdLimit.String())
	default:
		c.engine.gone(p.id, at)
	}
}
