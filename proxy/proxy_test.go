package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
)

// patience bounds every wait for something that has to happen.
const patience = 10 * time.Second

// records collects what a proxy measured.
type records struct {
	mu   sync.Mutex
	list []*record.Record
	come chan struct{}
}

func newRecords() *records { return &records{come: make(chan struct{}, 1<<16)} }

func (s *records) Observe(r *record.Record) {
	s.mu.Lock()
	s.list = append(s.list, r)
	s.mu.Unlock()
	s.come <- struct{}{}
}

// next waits for one more Record and returns it.
func (s *records) next(t *testing.T) *record.Record {
	t.Helper()
	select {
	case <-s.come:
	case <-time.After(patience):
		t.Fatal("no Record came")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[len(s.list)-1]
}

func (s *records) none(t *testing.T) {
	t.Helper()
	select {
	case <-s.come:
		s.mu.Lock()
		defer s.mu.Unlock()
		t.Errorf("one more Record: %+v", s.list[len(s.list)-1])
	default:
	}
}

// running is a proxy on a port of its own.
type running struct {
	*Proxy
	url     string
	addr    string
	records *records
}

func start(t *testing.T, engine string, edit func(*Config)) *running {
	t.Helper()
	target, err := upstream.ParseTarget(engine)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{records: newRecords()}
	cfg := Config{Upstream: target, Usage: UsageObserve, Sink: r.records, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&cfg)
	}
	if r.Proxy, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	r.url = "http://" + r.addr
	served := make(chan error, 1)
	go func() { served <- r.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("shutting down: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return r
}

// knows waits until the proxy has asked the engine what it is.
func (r *running) knows(t *testing.T) {
	t.Helper()
	eventually(t, "the engine to be known", func() bool { ok, _ := r.verdict.ready(); return ok })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// engine is a server that answers fingerprinting by itself.
func engine(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "uvicorn")
		switch r.URL.Path {
		case "/v1/models":
			io.WriteString(w, `{"data":[{"id":"m","owned_by":"vllm"}]}`)
		case "/version":
			io.WriteString(w, `{"version":"0.1"}`)
		default:
			handler(w, r)
		}
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func post(t *testing.T, url, body string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v after %q", err, b)
	}
	return resp, string(b)
}

const (
	chat      = "/v1/chat/completions"
	streaming = `{"model":"m","stream":true}`
)

func sse(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for _, e := range events {
		fmt.Fprintf(w, "data: %s\n\n", e)
		w.(http.Flusher).Flush()
	}
}

const (
	tokenEvent  = `{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}`
	finishEvent = `{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}`
	usageEvent  = `{"id":"a","model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`
)

func TestUsageIsAskedForAndTakenOut(t *testing.T) {
	var got atomic.Value
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got.Store(string(b))
		if int64(len(b)) != r.ContentLength {
			t.Errorf("Content-Length %d for %d bytes", r.ContentLength, len(b))
		}
		if strings.Contains(string(b), `"include_usage":true`) {
			sse(w, tokenEvent, finishEvent, usageEvent, "[DONE]")
		} else {
			sse(w, tokenEvent, finishEvent, "[DONE]")
		}
	})
	plain := "data: " + tokenEvent + "\n\ndata: " + finishEvent + "\n\ndata: [DONE]\n\n"
	asked := `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`
	for _, tt := range []struct {
		usage            Usage
		body, sent, want string
		source           record.TokenSource
	}{
		{UsageObserve, streaming, streaming, plain, record.SourceEvents},
		{UsageFinal, streaming, asked, plain, record.SourceUsage},
		{UsageAuto, streaming, asked, plain, record.SourceUsage},
		{UsageAuto, asked, asked, strings.Replace(plain, "data: [DONE]", "data: "+usageEvent+"\n\ndata: [DONE]", 1), record.SourceUsage},
		{UsageFinal, `{"stream":true,`, `{"stream":true,`, plain, record.SourceEvents},
	} {
		p := start(t, e.URL, func(c *Config) { c.Usage = tt.usage })
		p.knows(t)
		_, body := post(t, p.url+chat, tt.body)
		if body != tt.want || got.Load() != tt.sent {
			t.Errorf("%s: engine got %s, client got %q", tt.usage, got.Load(), body)
		}
		r := p.records.next(t)
		if r.Outcome != record.Complete || r.Usage.Source != tt.source || r.Provider != "vllm" {
			t.Errorf("%s: %s, %+v, %s", tt.usage, r.Outcome, r.Usage, r.Provider)
		}
		p.records.none(t)
	}
}

// TestInjectLimit: a body above the limit is streamed on as it comes, whatever
// framing it has, and nothing is asked for.
func TestInjectLimit(t *testing.T) {
	var got atomic.Value
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got.Store(string(b))
		sse(w, tokenEvent, finishEvent, "[DONE]")
	})
	p := start(t, e.URL, func(c *Config) { c.Usage, c.InjectLimit = UsageFinal, 1000 })
	for _, size := range []int{900, 1100, 100_000} {
		for _, chunked := range []bool{false, true} {
			text := fmt.Sprintf(`{"model":"m","stream":true,"x":%q}`, strings.Repeat("y", size))
			var body io.Reader = strings.NewReader(text)
			if chunked {
				body = struct{ io.Reader }{body}
			}
			resp, err := http.Post(p.url+chat, "application/json", body)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			r := p.records.next(t)
			if asked := got.Load() != text; asked != (size < 1000) {
				t.Errorf("%d bytes, chunked %v: asked for usage: %v", size, chunked, asked)
			}
			if r.RequestBytes != int64(len(text)) || (len(r.Warnings) > 0) != (size > 1000) {
				t.Errorf("%d bytes, chunked %v: Record has %d bytes, warnings %q", size, chunked, r.RequestBytes, r.Warnings)
			}
		}
	}
}

func TestEveryAnswerPassesAsItIs(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<16)
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/echo":
			w.Header().Set("X-Got", fmt.Sprint(r.ContentLength, r.TransferEncoding, r.Header.Get("Expect")))
			w.Write(body)
		case "/empty":
			w.Header().Set("Content-Length", "0")
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.Header().Set("Etag", "x")
			w.WriteHeader(http.StatusNotModified)
		case "/head":
			w.Header().Set("Content-Length", "123")
		case "/closing":
			w.Header().Set("Connection", "close")
			io.WriteString(w, "bye")
		case "/target":
			io.WriteString(w, r.RequestURI)
		default:
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "no")
		}
	})
	p := start(t, e.URL, nil)
	for _, tt := range []struct {
		method, path, body string
		chunked            bool
		status             int
		want               string
		length             int64
	}{
		{"POST", "/echo", large, false, 200, large, -2},
		{"POST", "/echo", large, true, 200, large, -2},
		{"PUT", "/echo", "x", false, 200, "x", 1},
		{"DELETE", "/echo", "", false, 200, "", 0},
		{"GET", "/empty", "", false, 200, "", 0},
		{"GET", "/204", "", false, 204, "", 0},
		{"GET", "/304", "", false, 304, "", -2},
		{"HEAD", "/head", "", false, 200, "", 123},
		{"GET", "/closing", "", false, 200, "bye", 3},
		{"GET", "/target?a=%2F&b=c%20d//..//e", "", false, 200, "/target?a=%2F&b=c%20d//..//e", -2},
		{"GET", "/other", "", false, 418, "no", 2},
		{"POST", chat, "not json", false, 418, "no", 2},
		{"POST", chat, large, true, 418, "no", 2},
	} {
		var body io.Reader = strings.NewReader(tt.body)
		if tt.chunked {
			body = struct{ io.Reader }{body}
		} else if tt.body == "" {
			body = nil
		}
		req, err := http.NewRequest(tt.method, p.url+tt.path, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
			continue
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || string(got) != tt.want || tt.length != -2 && resp.ContentLength != tt.length {
			t.Errorf("%s %s: %d, %d bytes, length %d, %v", tt.method, tt.path, resp.StatusCode, len(got), resp.ContentLength, err)
		}
		r := p.records.next(t)
		if r.Status != tt.status || r.RequestBytes != int64(len(tt.body)) || r.ResponseBytes != int64(len(tt.want)) {
			t.Errorf("%s %s: Record has status %d, %d and %d bytes", tt.method, tt.path, r.Status, r.RequestBytes, r.ResponseBytes)
		}
		if r.Endpoint == "" && r.Outcome != record.Complete && tt.status < 400 {
			t.Errorf("%s %s: %s %s", tt.method, tt.path, r.Outcome, r.Error)
		}
		if strings.HasPrefix(tt.path, chat) && len(r.Warnings) == 0 {
			t.Errorf("%s with %d bytes: no warning about its body", tt.path, len(tt.body))
		}
	}
	p.records.none(t)
}

func TestHeaders(t *testing.T) {
	var got http.Header
	var host string
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		got, host = r.Header.Clone(), r.Host
		w.Header().Set("X-Answer", "1")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Keep-Alive", "timeout=5")
		io.WriteString(w, "{}")
	})
	p := start(t, e.URL, nil)
	req, _ := http.NewRequest("POST", p.url+chat, strings.NewReader("{}"))
	req.Host = "api.example"
	for k, v := range map[string]string{"Authorization": "Bearer k", "Connection": "X-Hop", "X-Hop": "1", "X-Kept": "2", "TE": "trailers", "X-Request-Id": "mine", "User-Agent": "ua", "Traceparent": "client's"} {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if host != "api.example" {
		t.Errorf("host %q", host)
	}
	for k, want := range map[string]string{"Authorization": "Bearer k", "X-Kept": "2", "X-Request-Id": "mine", "User-Agent": "ua", "X-Hop": "", "Te": "", "Via": "", "X-Forwarded-For": "", "Traceparent": "client's"} {
		if v := got.Get(k); v != want {
			t.Errorf("the engine got %s: %q, want %q", k, v, want)
		}
	}
	if c := resp.Header.Values("Set-Cookie"); len(c) != 2 || resp.Header.Get("X-Answer") != "1" || resp.Header.Get("Keep-Alive") != "" || resp.Header.Get("Server") != "uvicorn" {
		t.Errorf("the client got %v", resp.Header)
	}
	if r := p.records.next(t); r.RequestID != "mine" {
		t.Errorf("request id %q", r.RequestID)
	}
}

// TestClientGone: in every phase the engine's connection is closed as soon as
// the client has gone.
func TestClientGone(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		begin      func(w http.ResponseWriter)
	}{
		{"waiting for an answer in one piece", `{"model":"m"}`, func(http.ResponseWriter) {}},
		{"before the first token", streaming, func(w http.ResponseWriter) { sse(w); w.(http.Flusher).Flush() }},
		{"mid-stream", streaming, func(w http.ResponseWriter) { sse(w, tokenEvent) }},
	} {
		for _, pipelined := range []string{"", "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"} {
			begun, gone := make(chan struct{}), make(chan struct{})
			e := engine(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				tt.begin(w)
				close(begun)
				<-r.Context().Done()
				close(gone)
			})
			p := start(t, e.URL, nil)
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s%s", chat, len(tt.body), tt.body, pipelined)
			await(t, begun, tt.name+": the engine's start")
			c.Close()
			await(t, gone, tt.name+": the engine to learn that the client has gone")
			if r := p.records.next(t); r.Outcome != record.ClientAbort {
				t.Errorf("%s: outcome %s (%s)", tt.name, r.Outcome, r.Error)
			}
			p.records.none(t)
			if n := p.live.Active.Load(); n != 0 {
				t.Errorf("%s: %d requests still active", tt.name, n)
			}
		}
	}
}

func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
	}
}

func TestClientThatStaysKeepsItsPipelinedBytes(t *testing.T) {
	e := engine(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	p := start(t, e.URL, nil)
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
	br := bufio.NewReader(c)
	for _, want := range []string{"/a", "/b"} {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(resp.Body); string(b) != want {
			t.Errorf("got %q, want %q", b, want)
		}
	}
}

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
	// A body that streams can't be sent twice: that is a 502, and no lie.
	req, _ := http.NewRequest("POST", p.url+"/upload", struct{ io.Reader }{strings.NewReader("x")})
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if r := p.records.next(t); resp.StatusCode != 502 || r.Outcome != record.Unreachable || r.Retries != 0 {
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

func TestDrain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		finish  bool
		outcome record.Outcome
	}{{"finishes in time", true, record.Complete}, {"does not", false, record.Timeout}} {
		begun, release := make(chan struct{}), make(chan struct{})
		e := engine(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			sse(w, tokenEvent)
			close(begun)
			select {
			case <-release:
				sse(w, finishEvent, "[DONE]")
			case <-r.Context().Done():
			}
		})
		target, _ := upstream.ParseTarget(e.URL)
		got := newRecords()
		p, err := New(Config{Upstream: target, Sink: got, Usage: UsageObserve, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ln, _ := net.Listen("tcp", "127.0.0.1:0")
		served := make(chan error, 1)
		go func() { served <- p.Serve(ln) }()
		answer := make(chan error, 1)
		go func() {
			resp, err := http.Post("http://"+ln.Addr().String()+chat, "application/json", strings.NewReader(streaming))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			answer <- err
		}()
		await(t, begun, "the stream to begin")
		limit := patience
		if !tt.finish {
			limit = time.Millisecond
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		stopped := make(chan error, 1)
		go func() { stopped <- p.Shutdown(ctx) }()
		eventually(t, "the listener to close", func() bool {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		if tt.finish {
			close(release)
		}
		err = <-stopped
		cancel()
		if (err == nil) != tt.finish {
			t.Errorf("%s: Shutdown says %v", tt.name, err)
		}
		if err := <-answer; (err == nil) != tt.finish {
			t.Errorf("%s: the client got %v", tt.name, err)
		}
		if r := got.next(t); r.Outcome != tt.outcome {
			t.Errorf("%s: outcome %s", tt.name, r.Outcome)
		}
		if err := <-served; err != nil {
			t.Errorf("%s: serving: %v", tt.name, err)
		}
	}
}

func TestMalformedRequestsAreAnsweredAndRecorded(t *testing.T) {
	reached := false
	e := engine(t, func(http.ResponseWriter, *http.Request) { reached = true })
	p := start(t, e.URL, nil)
	for _, in := range []string{"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nBad header\r\n\r\n", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"} {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, in)
		b, _ := io.ReadAll(c)
		c.Close()
		if !bytes.Contains(b, []byte(" 400 ")) || !bytes.Contains(b, []byte(`"type":"invalid_request_error"`)) {
			t.Errorf("%q: answered %q", in, b)
		}
		if r := p.records.next(t); r.Outcome != record.Error || r.Status != 400 {
			t.Errorf("%q: %s %d", in, r.Outcome, r.Status)
		}
	}
	if reached {
		t.Error("a malformed request reached the engine")
	}
}

func TestTraceparent(t *testing.T) {
	var got atomic.Value
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		got.Store(strings.Join(r.Header.Values("Traceparent"), ","))
		io.WriteString(w, "{}")
	})
	tr := record.Trace{TraceID: [16]byte{1}, Client: [8]byte{2}, Sampled: true}
	p := start(t, e.URL, func(c *Config) { c.Tracer = fixedTracer{tr} })
	req, _ := http.NewRequest("POST", p.url+chat, strings.NewReader("{}"))
	req.Header["traceparent"] = []string{"00-11111111111111111111111111111111-2222222222222222-00"}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got.Load() != tr.Traceparent() {
		t.Errorf("the engine got %q, want our child %q", got.Load(), tr.Traceparent())
	}
	if r := p.records.next(t); r.Trace != tr {
		t.Errorf("the Record has %+v", r.Trace)
	}
}

type fixedTracer struct{ record.Trace }

func (f fixedTracer) Begin(traceparent, _ string) record.Trace {
	if traceparent == "" {
		return record.Trace{}
	}
	return f.Trace
}

func TestReadyz(t *testing.T) {
	e := engine(t, func(http.ResponseWriter, *http.Request) {})
	p := start(t, e.URL, func(c *Config) { c.Usage = UsageAuto })
	p.knows(t)
	admin := p.Admin(nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go admin.Serve(ln)
	defer admin.Shutdown()
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": `"engine":"vllm 0.1"`, "/metrics": "not found"} {
		resp, err := http.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(b), want) {
			t.Errorf("%s: %s", path, b)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
