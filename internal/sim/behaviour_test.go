package sim

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// TestTruthAgreesWithWire reads a stream as a raw TCP client and compares it with
// the truth log: every event, its size, its tokens; and no event arrives before
// it was due, nor is its write said to return before the event before it.
func TestTruthAgreesWithWire(t *testing.T) {
	for _, dialect := range []string{"vllm", "sglang"} {
		t.Run(dialect, func(t *testing.T) {
			cfg := fast(dialect)
			cfg.OutputTokens, cfg.TokensPerStep = ConstantCount(40), ConstantCount(3)
			cfg.ReasoningTokens, cfg.SilentTokenRate = ConstantCount(10), 0.3
			e := start(t, cfg)
			_, body, err := e.ask(t, "/v1/chat/completions",
				chatBody(`,"stream":true,"n":2,"stream_options":{"include_usage":true}`), "X-Request-Id: r-7")
			if err != nil {
				t.Fatal(err)
			}
			got := events(body)
			tr := e.truths(t)[0]
			if tr.RequestID != "r-7" || tr.Outcome != TruthComplete || tr.Status != 200 || tr.Number != 1 {
				t.Errorf("truth %+v", tr)
			}
			if len(tr.Events) != len(got) {
				t.Fatalf("%d events written by the truth log, %d received", len(tr.Events), len(got))
			}
			sum, before := 0, tr.AdmittedNS+int64(time.Millisecond)
			for i, ev := range tr.Events {
				if want := len("data: ") + len(got[i]) + 2; ev.Bytes != want {
					t.Errorf("event %d: %d bytes in the log, %d received", i, ev.Bytes, want)
				}
				if ev.AtNS < before {
					t.Errorf("event %d written at %d, before %d", i, ev.AtNS, before)
				}
				if f := gjson.Get(got[i], "choices.0.finish_reason"); f.String() != "" && gjson.Get(got[i], "choices.0.index").Int() != int64(ev.Choice) {
					t.Errorf("event %d is of another choice than the log says", i)
				}
				before, sum = ev.AtNS, sum+ev.Tokens
			}
			usage := gjson.Get(got[len(got)-2], "usage")
			if sum != 80 || tr.CompletionTokens != sum || usage.Get("completion_tokens").Int() != int64(sum) {
				t.Errorf("tokens: events %d, truth %d, usage %s; want 80", sum, tr.CompletionTokens, usage)
			}
			if tr.PromptTokens != int(usage.Get("prompt_tokens").Int()) || tr.ReasoningTokens != 20 {
				t.Errorf("prompt %d reasoning %d, usage %s", tr.PromptTokens, tr.ReasoningTokens, usage)
			}
			if tr.Choices[1].CompletionTokens != 40 || tr.Choices[1].FinishReason != "stop" {
				t.Errorf("choices %+v", tr.Choices)
			}
		})
	}
}

// TestTextCountsBack: what is said has as many tokens as usage says, less the
// end-of-text token, by the engine's own tokenizer.
func TestTextCountsBack(t *testing.T) {
	e := start(t, fast("vllm"))
	for _, c := range []struct {
		max    string
		finish string
		tokens int64
	}{{"4", "length", 4}, {"100", "stop", 5}, {`100,"ignore_eos":true`, "length", 100}} {
		_, body, err := e.ask(t, "/v1/completions", `{"prompt":"Once","max_tokens":`+c.max+`}`)
		if err != nil {
			t.Fatal(err)
		}
		text := gjson.Get(body, "choices.0.text").String()
		_, counted, err := e.ask(t, "/tokenize", `{"prompt":`+string(appendString(nil, text))+`}`)
		if err != nil {
			t.Fatal(err)
		}
		if n := gjson.Get(counted, "count").Int(); n != c.tokens || gjson.Get(body, "choices.0.finish_reason").String() != c.finish {
			t.Errorf("max_tokens %s: %d tokens in %q, want %d; body %s", c.max, n, text, c.tokens, body)
		}
	}
}

func TestPrefixCache(t *testing.T) {
	long := `,"stream":false,"max_tokens":2,"messages":[{"role":"user","content":"` + strings.Repeat("tokens go down the wire ", 10) + `"}]`
	for dialect, want := range map[string]int64{"vllm": 48, "sglang": 54} {
		cfg := fast(dialect)
		cfg.ReportCached = true
		e := start(t, cfg)
		cached := func(salt string) int64 {
			_, body, err := e.ask(t, "/v1/chat/completions", `{"cache_salt":"`+salt+`"`+long+`}`)
			if err != nil {
				t.Fatal(err)
			}
			return gjson.Get(body, "usage.prompt_tokens_details.cached_tokens").Int()
		}
		for i, step := range []struct {
			salt string
			want int64
		}{{"a", 0}, {"a", want}, {"b", 0}, {"b", want}, {"a", want}} {
			if got := cached(step.salt); got != step.want {
				t.Errorf("%s: request %d with salt %s has %d cached tokens, want %d", dialect, i, step.salt, got, step.want)
			}
		}
	}
}

func TestPrefixCacheIsBounded(t *testing.T) {
	p := newPrefixCache(8, 2) // four blocks
	first := []uint64{1, 2, 3, 4, 5}
	p.store("", first)
	if n := p.lookup("", first); n != 4 {
		t.Fatalf("cached %d tokens, want 4", n)
	}
	p.store("", []uint64{9, 9, 8, 8, 7, 7, 6, 6})
	if n := p.lookup("", first); n != 0 || p.order.Len() != 4 || len(p.known) != 4 {
		t.Errorf("after pushing it out: %d tokens cached, %d blocks kept", n, p.order.Len())
	}
}

// TestQueue: one slot, no waiting room but for one.
func TestQueue(t *testing.T) {
	for dialect, wantStatus := range map[string]int{"vllm": 503, "sglang": 503} {
		cfg := fast(dialect)
		cfg.Slots, cfg.MaxQueued = 1, 1
		e := start(t, cfg)
		holder := e.dial(t, "/v1/chat/completions", chatBody(``), "X-Sim-Fault: hang")
		waitFor(t, "the slot to be taken", func() bool { r, _ := e.queue.load(); return r == 1 })
		second := e.dial(t, "/v1/chat/completions", chatBody(``))
		waitFor(t, "a queue", func() bool { _, w := e.queue.load(); return w == 1 })
		resp, body, err := e.ask(t, "/v1/chat/completions", chatBody(``))
		if err != nil || resp.StatusCode != wantStatus {
			t.Errorf("%s: a full queue answers %v %s %v", dialect, resp, body, err)
		}
		_, stream, err := e.ask(t, "/v1/chat/completions", chatBody(`,"stream":true`))
		if got := events(stream); err != nil || len(got) != 2 || !gjson.Get(got[0], "error.code").Exists() || got[1] != "[DONE]" {
			t.Errorf("%s: a full queue streams %q %v", dialect, stream, err)
		}
		if err := holder.Close(); err != nil { // leaving frees the slot
			t.Fatal(err)
		}
		r, err := http.ReadResponse(bufio.NewReader(second), nil)
		if err != nil || r.StatusCode != 200 {
			t.Errorf("%s: the one in line got %v %v", dialect, r, err)
		}
		waitFor(t, "all slots to be free", func() bool { r, w := e.queue.load(); return r+w == 0 })
		for _, tr := range e.truths(t) {
			if tr.Number == 1 && (tr.Outcome != TruthClientGone || tr.ClientGoneNS == 0) {
				t.Errorf("%s: the one who left: %+v", dialect, tr)
			}
		}
	}
}

// TestQueueIsFair holds the order of arrival.
func TestQueueIsFair(t *testing.T) {
	q := newQueue(1, 0)
	first, err := q.acquire(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan int)
	for i := range 3 {
		go func() {
			s, err := q.acquire(nil, nil)
			if err != nil {
				t.Error(err)
				return
			}
			order <- i
			s.release()
		}()
		waitFor(t, "the queue to grow", func() bool { _, w := q.load(); return w == i+1 })
	}
	gone := make(chan struct{})
	close(gone)
	if _, err := q.acquire(gone, nil); err != errGone {
		t.Errorf("one who has left gets %v", err)
	}
	first.release()
	first.release() // once is once
	for want := range 3 {
		if got := <-order; got != want {
			t.Errorf("number %d was served in place of %d", got, want)
		}
	}
}

// TestClientGoneIsSeen in every phase: before the first token, and in mid-stream.
func TestClientGoneIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		ttft time.Duration
		body string
		read bool
	}{
		"body, before the first token":   {time.Hour, chatBody(``), false},
		"stream, before the first token": {time.Hour, chatBody(`,"stream":true`), false},
		"stream, in the middle":          {time.Millisecond, chatBody(`,"stream":true`), true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := fast("vllm")
			cfg.TTFT, cfg.ITL = ConstantDuration(c.ttft), ConstantDuration(time.Hour)
			e := start(t, cfg)
			conn := e.dial(t, "/v1/chat/completions", c.body)
			if c.read {
				br := bufio.NewReader(conn)
				for line := ""; !strings.Contains(line, `"content":"Simulated"`); {
					var err error
					if line, err = br.ReadString('\n'); err != nil {
						t.Fatal(err)
					}
				}
			}
			waitFor(t, "the request to run", func() bool { r, _ := e.queue.load(); return r == 1 })
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the slot to be free", func() bool { r, _ := e.queue.load(); return r == 0 })
			if tr := e.truths(t)[0]; tr.Outcome != TruthClientGone || tr.ClientGoneNS == 0 || tr.ClientGoneNS > tr.EndNS {
				t.Errorf("truth %+v", tr)
			}
		})
	}
}

// TestSlowReader: one who does not read holds up nobody, and its slot is free
// when the engine is done.
func TestSlowReader(t *testing.T) {
	cfg := fast("vllm")
	cfg.Slots = 1
	e := start(t, cfg)
	slow := e.dial(t, "/v1/chat/completions", chatBody(`,"stream":true`), "X-Sim-Fault: big-event=67108864", "Connection: close")
	waitFor(t, "the slow one to start", func() bool { return e.number.Load() == 1 })
	for range 3 {
		if _, body, err := e.ask(t, "/v1/chat/completions", chatBody(``)); err != nil || !strings.Contains(body, "Simulated") {
			t.Fatalf("%q %v", body, err)
		}
	}
	if n, err := io.Copy(io.Discard, slow); err != nil || n < 64<<20 {
		t.Errorf("the slow one got %d bytes in the end, %v", n, err)
	}
}

func TestKeepAliveServesManyAndCloses(t *testing.T) {
	cfg := fast("vllm")
	cfg.KeepAlive = 50 * time.Millisecond
	e := start(t, cfg)
	conn := e.dial(t, "/v1/chat/completions", chatBody(`,"stream":true`))
	br := bufio.NewReader(conn)
	for i := range 3 {
		if i > 0 {
			post(t, conn, "/v1/chat/completions", chatBody(`,"stream":true`))
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
			t.Fatalf("answer %d: %q %v", i, body, err)
		}
	}
	if b, err := br.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection gives %q %v, want its end", b, err)
	}
}

// TestDeterministicAcrossProxyEdits: asking for usage changes no other byte, so a
// proxy that adds it and takes it away again can be compared with a direct call.
func TestDeterministicAcrossProxyEdits(t *testing.T) {
	for _, dialect := range []string{"vllm", "sglang"} {
		e := start(t, fast(dialect))
		plain := events(e.raw(t, "/v1/chat/completions", chatBody(`,"stream":true`)))
		asked := events(e.raw(t, "/v1/chat/completions", chatBody(`,"stream":true,"stream_options":{"include_usage":true}`)))
		if len(asked) != len(plain)+1 {
			t.Fatalf("%s: %d events with usage, %d without", dialect, len(asked), len(plain))
		}
		for i := 1; i < len(plain)-3; i++ { // vLLM moves its fingerprint from the last of these
			if plain[i] != asked[i] {
				t.Errorf("%s: event %d\n%s\n%s", dialect, i, plain[i], asked[i])
			}
		}
	}
}

func TestAuthorization(t *testing.T) {
	for dialect, open := range map[string]string{"vllm": "/version", "sglang": "/health"} {
		cfg := fast(dialect)
		cfg.APIKey = "secret"
		e := start(t, cfg)
		for path, want := range map[string]int{"/v1/models": 401, open: 200, "/metrics": 200} {
			if got := getStatus(t, e, path, ""); got != want {
				t.Errorf("%s %s without a key: %d, want %d", dialect, path, got, want)
			}
		}
		if got := getStatus(t, e, "/v1/models", "secret"); got != 200 {
			t.Errorf("%s with the key: %d", dialect, got)
		}
	}
}

func getStatus(t *testing.T, e *engine, path, key string) int {
	t.Helper()
	req, err := http.NewRequest("GET", "http://"+e.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("X-Simulated-By") != "tokenomics sim" {
		t.Errorf("%s does not say that it is simulated", path)
	}
	return resp.StatusCode
}
