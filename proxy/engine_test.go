package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tokenomics/internal/record"
)

// raw is an engine that answers each connection with one script.
func raw(t *testing.T, script func(c net.Conn, br *bufio.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				script(c, bufio.NewReader(c))
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

func TestEngineDiesMidStream(t *testing.T) {
	const part = "data: " + tokenEvent + "\n\ndata: {\"id"
	url := raw(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(part), part)
		}
	})
	for _, usage := range []Usage{UsageObserve, UsageFinal, UsageContinuous} {
		p := start(t, url, func(c *Config) { c.Usage = usage })
		resp, err := http.Post(p.url+chat, "application/json", strings.NewReader(streaming))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != part {
			t.Errorf("%s: the client got %q and %v, as if the answer were whole", usage, body, err)
		}
		if r := p.records.next(t); r.Outcome != record.Truncated {
			t.Errorf("%s: outcome %s", usage, r.Outcome)
		}
	}
}

func TestUnreachable(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + ln.Addr().String()
	ln.Close()
	p := start(t, url, nil)
	resp, body := post(t, p.url+chat, streaming)
	if resp.StatusCode != 502 || !strings.Contains(body, `"type":"upstream_unreachable"`) || !strings.Contains(body, "connection refused") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	r := p.records.next(t)
	if r.Outcome != record.Unreachable || r.Status != 502 || r.Model != "m" || !r.Stream {
		t.Errorf("%+v", r)
	}
	if ready, why := p.verdict.ready(); ready || !strings.Contains(why, "refused") {
		t.Errorf("ready %v: %s", ready, why)
	}
}

func TestADeadPooledConnectionCostsNothing(t *testing.T) {
	var served atomic.Int32
	url := raw(t, func(c net.Conn, br *bufio.Reader) {
		for i := 0; ; i++ {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			if i == 1 {
				return // takes the second request on a connection and closes without a word
			}
			served.Add(1)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
		}
	})
	p := start(t, url, nil)
	for i := range 4 {
		if resp, body := post(t, p.url+chat, `{"model":"m"}`); resp.StatusCode != 200 || body != "{}" {
			t.Fatalf("request %d: %d %s", i, resp.StatusCode, body)
		}
		if r := p.records.next(t); r.Retries != min(i, 1) {
			t.Errorf("request %d: %d retries", i, r.Retries)
		}
	}
	// A body that streams can't be sent twice: it gets a connection of its own.
	req, _ := http.NewRequest("POST", p.url+"/upload", struct{ io.Reader }{strings.NewReader("x")})
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if r := p.records.next(t); resp.StatusCode != 200 || r.Outcome != record.Complete || r.Retries != 0 {
		t.Errorf("status %d, outcome %s, %d retries", resp.StatusCode, r.Outcome, r.Retries)
	}
}

func TestVerdictFollowsTheEngine(t *testing.T) {
	owner := "sglang"
	var mu sync.Mutex
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Server", "uvicorn")
		fmt.Fprintf(w, `{"data":[{"id":"m","owned_by":%q}],"version":"1"}`, owner)
	})
	e := httptest.NewServer(handler)
	addr := e.Listener.Addr().String()
	p := start(t, e.URL, func(c *Config) { c.Usage = UsageAuto })
	p.knows(t)
	if _, how := p.Engine(); how != "auto: final for chat, observe elsewhere" {
		t.Errorf("SGLang: %s", how)
	}
	e.CloseClientConnections()
	e.Close()
	if resp, _ := post(t, p.url+chat, streaming); resp.StatusCode != 502 {
		t.Errorf("engine away: %d", resp.StatusCode)
	}
	if engine, how := p.Engine(); engine.Name != "" || !strings.HasPrefix(how, "auto: observe") {
		t.Errorf("away, but known as %v: %s", engine, how)
	}
	mu.Lock()
	owner = "vllm"
	mu.Unlock()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	back := &httptest.Server{Listener: ln, Config: &http.Server{Handler: handler}}
	back.Start()
	defer back.Close()
	defer back.CloseClientConnections()
	p.knows(t)
	if engine, how := p.Engine(); engine.Name != "vllm" || how != "auto: final for chat and completions" {
		t.Errorf("another engine came back: %v, %s", engine, how)
	}
}

// TestAnEngineThatEncodesIsNotAskedAgain: what was asked for can't be cut out
// of an encoded answer.
func TestAnEngineThatEncodesIsNotAskedAgain(t *testing.T) {
	var asked []bool
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked = append(asked, strings.Contains(string(b), "include_usage"))
		w.Header().Set("Content-Encoding", "br")
		sse(w, "[DONE]")
	})
	p := start(t, e.URL, func(c *Config) { c.Usage = UsageAuto })
	p.knows(t)
	for range 2 {
		post(t, p.url+chat, streaming)
		if r := p.records.next(t); len(r.Warnings) == 0 {
			t.Error("no warning about an answer that is not measured")
		}
	}
	if !slices.Equal(asked, []bool{true, false}) {
		t.Errorf("asked %v, want once", asked)
	}
}
