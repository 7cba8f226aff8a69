package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// fast is a configuration that answers at once and says the same for ever.
func fast(dialect string) Config {
	return Config{
		Dialect: dialect, Deterministic: true, Seed: 1,
		TTFT: ConstantDuration(time.Millisecond), ITL: ConstantDuration(time.Millisecond), OutputTokens: ConstantCount(6),
	}
}

// engine is a server under test, with its truth log.
type engine struct {
	*Server
	addr  string
	truth *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex // protects b
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func start(t *testing.T, cfg Config) *engine {
	t.Helper()
	log := &lockedBuffer{}
	cfg.Truth = log
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return &engine{Server: s, addr: ln.Addr().String(), truth: log}
}

// truths shuts the engine down and returns its log.
func (e *engine) truths(t *testing.T) []Truth {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := e.Shutdown(ctx); err != nil {
		t.Fatalf("shutting down: %v", err)
	}
	e.truth.mu.Lock()
	defer e.truth.mu.Unlock()
	var out []Truth
	dec := json.NewDecoder(&e.truth.b)
	for dec.More() {
		var tr Truth
		if err := dec.Decode(&tr); err != nil {
			t.Fatal(err)
		}
		out = append(out, tr)
	}
	return out
}

// truthOf returns the first line of the truth log for a request.
func (e *engine) truthOf(t *testing.T, id string) (tr Truth) {
	t.Helper()
	waitFor(t, "the truth of "+id, func() bool {
		e.truth.mu.Lock()
		defer e.truth.mu.Unlock()
		for line := range bytes.Lines(e.truth.b.Bytes()) {
			if err := json.Unmarshal(line, &tr); err != nil {
				t.Fatal(err)
			}
			if tr.RequestID == id {
				return true
			}
			tr = Truth{}
		}
		return false
	})
	return tr
}

// dial connects and sends one POST with extra header lines.
func (e *engine) dial(t *testing.T, path, body string, headers ...string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	post(t, c, path, body, headers...)
	return c
}

// request returns every byte of the answer to a request on a connection kept alive
// until the answer is whole.
func (e *engine) request(t *testing.T, method, path, body string, headers ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	send(t, c, method, path, body, headers...)
	var seen bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &seen)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return seen.String()
}

func post(t *testing.T, c net.Conn, path, body string, headers ...string) {
	t.Helper()
	send(t, c, "POST", path, body, headers...)
}

func send(t *testing.T, c net.Conn, method, path, body string, headers ...string) {
	t.Helper()
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: engine\r\nContent-Length: %d\r\n", method, path, len(body))
	if !strings.Contains(strings.Join(headers, "\n"), "Content-Type: ") {
		head += "Content-Type: application/json\r\n"
	}
	for _, h := range headers {
		head += h + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"+body); err != nil {
		t.Fatal(err)
	}
}

// raw returns every byte of the answer to a request on a connection of its own.
func (e *engine) raw(t *testing.T, path, body string, headers ...string) string {
	t.Helper()
	b, err := io.ReadAll(e.dial(t, path, body, append(headers, "Connection: close")...))
	if err != nil {
		t.Fatalf("reading: %v after %q", err, b)
	}
	return string(b)
}

// get returns status, headers and body; the body's error is returned, not fatal.
func (e *engine) ask(t *testing.T, path, body string, headers ...string) (*http.Response, string, error) {
	t.Helper()
	c := e.dial(t, path, body, headers...)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

func events(body string) []string {
	var out []string
	for ev := range strings.SplitSeq(strings.ReplaceAll(body, "\r\n", "\n"), "\n\n") {
		if ev != "" {
			out = append(out, strings.TrimPrefix(ev, "data: "))
		}
	}
	return out
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: it never came", what)
		}
		time.Sleep(time.Millisecond)
	}
}

const hello = `{"role":"user","content":"Say hello to the people who wait."}`

func chatBody(more string) string {
	return `{"model":"sim-model","messages":[` + hello + `]` + more + `}`
}
