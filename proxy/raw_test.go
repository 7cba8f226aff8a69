package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// rawPeer is one end of a TCP connection on which the test writes and reads
// every byte itself. Each read and write is bounded by patience.
type rawPeer struct {
	*net.TCPConn
	br *bufio.Reader
}

func newRawPeer(c net.Conn) *rawPeer {
	p := &rawPeer{TCPConn: c.(*net.TCPConn)}
	p.br = bufio.NewReaderSize(p, 128<<10)
	return p
}

func (p *rawPeer) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.TCPConn.Read(b)
}

func (p *rawPeer) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.TCPConn.Write(b)
}

// dialRaw is a client.
func dialRaw(t testing.TB, addr string) *rawPeer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return newRawPeer(c)
}

func (p *rawPeer) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		t.Fatalf("writing %.60q: %v", text, err)
	}
}

// expect reads exactly want.
func (p *rawPeer) expect(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.br, got)
	if err != nil || string(got) != want {
		t.Fatalf("read %.600q and %v, want %.600q", got[:n], err, want)
	}
}

// ends reads until the other side ends the connection, and fails if it does
// not. It returns what still came; reset says that the end was no proper one.
func (p *rawPeer) ends(t *testing.T, whose string) (rest string, reset bool) {
	t.Helper()
	b, err := io.ReadAll(p.br)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("%s is not closed: %v after %.200q", whose, err, b)
	}
	return string(b), err != nil
}

// leave ends the connection in one of the three ways a peer can.
func (p *rawPeer) leave(t *testing.T, how string) {
	t.Helper()
	var err error
	switch how {
	case "FIN":
		err = p.Close()
	case "RST":
		if err = p.SetLinger(0); err == nil {
			err = p.Close()
		}
	case "half-close":
		err = p.CloseWrite()
	default:
		t.Fatalf("no way to leave is called %q", how)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rawMessage is one request or answer as it came.
type rawMessage struct {
	start    string   // the request or status line
	lines    []string // header lines, without CRLF
	kind     string   // how the body ends: none, length, chunked, close
	body     string   // decoded
	trailers []string
}

// head reads the start line and the header lines, and insists on CRLF.
func (p *rawPeer) head() (*rawMessage, error) {
	m := new(rawMessage)
	var err error
	if m.start, err = rawLine(p.br); err != nil {
		return m, err
	}
	m.lines, err = rawLines(p.br)
	return m, err
}

func rawLine(br *bufio.Reader) (string, error) {
	line, err := br.ReadString('\n')
	if err == nil && !strings.HasSuffix(line, "\r\n") {
		err = fmt.Errorf("the line %q does not end with CRLF", line)
	}
	if err == io.EOF && line != "" {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSuffix(line, "\r\n"), err
}

// rawLines reads lines up to the empty one.
func rawLines(br *bufio.Reader) (lines []string, err error) {
	for {
		line, err := rawLine(br)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || line == "" {
			return lines, err
		}
		lines = append(lines, line)
	}
}

// request reads a whole request.
func (p *rawPeer) request() (*rawMessage, error) {
	m, err := p.head()
	if err != nil {
		return m, err
	}
	return m, m.readBody(p.br, "none")
}

// wantRequest reads a whole request that must be there.
func (p *rawPeer) wantRequest(t *testing.T) *rawMessage {
	t.Helper()
	m, err := p.request()
	if err != nil {
		t.Fatalf("reading a request: %v after %+v", err, m)
	}
	return m
}

// answer reads a whole answer to a request with the method.
func (p *rawPeer) answer(method string) (*rawMessage, error) {
	m, err := p.head()
	if err != nil {
		return m, err
	}
	if status := m.status(); status < 200 || status == 204 || status == 304 || method == "HEAD" {
		m.kind = "none"
		return m, nil
	}
	return m, m.readBody(p.br, "close")
}

func (p *rawPeer) wantAnswer(t *testing.T, method string) *rawMessage {
	t.Helper()
	m, err := p.answer(method)
	if err != nil {
		t.Fatalf("reading an answer: %v after %.2000q", err, m)
	}
	return m
}

// readBody reads the body; unsaid is how it ends where no line tells.
func (m *rawMessage) readBody(br *bufio.Reader, unsaid string) error {
	r, err := m.open(br, unsaid)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(r)
	m.body, m.trailers = string(b), r.trailers
	return err
}

// open begins to read the body.
func (m *rawMessage) open(br *bufio.Reader, unsaid string) (*rawBody, error) {
	lengths, codings := m.values("Content-Length"), m.values("Transfer-Encoding")
	r := &rawBody{br: br}
	switch m.kind = unsaid; {
	case len(lengths)+len(codings) > 1:
		return nil, fmt.Errorf("lengths %q and codings %q in one message", lengths, codings)
	case len(codings) == 1 && strings.EqualFold(codings[0], "chunked"):
		m.kind = "chunked"
	case len(codings) == 1:
		return nil, fmt.Errorf("the coding %q", codings[0])
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 62)
		if err != nil {
			return nil, err
		}
		m.kind, r.left = "length", int64(n)
	}
	r.kind = m.kind
	return r, nil
}

// rawBody decodes a body as it comes.
type rawBody struct {
	br       *bufio.Reader
	kind     string
	left     int64 // of the body, or of the chunk
	inside   bool  // a chunk, whose CRLF is still to come
	ended    bool
	trailers []string
}

func (r *rawBody) Read(p []byte) (int, error) {
	if r.kind == "close" {
		return r.br.Read(p)
	}
	if r.kind == "chunked" && r.left == 0 && !r.ended {
		if err := r.nextChunk(); err != nil {
			return 0, err
		}
	}
	if r.kind == "none" || r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.br.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextChunk reads up to the next chunk's data, or to the body's end.
func (r *rawBody) nextChunk() error {
	if r.inside {
		if line, err := rawLine(r.br); err != nil || line != "" {
			return fmt.Errorf("%q and %w behind a chunk", line, orUnexpected(err))
		}
	}
	line, err := rawLine(r.br)
	if err != nil {
		return orUnexpected(err)
	}
	digits, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(digits, 16, 62)
	if err != nil {
		return fmt.Errorf("reading a chunk's size: %w", err)
	}
	r.left, r.inside = int64(n), true
	if n == 0 {
		r.ended = true
		r.trailers, err = rawLines(r.br)
	}
	return err
}

// orUnexpected is err, where the end of the connection, or none at all, is not
// what had to come.
func orUnexpected(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// expect reads exactly want of the decoded body.
func (r *rawBody) expect(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if err != nil || string(got) != want {
		t.Fatalf("read %.600q and %v of the body, want %.600q", got[:n], err, want)
	}
}

// values are the values of the lines with the name.
func (m *rawMessage) values(name string) (values []string) {
	for _, line := range m.lines {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			values = append(values, strings.Trim(v, " \t"))
		}
	}
	return values
}

// status is an answer's, 0 if there is none.
func (m *rawMessage) status() int {
	if _, rest, ok := strings.Cut(m.start, " "); ok && len(rest) >= 3 {
		if n, err := strconv.Atoi(rest[:3]); err == nil {
			return n
		}
	}
	return 0
}

// endToEndLines are the lines less those that belong to one connection.
func (m *rawMessage) endToEndLines() []string {
	return slices.DeleteFunc(slices.Clone(m.lines), func(line string) bool {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade":
			return true
		}
		return false
	})
}

// rawEngine takes connections for a test to play the engine on. Those on which
// the proxy asks what the engine is are answered apart.
type rawEngine struct {
	url, addr string
	conns     chan *rawPeer

	mu      sync.Mutex // protects the rest
	all     []net.Conn
	sorting int      // connections that have not said yet what they are for
	deaf    bool     // nothing may come: connections that carry anything are closed
	heard   []string // what came all the same
}

// rawEngineConns is more connections than any test makes.
const rawEngineConns = 1 << 12

func listenRaw(t testing.TB) *rawEngine {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &rawEngine{addr: ln.Addr().String(), url: "http://" + ln.Addr().String(), conns: make(chan *rawPeer, rawEngineConns)}
	t.Cleanup(func() {
		ln.Close()
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, c := range e.all {
			c.Close()
		}
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			e.mu.Lock()
			e.all = append(e.all, c)
			e.sorting++
			e.mu.Unlock()
			go func() {
				e.sort(newRawPeer(c))
				e.mu.Lock()
				defer e.mu.Unlock()
				e.sorting--
			}()
		}
	}()
	return e
}

// flushed is the request that ends a test's wait for earlier connections.
const flushed = "FLUSH / HTTP/1.1\r\n\r\n"

// sort looks at the first bytes of a connection, and leaves them to be read.
func (e *rawEngine) sort(p *rawPeer) {
	var first []byte
	for n := 1; n <= len("GET /v1/models "); n++ {
		b, err := p.br.Peek(n)
		if err != nil {
			break
		}
		first = b
	}
	switch {
	case len(first) == 0:
		p.Close() // said nothing
	case strings.HasPrefix(flushed, string(first)):
		p.Close()
	case strings.HasPrefix(string(first), "GET /v1/models ") || strings.HasPrefix(string(first), "GET /version "):
		go fingerprinted(p)
	case e.hears(p):
		p.Close() // so that no client waits for an answer
	default:
		e.conns <- p
	}
}

// hears notes what came to an engine that is deaf.
func (e *rawEngine) hears(p *rawPeer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.deaf {
		return false
	}
	b, _ := p.br.Peek(p.br.Buffered()) // no more than is there
	e.heard = append(e.heard, string(b))
	return true
}

// listenDeaf is an engine that nothing may come to.
func listenDeaf(t *testing.T) *rawEngine {
	e := listenRaw(t)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deaf = true
	return e
}

// fingerprinted answers as a vLLM what the proxy asks at its start.
func fingerprinted(p *rawPeer) {
	defer p.Close()
	for {
		m, err := p.request()
		if err != nil {
			return
		}
		body := `{"data":[{"id":"m","owned_by":"vllm"}]}`
		if strings.HasPrefix(m.start, "GET /version ") {
			body = `{"version":"0.1"}`
		}
		if _, err := fmt.Fprintf(p, "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", len(body), body); err != nil {
			return
		}
	}
}

// accept is the next connection that carries a request.
func (e *rawEngine) accept(t testing.TB) *rawPeer {
	t.Helper()
	select {
	case p := <-e.conns:
		return p
	case <-time.After(patience):
		t.Fatalf("waited %v for a request to reach the engine", patience)
	}
	return nil
}

// serve answers every request on every connection.
func (e *rawEngine) serve(answer func(*rawMessage) string) {
	go func() {
		for p := range e.conns {
			go func() {
				defer p.Close()
				for {
					m, err := p.request()
					if err != nil {
						return
					}
					if _, err := io.WriteString(p, answer(m)); err != nil {
						return
					}
				}
			}()
		}
	}()
}

// settled are the connections that carried anything and were not accepted by
// the test. Call it when the proxy has been shut down.
func (e *rawEngine) settled(t *testing.T) (conns []*rawPeer) {
	t.Helper()
	last := dialRaw(t, e.addr)
	last.send(t, flushed)
	last.ends(t, "the connection that ends the wait") // connections are taken in turn: all before it are in
	eventually(t, "the engine to know what its connections are for", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.sorting == 0
	})
	for {
		select {
		case p := <-e.conns:
			conns = append(conns, p)
		default:
			return conns
		}
	}
}

// heardNothing fails if a byte reached the engine. Call it when the proxy has
// been shut down.
func (e *rawEngine) heardNothing(t *testing.T) {
	t.Helper()
	for _, p := range e.settled(t) {
		b, _ := io.ReadAll(p.br) // the proxy is gone: it ends, properly or not
		t.Errorf("the engine received %.300q", b)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range e.heard {
		t.Errorf("the engine received %.300q", b)
	}
}

// startFor is a proxy that has made exactly so many Records when it has shut
// down at the end of the test.
func startFor(t *testing.T, engine string, want int, edit func(*Config)) *running {
	t.Helper()
	var p *running
	t.Cleanup(func() {
		if p == nil {
			return // it did not start
		}
		p.records.mu.Lock()
		defer p.records.mu.Unlock()
		if n := len(p.records.list); n != want {
			t.Errorf("%d Records, want %d", n, want)
		}
	})
	p = start(t, engine, edit)
	return p
}
