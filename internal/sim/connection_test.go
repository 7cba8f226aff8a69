package sim

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestConnectionsOfLlamaCpp: a hundred requests each, and none after an error.
func TestConnectionsOfLlamaCpp(t *testing.T) {
	cfg := fast("llamacpp")
	cfg.TTFT, cfg.ITL = ConstantDuration(0), ConstantDuration(0)
	e := start(t, cfg)
	if r := e.receive(t, "/health", ""); r.StatusCode != 405 || !r.Close {
		t.Errorf("an error keeps the connection: %d %v", r.StatusCode, r.Header)
	}
	conn := e.dial(t, "/v1/completions", `{"prompt":"x","max_tokens":1}`)
	br := bufio.NewReader(conn)
	for i := 1; i <= 100; i++ {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		last := i == 100
		if resp.Close != last || (resp.Header.Get("Keep-Alive") == "timeout=5, max=100") == last {
			t.Fatalf("answer %d has %v", i, resp.Header)
		}
		if !last {
			post(t, conn, "/v1/completions", `{"prompt":"x","max_tokens":1}`)
		}
	}
}

// TestIdleConnectionsOfOllama are kept.
func TestIdleConnectionsOfOllama(t *testing.T) {
	for dialect, want := range map[string]time.Duration{"vllm": 5 * time.Second, "sglang": 5 * time.Second, "llamacpp": 5 * time.Second, "ollama": 0, "tgi": 0} {
		s, err := New(fast(dialect))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Config().KeepAlive; got != want {
			t.Errorf("%s keeps an idle connection %v, want %v", dialect, got, want)
		}
	}
	e := start(t, fast("ollama"))
	conn := e.dial(t, "/v1/completions", `{"prompt":"x","max_tokens":1}`)
	br := bufio.NewReader(conn)
	for range 3 {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Close || resp.Header.Get("Server") != "" {
			t.Fatalf("%v %v", resp, err)
		}
		post(t, conn, "/v1/completions", `{"prompt":"x","max_tokens":1}`)
	}
}

// TestHeadsLeave when the engine's do: before the queue, with the slot, or with
// the first token.
func TestHeadsLeave(t *testing.T) {
	for _, c := range []struct {
		dialect, path string
		early         int // events that leave with the head
		queued, slot  bool
	}{
		{"vllm", "/v1/chat/completions", 0, true, true},
		{"vllm", "/v1/responses", 2, true, true},
		{"sglang", "/v1/chat/completions", 0, false, false},
		{"sglang", "/generate", 0, true, true},
		{"sglang", "/v1/responses", 2, true, true},
		{"llamacpp", "/v1/chat/completions", 0, false, true},
		{"ollama", "/v1/chat/completions", 0, false, false},
		{"tgi", "/v1/chat/completions", 0, true, true},
	} {
		cfg := fast(c.dialect)
		cfg.Slots, cfg.TTFT = 1, ConstantDuration(time.Hour)
		e := start(t, cfg)
		body := `{"input":"x","text":"x","stream":true,` + say + `}`
		first := e.dial(t, c.path, body)
		waitFor(t, "the slot to be taken", func() bool { r, _ := e.queue.load(); return r == 1 })
		second := e.dial(t, c.path, body)
		waitFor(t, "a queue", func() bool { _, w := e.queue.load(); return w == 1 })
		for conn, want := range map[io.Reader]bool{first: c.slot, second: c.queued} {
			got := false
			if want {
				line, err := bufio.NewReader(conn).ReadString('\n')
				got = err == nil && strings.HasPrefix(line, "HTTP/1.1 200")
			}
			if got != want {
				t.Errorf("%s %s: the head left: %v, want %v", c.dialect, c.path, got, want)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		for _, tr := range e.truths(t) {
			early := tr.HeadNS > 0 && (tr.AdmittedNS == 0 || tr.HeadNS < tr.AdmittedNS)
			if tr.Number == 1 && (tr.HeadNS > 0) != c.slot || early != c.queued || len(tr.Events) != c.early {
				t.Errorf("%s %s: truth %+v", c.dialect, c.path, tr)
			}
		}
	}
}

// TestFullHouse: every dialect refuses by a status, or in the stream whose head
// is out.
func TestFullHouse(t *testing.T) {
	statuses := map[string]int{"vllm": 200, "sglang": 200, "llamacpp": 503, "ollama": 503, "tgi": 200}
	for _, a := range streams() {
		cfg := fast(a.dialect)
		cfg.Slots, cfg.MaxQueued, cfg.TTFT = 1, 1, ConstantDuration(time.Hour)
		e := start(t, cfg)
		e.dial(t, a.path, a.body)
		waitFor(t, "the slot to be taken", func() bool { r, _ := e.queue.load(); return r == 1 })
		e.dial(t, a.path, a.body)
		waitFor(t, "a queue", func() bool { _, w := e.queue.load(); return w == 1 })
		r := e.receive(t, a.path, a.body)
		if r.StatusCode != statuses[a.dialect] || a.endpoint != responses && !strings.Contains(r.body, "error") {
			t.Errorf("%s %s: %d %q", a.dialect, a.path, r.StatusCode, r.body)
		}
		if cut := a.dialect == "vllm" && a.endpoint == responses; (r.err != nil) != cut {
			t.Errorf("%s %s: %q %v", a.dialect, a.path, r.body, r.err)
		}
	}
}

// TestEveryStreamSeesItsClientLeave before its first token is out.
func TestEveryStreamSeesItsClientLeave(t *testing.T) {
	for _, a := range streams() {
		cfg := fast(a.dialect)
		cfg.ITL = ConstantDuration(time.Hour)
		e := start(t, cfg)
		conn := e.dial(t, a.path, a.body)
		waitFor(t, "the request to run", func() bool { r, _ := e.queue.load(); return r == 1 })
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the slot to be free", func() bool { r, _ := e.queue.load(); return r == 0 })
		if tr := e.truths(t)[0]; tr.Outcome != TruthClientGone || tr.ClientGoneNS == 0 || len(e.jobs.known) != 0 {
			t.Errorf("%s %s: truth %+v", a.dialect, a.path, tr)
		}
	}
}

// TestPathPrefix: everything is below it, and nothing beside.
func TestPathPrefix(t *testing.T) {
	cfg := fast("vllm")
	cfg.PathPrefix = "/engine"
	e := start(t, cfg)
	for path, want := range map[string]int{"/engine/v1/completions": 200, "/v1/completions": 404, "/engine": 404, "/enginev1/completions": 404} {
		if r := e.receive(t, path, `{"prompt":"x"}`); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	if _, err := New(Config{PathPrefix: "engine/"}); err == nil {
		t.Error("a prefix without a slash is taken")
	}
}
