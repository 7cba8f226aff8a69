package proxy

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

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
