package proxy

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tokenomics/internal/record"
)

// send writes raw bytes as a client, closes its side if asked to, and returns
// what came back.
func send(t *testing.T, addr, in string, leave bool) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, in)
	if leave {
		return ""
	}
	b, _ := io.ReadAll(c)
	return string(b)
}

// TestNoSecretsInErrors: what a client or an engine sent that could not be
// read is not quoted.
func TestNoSecretsInErrors(t *testing.T) {
	garbage := raw(t, func(c net.Conn, br *bufio.Reader) {
		if req, err := http.ReadRequest(br); err == nil && req.URL.Path == chat {
			io.WriteString(c, "sk-secret is no HTTP\r\n\r\n")
		}
	})
	p := start(t, garbage, nil)
	for _, in := range []string{
		"POST /v1/x HTTP/1.1\r\nAuthorization: Bearer sk-secret\r\nbad line\r\n\r\n",
		`{"prompt":"sk-secret"}` + "\r\n\r\n",
		"POST " + chat + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
	} {
		answer := send(t, p.addr, in, false)
		r := p.records.next(t)
		if strings.Contains(answer+r.Error+r.ErrorType+r.Path, "sk-secret") || r.Error == "" {
			t.Errorf("%q: answered %q, Record says %q %q", in, answer, r.Error, r.Path)
		}
	}
}

func TestHalfARequestIsNotAWholeOne(t *testing.T) {
	var reached atomic.Int32
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			reached.Add(1)
		}
	})
	p := start(t, e.URL, func(c *Config) { c.Usage = UsageAuto })
	p.knows(t)
	for _, path := range []string{chat, "/upload"} {
		for _, size := range []int{10, 10_000} {
			send(t, p.addr, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n%s", path, strings.Repeat("x", size)), true)
			r := p.records.next(t)
			if r.Outcome != record.ClientAbort || r.Path != path || r.Method != "POST" {
				t.Errorf("%s, %d of 20000 bytes: %s (%s), %s %s", path, size, r.Outcome, r.Error, r.Method, r.Path)
			}
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d of 4 halves reached the engine as whole requests", n)
	}
	if ready, why := p.verdict.ready(); !ready {
		t.Errorf("clients that left made the engine away: %s", why)
	}
}

func TestBadChunksAreRefused(t *testing.T) {
	e := engine(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	p := start(t, e.URL, nil)
	for _, path := range []string{chat, "/upload"} {
		answer := send(t, p.addr, "POST "+path+" HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n", false)
		if r := p.records.next(t); !strings.HasPrefix(answer, "HTTP/1.1 400 ") || r.Outcome != record.Error || r.Status != 400 {
			t.Errorf("%s: answered %q, Record %s %d", path, answer, r.Outcome, r.Status)
		}
	}
}

func TestAPortCheckIsNoRequest(t *testing.T) {
	e := engine(t, func(http.ResponseWriter, *http.Request) {})
	p := start(t, e.URL, nil)
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.(*net.TCPConn).SetLinger(0) // leaves with a reset
	c.Close()
	post(t, p.url+"/x", "")
	p.records.next(t)
	p.records.none(t)
	if n := p.live.Requests.Load(); n != 1 {
		t.Errorf("%d requests counted, want 1", n)
	}
}

func TestAnEarlyAnswerIsHeard(t *testing.T) {
	url := raw(t, func(c net.Conn, br *bufio.Reader) {
		if req, err := http.ReadRequest(br); err == nil && req.Method == "POST" {
			io.WriteString(c, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
			c.(*net.TCPConn).CloseWrite()
			br.Read(make([]byte, 1<<16)) // so that what was said is not lost to a reset
		}
	})
	for _, path := range []string{chat, "/upload"} {
		p := start(t, url, nil)
		answer := send(t, p.addr, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", path, 4<<20, strings.Repeat("x", 4<<20)), false)
		if !strings.HasPrefix(answer, "HTTP/1.1 413 ") || !strings.HasSuffix(answer, "large") {
			t.Errorf("%s: answered %.200q", path, answer)
		}
		if r := p.records.next(t); r.Status != 413 || r.Outcome != record.Error {
			t.Errorf("%s: %s %d (%s)", path, r.Outcome, r.Status, r.Error)
		}
	}
}

func TestAnHTTP10EngineIsReadRight(t *testing.T) {
	url := raw(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n0123456789")
		}
	})
	p := start(t, url, nil)
	if resp, body := post(t, p.url+"/x", ""); body != "0123456789" || resp.ProtoMinor != 1 {
		t.Errorf("%s %q", resp.Proto, body)
	}
	p.records.next(t)
}

func TestTargetsOfOthersAreRefused(t *testing.T) {
	var target atomic.Value
	e := engine(t, func(w http.ResponseWriter, r *http.Request) { target.Store(r.RequestURI) })
	p := start(t, e.URL, nil)
	for in, want := range map[string]string{
		"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n":                                                   " 400 ",
		"GET http://other/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n":                             " 400 ",
		"GET http://h/x?y=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n":                             " 200 ",
		"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close, host, authorization\r\n\r\n":                    " 200 ",
		"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close, content-length\r\nContent-Length: 2\r\n\r\nab": " 200 ",
	} {
		answer := send(t, p.addr, in, false)
		if !strings.Contains(answer[:min(len(answer), 20)], want) {
			t.Errorf("%q: answered %.100q", in, answer)
		}
		p.records.next(t)
	}
	if got := target.Load().(string); !strings.HasPrefix(got, "/x") {
		t.Errorf("the engine was asked for %q", got)
	}
}

// TestABlockedLogStopsNoTraffic: whoever reads the log may be slow.
func TestABlockedLogStopsNoTraffic(t *testing.T) {
	hold := make(chan struct{})
	release := make(chan struct{})
	e := engine(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	p := start(t, e.URL, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(blocking{hold, release}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	p.knows(t)
	go p.verdict.away(io.EOF)
	await(t, hold, "the log to block")
	if resp, _ := post(t, p.url+chat, "{}"); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	p.records.next(t)
	close(release)
}

type blocking struct{ hold, release chan struct{} }

func (b blocking) Write(p []byte) (int, error) {
	close(b.hold)
	<-b.release
	return len(p), nil
}

func TestAFailingSinkCostsNoRequest(t *testing.T) {
	e := engine(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	p := start(t, e.URL, func(c *Config) { c.Sink = record.SinkFunc(func(*record.Record) { panic("no") }) })
	if resp, _ := post(t, p.url+"/x", ""); resp.StatusCode != 204 {
		t.Errorf("status %d", resp.StatusCode)
	}
	eventually(t, "the panic to be counted", func() bool { return p.live.Panics.Load() == 1 })
	if resp, _ := post(t, p.url+"/x", ""); resp.StatusCode != 204 {
		t.Errorf("status %d after a panic", resp.StatusCode)
	}
}

// TestABlockedLogStopsNoAnswer: also what an answer tells of the engine is said
// without waiting for whoever reads the log.
func TestABlockedLogStopsNoAnswer(t *testing.T) {
	hold, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		sse(w, "[DONE]")
	})
	p := start(t, e.URL, func(c *Config) {
		c.Usage = UsageFinal
		c.Log = slog.New(slog.NewTextHandler(blocking{hold, release}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	p.knows(t)
	c := dialRaw(t, p.addr)
	c.send(t, withBody(jsonHead, streaming))
	await(t, hold, "the log to block")
	if m := c.wantAnswer(t, "POST"); m.status() != 200 {
		t.Errorf("answered %q", m.start)
	}
	p.records.next(t)
}
