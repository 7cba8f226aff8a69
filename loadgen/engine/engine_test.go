package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenomics/internal/sim"
	"tokenomics/internal/upstream"
)

// scripted is an engine that answers what a test says: script is given the
// request and how often its path was asked, from 1.
type scripted struct {
	*httptest.Server
	mu    sync.Mutex // protects asked
	asked map[string]int
}

func script(t *testing.T, answer func(r *http.Request, n int) (status int, body string)) *scripted {
	t.Helper()
	s := &scripted{asked: make(map[string]int)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked[r.URL.Path]++
		n := s.asked[r.URL.Path]
		s.mu.Unlock()
		status, body := answer(r, n)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // one that does not read any more has what it wants
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *scripted) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// open opens the engine at base, looked at as often as can be.
func open(t *testing.T, base, name string) *Engine {
	t.Helper()
	target, err := upstream.ParseTarget(base + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	e := Open(t.Context(), target, name, "key")
	e.every, e.settle = time.Millisecond, time.Second
	t.Cleanup(e.Close)
	return e
}

// simulated is a simulated engine and its truth.
type simulated struct {
	t       *testing.T
	server  *sim.Server
	base    string
	name    string
	mu      sync.Mutex // protects log
	log     bytes.Buffer
	clients sync.WaitGroup
}

func (s *simulated) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// simulate starts a simulator. name is what a fingerprint would call it.
func simulate(t *testing.T, name string, cfg sim.Config) *simulated {
	t.Helper()
	s := &simulated{t: t, name: name}
	cfg.Dialect, cfg.Truth, cfg.APIKey = strings.ReplaceAll(name, "_", ""), s, "key"
	server, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
		s.clients.Wait()
	})
	s.server, s.base = server, "http://"+ln.Addr().String()
	return s
}

// complete asks for one streamed completion and reads its answer to the end.
func (s *simulated) complete(id, prompt string) {
	body := fmt.Sprintf(`{"model":"sim-model","prompt":%q,"stream":true,"max_tokens":64}`, prompt)
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", s.base+"/v1/completions", strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer key")
	req.Header.Set("X-Request-Id", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if s.t.Context().Err() == nil {
			s.t.Error(err)
		}
		return
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if lines.Text() == "data: [DONE]" {
			return
		}
	}
	if s.t.Context().Err() == nil {
		s.t.Errorf("the answer to %s has no end", id)
	}
}

// together sends n completions at once, with prompts that are not alike.
func (s *simulated) together(name string, n int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			s.complete(fmt.Sprintf("%s-%d", name, i), fmt.Sprintf("%s asks number %d of several things", name, i))
		})
	}
	all.Wait()
}

// truths are the lines of the truth log whose request's id begins with prefix.
// There have to be n.
func (s *simulated) truths(prefix string, n int) (all []sim.Truth) {
	s.t.Helper()
	for range 1000 {
		all = nil
		s.mu.Lock()
		for line := range bytes.Lines(s.log.Bytes()) {
			var tr sim.Truth
			if err := json.Unmarshal(line, &tr); err != nil {
				s.t.Fatal(err)
			}
			if strings.HasPrefix(tr.RequestID, prefix) {
				all = append(all, tr)
			}
		}
		s.mu.Unlock()
		if len(all) == n {
			return all
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("%d requests %s* in the truth log, want %d", len(all), prefix, n)
	return nil
}

func TestAsk(t *testing.T) {
	s := script(t, func(r *http.Request, n int) (int, string) {
		switch {
		case r.URL.Path == "/dead" && n == 1:
			panic(http.ErrAbortHandler) // closes the connection without an answer
		case r.URL.Path == "/slow":
			<-r.Context().Done()
		}
		return 200, "fine"
	})
	e := open(t, s.URL, "vllm")
	for _, tt := range []struct{ what, path, err string }{
		{"a kept connection that is dead", "/dead", ""},
		{"an answer that does not come", "/slow", "no answer within 1s"},
	} {
		a, err := e.ask(t.Context(), "GET", tt.path, time.Second)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || err == nil && string(a.body) != "fine" {
			t.Errorf("%s: %q, %v; want %q", tt.what, a.body, err, tt.err)
		}
	}
	if n := s.count("/dead"); n != 2 {
		t.Errorf("it was asked %d times over a dead connection, want 2", n)
	}
}

func TestOpen(t *testing.T) {
	answer := func(status int, body string) string {
		return script(t, func(r *http.Request, _ int) (int, string) {
			if r.URL.Path != "/metrics" || r.Header.Get("Authorization") != "Bearer key" {
				t.Errorf("asked for %s with key %q", r.URL.Path, r.Header.Get("Authorization"))
			}
			return status, body
		}).URL
	}
	gone := script(t, nil)
	gone.Close()
	for _, tt := range []struct{ what, base, name, isNow, why string }{
		{"vLLM", answer(200, "vllm:num_requests_running{engine=\"0\"} 1\n"), "vllm", "vllm", ""},
		{"not known before", answer(200, "# TYPE sglang:num_running_reqs gauge\nsglang:num_running_reqs 1\n"), "", "sglang", ""},
		{"llama.cpp without its flag", answer(501, `{"error":{}}`), "llama_cpp", "llama_cpp", "--metrics"},
		{"SGLang without its flag", answer(404, ""), "sglang", "sglang", "--enable-metrics"},
		{"Ollama", answer(404, ""), "ollama", "ollama", "has no metrics"},
		{"a key is wanted", answer(401, ""), "llama_cpp", "llama_cpp", "API key"},
		{"other metrics", answer(200, "go_goroutines 1\n"), "", "", "none of the names"},
		{"no metrics", answer(200, "<html>\n"), "", "", "can't be read"},
		{"too much", answer(200, strings.Repeat("#\n", answerLimit/2+1)), "", "", "longer than 16 MiB"},
		{"a gateway", answer(503, ""), "", "", "status 503"},
		{"nobody there", gone.URL, "vllm", "vllm", "connection refused"},
	} {
		e := open(t, tt.base, tt.name)
		ok, why := e.Metrics()
		if ok != (tt.why == "") || !strings.Contains(why, tt.why) || e.name != tt.isNow {
			t.Errorf("%s: metrics %v, %q, engine %q; want the reason to have %q, and engine %q", tt.what, ok, why, e.name, tt.why, tt.isNow)
		}
	}
}
