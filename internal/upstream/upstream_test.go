package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestParseTarget(t *testing.T) {
	for raw, want := range map[string]string{
		"http://localhost:8000":     "http://localhost:8000",
		"http://localhost:8000/":    "http://localhost:8000",
		"https://example.com/a/v1/": "https://example.com:443/a/v1",
		"http://[::1]:8000/v1":      "http://[::1]:8000/v1",
		"http://h":                  "http://h:80",
		"http://unix:80":            "http://unix:80",

		"unix:/run/vllm.sock":                   "unix:/run/vllm.sock",
		"unix:///run/vllm.sock":                 "unix:/run/vllm.sock",
		"unix:/run/vllm.sock:/prefix/":          "unix:/run/vllm.sock:/prefix",
		"unix:@vllm":                            "unix:@vllm",
		"http+unix://%2Frun%2Fvllm.sock":        "unix:/run/vllm.sock",
		"http+unix://%2Frun%2Fvllm.sock/prefix": "unix:/run/vllm.sock:/prefix",
	} {
		got, err := ParseTarget(raw)
		if err != nil || got.String() != want {
			t.Errorf("%q: %v, %v; want %s", raw, got, err, want)
		}
	}
	for raw, hint := range map[string]string{
		"":                    "http://localhost:8000",
		"localhost:8000":      "http://localhost:8000",
		"ftp://x":             "not http or https",
		"http://":             "no host",
		"http://u:p@h":        "Authorization",
		"http://h/?q=1":       "query",
		"http://h:99999x/%zz": "not a URL",

		"unix:":                             "write unix:/run/vllm.sock",
		"unix:vllm.sock":                    "write unix:/run/vllm.sock",
		"http+unix:///x":                    "no socket for a host",
		"https+unix://%2Fx":                 "write http+unix",
		"unix:/x?q=1":                       "query",
		"unix:/" + strings.Repeat("x", 108): "a shorter one",
	} {
		if _, err := ParseTarget(raw); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: error %v does not say %q", raw, err, hint)
		}
	}
}

// engine serves connections with a script: for each request on a connection,
// what to answer; "" closes the connection instead.
func engine(t *testing.T, answers ...string) Target {
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
				br := bufio.NewReader(c)
				for _, a := range answers {
					req, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					if a == "" {
						return
					}
					io.WriteString(c, a)
				}
			}()
		}
	}()
	target, err := ParseTarget("http://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// ask asks for something and returns the body of the answer, as far as it came.
func ask(c *Conn) (string, error) {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	req.Header.SetHost("h")
	req.Header.SetRequestURI("/x")
	k := keeper{limit: 1 << 20}
	_, err := c.Do(context.Background(), req, &k)
	return string(k.Whole.Body), err
}

func TestConn(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name, answer, body string
		err                error
		reusable           bool
	}{
		{"length", head + "Content-Length: 2\r\n\r\nhi", "hi", nil, true},
		{"chunks", head + "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", "hi", nil, true},
		{"empty", head + "Content-Length: 0\r\n\r\n", "", nil, true},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "", nil, true},
		{"closing", head + "Connection: close\r\nContent-Length: 2\r\n\r\nhi", "hi", nil, false},
		{"ends with the connection", head + "\r\nhi", "hi", nil, false},
		{"length, cut", head + "Content-Length: 3\r\n\r\nhi", "hi", io.ErrUnexpectedEOF, false},
		{"chunks, cut", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "hi", io.ErrUnexpectedEOF, false},
		{"more than was asked", head + "Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n", "hi", nil, false},
	}
	for _, tt := range tests {
		p := newPool(t, engine(t, tt.answer), Options{})
		c, err := p.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		body, err := ask(c)
		if body != tt.body || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v", tt.name, body, err)
		}
		p.mu.Lock()
		if got := len(p.idle) == 1; got != tt.reusable {
			t.Errorf("%s: kept %v, want %v", tt.name, got, tt.reusable)
		}
		p.mu.Unlock()
		p.Close()
	}
}

func TestPoolDoesNotHandOutAClosedConnection(t *testing.T) {
	p := newPool(t, engine(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), Options{IdleTimeout: time.Hour})
	defer p.Close()
	c, err := p.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(c); err != nil {
		t.Fatal(err)
	}
	// The engine closes it, having no second answer.
	for deadline := time.Now().Add(10 * time.Second); c.socket.alive(); {
		if time.Now().After(deadline) {
			t.Fatal("a closed connection is taken for alive")
		}
	}
	fresh, err := p.Get(t.Context())
	if err != nil || fresh == c || fresh.Reused() {
		t.Fatalf("got the closed connection, or an error: %v", err)
	}
	if body, err := ask(fresh); err != nil || body != "hi" {
		t.Errorf("%q, %v", body, err)
	}
}

// TestPoolHasOneTimer: however often it becomes empty and fills again.
func TestPoolHasOneTimer(t *testing.T) {
	p := newPool(t, engine(t), Options{IdleTimeout: time.Hour})
	defer p.Close()
	if err := p.Warm(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	first := p.timer
	for range 10 {
		c, err := p.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.put(c.socket)
		if p.timer != first {
			t.Fatal("a second timer was started")
		}
	}
}

func TestPoolForgetsWhatWasIdleTooLong(t *testing.T) {
	p := newPool(t, engine(t), Options{IdleTimeout: time.Millisecond})
	defer p.Close()
	if err := p.Warm(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		p.mu.Lock()
		n := len(p.idle)
		p.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections still kept", n)
		}
	}
}

func TestDialErrorNamesTheAddressOnce(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, err = NewPool(Target{Scheme: "http", Addr: addr}, Options{}).Get(t.Context())
	if err == nil || strings.Count(err.Error(), addr) != 1 || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}

func TestFingerprint(t *testing.T) {
	type page struct {
		status int
		body   string
	}
	tests := []struct {
		name   string
		server string
		pages  map[string]page
		want   string
		chat   bool
		compl  bool
		err    error
	}{
		{"vLLM", "uvicorn", map[string]page{"/v1/models": {200, `{"data":[{"id":"m","owned_by":"vllm"}]}`}, "/version": {200, `{"version":"0.32.0"}`}}, "vllm 0.32.0", true, true, nil},
		{"vLLM, Rust", "", map[string]page{"/v1/models": {200, `{"data":[{"id":"m","owned_by":"vllm"}]}`}, "/version": {200, `{"version":"1"}`}}, "vllm 1", false, false, nil},
		{"vLLM with a key", "uvicorn", map[string]page{"/v1/models": {401, `{"error":"Unauthorized"}`}, "/metrics": {200, "# x\nvllm:num_requests_running 0\n"}, "/version": {200, `{"version":"2"}`}}, "vllm 2", true, true, nil},
		{"SGLang", "uvicorn", map[string]page{"/v1/models": {200, `{"data":[{"id":"m","owned_by":"sglang"}]}`}, "/server_info": {200, `{"version":"0.5"}`}}, "sglang 0.5", true, false, nil},
		{"SGLang that sends usage always", "uvicorn", map[string]page{"/v1/models": {200, `{"data":[{"id":"m","owned_by":"sglang"}]}`}, "/server_info": {200, `{"version":"0.5","stream_response_default_include_usage":true}`}}, "sglang 0.5", false, false, nil},
		{"llama.cpp", "llama.cpp", map[string]page{"/v1/models": {200, `{"data":[{"id":"m","owned_by":"llamacpp"}]}`}, "/props": {200, `{"build_info":"b1"}`}}, "llama_cpp b1", false, false, nil},
		{"TGI", "", map[string]page{"/v1/models": {200, `{"data":[{"id":"m","owned_by":"m"}]}`}, "/info": {200, `{"max_total_tokens":4096,"version":"3.3"}`}}, "tgi 3.3", false, false, nil},
		{"a stranger with an info", "", map[string]page{"/v1/models": {404, ``}, "/info": {200, `{"version":"3.3"}`}}, "unknown engine", false, false, nil},
		{"a stranger", "nginx", map[string]page{"/v1/models": {200, `<html>`}}, "unknown engine", false, false, nil},
		{"silent", "uvicorn", map[string]page{"/v1/models": {401, ``}, "/metrics": {401, ``}}, "unknown engine", false, false, ErrUnauthorized},
	}
	for _, tt := range tests {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tt.server != "" {
				w.Header().Set("Server", tt.server)
			}
			page, ok := tt.pages[r.URL.Path]
			if !ok {
				page.status = 404
			}
			w.WriteHeader(page.status)
			io.WriteString(w, page.body)
		}))
		target, _ := ParseTarget(s.URL + "/v1")
		e, err := Fingerprint(context.Background(), target, "")
		if e.String() != tt.want || e.MayAsk("chat") != tt.chat || e.MayAsk("completions") != tt.compl || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, chat %v, completions %v, error %v", tt.name, e, e.MayAsk("chat"), e.MayAsk("completions"), err)
		}
		s.Close()
	}
}
