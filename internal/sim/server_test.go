package sim

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// TestHTTPEdges sends heads that are not everyday ones.
func TestHTTPEdges(t *testing.T) {
	cfg := fast("vllm")
	cfg.MaxBody = 1000
	e := start(t, cfg)
	for _, c := range []struct{ name, send, want string }{
		{"not HTTP", "HELLO\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"no such path", "GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 Not Found"},
		{"wrong method", "GET /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 "},
		{"HEAD has no body", "HEAD /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "\r\n\r\n"},
		{"no content type", "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", "Unsupported Media Type"},
		{"too large", "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n", "HTTP/1.1 413 "},
		{"HTTP/1.0 stream ends with the connection", "POST /v1/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n" + `{"prompt":"x","stream":true}`, "\r\n\r\ndata: {"},
	} {
		conn, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, c.send); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %q %v, want %q", c.name, got, err, c.want)
		}
		if c.name == "HEAD has no body" && !strings.HasSuffix(string(got), "\r\n\r\n") {
			t.Errorf("%s: %q", c.name, got)
		}
		_ = conn.Close() // read to its end
	}
}

func TestExpectContinue(t *testing.T) {
	e := start(t, fast("vllm"))
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	body := `{"prompt":"x"}`
	if _, err := io.WriteString(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 14\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := br.ReadString('\n'); line != want || err != nil {
			t.Fatalf("%q %v, want %q", line, err, want)
		}
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
}

// TestShutdownDrains: a running stream ends well, an idle connection is closed,
// a new one is refused.
func TestShutdownDrains(t *testing.T) {
	cfg := fast("vllm")
	cfg.TTFT = ConstantDuration(100 * time.Millisecond)
	e := start(t, cfg)
	idle, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	running := e.dial(t, "/v1/chat/completions", chatBody(`,"stream":true`))
	waitFor(t, "the stream to run", func() bool { r, _ := e.queue.load(); return r == 1 })
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(running); err != nil || !strings.HasSuffix(string(b), "data: [DONE]\n\n\r\n0\r\n\r\n") {
		t.Errorf("the running stream: %q %v", b, err)
	}
	if b, err := io.ReadAll(idle); len(b) > 0 {
		t.Errorf("the idle connection: %q %v", b, err)
	}
	if c, err := net.Dial("tcp", e.addr); err == nil {
		_ = c.Close() // it should not be
		t.Error("it still listens")
	}
}

// TestCloseIsAnEngineDying: the stream is cut, and the books say why.
func TestCloseIsAnEngineDying(t *testing.T) {
	cfg := fast("vllm")
	cfg.ITL = ConstantDuration(time.Hour)
	e := start(t, cfg)
	conn := e.dial(t, "/v1/chat/completions", chatBody(`,"stream":true`))
	br := bufio.NewReader(conn)
	for line := ""; !strings.Contains(line, "Simulated"); {
		var err error
		if line, err = br.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(br); strings.Contains(string(rest), "\r\n0\r\n") {
		t.Errorf("a dead engine ended its stream: %q", rest)
	}
	if tr := e.truths(t)[0]; tr.Outcome != TruthStopped || tr.CompletionTokens != 1 {
		t.Errorf("truth %+v", tr)
	}
}

// TestShutdownIsBounded: what does not end in time is cut.
func TestShutdownIsBounded(t *testing.T) {
	e := start(t, fast("vllm"))
	e.dial(t, "/v1/chat/completions", chatBody(``), "X-Sim-Fault: hang")
	waitFor(t, "the request to run", func() bool { r, _ := e.queue.load(); return r == 1 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Shutdown(ctx); err == nil {
		t.Error("nothing was cut")
	}
}

// TestAbortDelay: an engine that is slow to notice keeps the slot a while.
func TestAbortDelay(t *testing.T) {
	cfg := fast("sglang")
	cfg.AbortDelay, cfg.TTFT = time.Hour, ConstantDuration(time.Hour)
	e := start(t, cfg)
	conn := e.dial(t, "/v1/chat/completions", chatBody(``))
	waitFor(t, "the request to run", func() bool { r, _ := e.queue.load(); return r == 1 })
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if tr := e.truths(t)[0]; tr.Outcome != TruthClientGone {
		t.Errorf("truth %+v", tr)
	}
	if r, _ := e.queue.load(); r != 1 {
		t.Error("the slot is free already")
	}
}

func FuzzPlan(f *testing.F) {
	for _, s := range []string{
		chatBody(`,"stream":true,"n":2,"max_tokens":3`), `{"prompt":[[1,2],"x",[]],"max_tokens":2}`, `{"prompt":[],"input":""}`, `{"messages":[1,{"content":[{"text":"a"}]}]}`,
		`{"prompt":"a","min_tokens":99999999999,"n":-1}`, `{"messages":[],"tools":[{"function":{"name":"f"}}],"tool_choice":"required","max_tokens":1}`, `[]`, `{`, ``,
		`{"messages":[],"tools":[{"name":"f"}],"tool_choice":{"type":"any"},"input":[{"role":"user","content":"x"}],"return_progress":true,"logprobs":true}`,
		`{"inputs":"x","parameters":{"details":true},"text":["a","b"],"sampling_params":{"n":2,"max_tokens":3,"max_new_tokens":3},"token_ids":[1]}`,
		`{"query":"q","documents":["a",{"text":"b"}],"texts":["c"],"content":"d","n_predict":-1,"options":{"num_predict":2},"return_token_ids":true,"echo":true}`,
	} {
		f.Add([]byte(s), uint8(3))
	}
	var engines []*Server
	for _, d := range Dialects() {
		cfg := fast(d)
		cfg.MaxModelLen, cfg.TokensPerStep, cfg.ReasoningTokens, cfg.SilentTokenRate = 200, ConstantCount(3), ConstantCount(4), 0.3
		s, err := New(cfg)
		if err != nil {
			f.Fatal(err)
		}
		engines = append(engines, s)
	}
	f.Fuzz(func(t *testing.T, body []byte, abort uint8) {
		for _, s := range engines {
			for path, rt := range s.routes {
				if rt.read != nil {
					planned(t, s, path, rt, body, int(abort))
				}
			}
		}
	})
}

// planned holds that every event and body of a plan can be told, and that the
// events tell of every token once.
func planned(t *testing.T, s *Server, path string, rt route, body []byte, abort int) {
	r, e := parseRequest(rt, body)
	if e != nil || s.dialect.check(r) != nil || r.fits(200) != nil {
		return
	}
	p := newPlan(&s.cfg, r)
	if abort < 10 {
		p.abort(abort)
	}
	r.format.identify(p, 1)
	p.schedule(&s.cfg, 1, 1, 0)
	if b := r.format.appendBody(nil, p); rt.endpoint != embeddings && !gjson.ValidBytes(b) {
		t.Errorf("%s %s: the body %q is not JSON, for %s", s.cfg.Dialect, path, b, body)
	}
	f, ok := r.format.(streamer)
	if !ok {
		return
	}
	told := 0
	r.stream = true
	for _, em := range f.schedule(p) {
		told += em.to - em.from
		if b := f.appendEvent(nil, p, em); !gjson.ValidBytes(b) {
			t.Errorf("%s %s: the event %q is not JSON, for %s", s.cfg.Dialect, path, b, body)
		}
	}
	if told != p.completionTokens() {
		t.Errorf("%s %s: events tell %d of %d tokens for %s", s.cfg.Dialect, path, told, p.completionTokens(), body)
	}
}
