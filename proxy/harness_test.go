package proxy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
func (s *records) next(t testing.TB) *record.Record {
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

func start(t testing.TB, engine string, edit func(*Config)) *running {
	t.Helper()
	return startWith(t, engine, edit, func(*Proxy) {})
}

// startWith also has the proxy itself changed before it serves anybody.
func startWith(t testing.TB, engine string, edit func(*Config), change func(*Proxy)) *running {
	t.Helper()
	target, err := upstream.ParseTarget(engine)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{records: newRecords()}
	// One loop, whose connections to the engine are there for every client.
	cfg := Config{Upstream: target, Usage: UsageObserve, Sink: r.records, Log: slog.New(slog.DiscardHandler), Loop: driver, Loops: 1}
	if edit != nil {
		edit(&cfg)
	}
	if r.Proxy, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	change(r.Proxy)
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

// connections are the figures of its connections to the engine, whoever drives
// them.
func (r *running) connections() (sum upstream.Stats) {
	pools := []*upstream.Pool{r.pool}
	for _, room := range r.rooms {
		pools = append(pools, room.pool)
	}
	for _, p := range pools {
		s := p.Stats()
		sum.Open += s.Open
		sum.Idle += s.Idle
		sum.Dialled += s.Dialled
		sum.Reused += s.Reused
	}
	return sum
}

// knows waits until the proxy has asked the engine what it is.
func (r *running) knows(t testing.TB) {
	t.Helper()
	eventually(t, "the engine to be known", func() bool { ok, _ := r.verdict.ready(); return ok })
}

func eventually(t testing.TB, what string, is func() bool) {
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

func await(t testing.TB, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
	}
}
