package sim

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// abort posts /abort_request.
func (e *engine) abort(t *testing.T, body string) {
	t.Helper()
	if r := e.receive(t, "/abort_request", body); r.StatusCode != 200 || r.err != nil {
		t.Fatalf("aborting answers %d %q %v", r.StatusCode, r.body, r.err)
	}
}

// TestAbortFreesTheSlot of a request whose client has left, and which the engine
// would go on with.
func TestAbortFreesTheSlot(t *testing.T) {
	cfg := fast("sglang")
	cfg.Slots, cfg.AbortDelay, cfg.ITL = 1, time.Hour, ConstantDuration(time.Hour)
	e := start(t, cfg)
	conn := e.dial(t, "/v1/chat/completions", chatBody(`,"stream":true,"rid":"0123-abc"`))
	br := bufio.NewReader(conn)
	line := ""
	for !strings.Contains(line, `"content":"Simulated"`) {
		var err error
		if line, err = br.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if id := gjson.Get(strings.TrimPrefix(line, "data: "), "id").String(); id != "0123-abc" {
		t.Errorf("the chunk's id is %q, not the rid", id)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the books to be closed", func() bool { e.truth.mu.Lock(); defer e.truth.mu.Unlock(); return e.truth.b.Len() > 0 })
	e.abort(t, `{"rid":"other"}`)
	e.abort(t, `{"rid":""}`) // nobody's
	if r, _ := e.queue.load(); r != 1 {
		t.Error("the slot is free already")
	}
	e.abort(t, `{"rid":"0123"}`)
	if r, _ := e.queue.load(); r != 0 || len(e.jobs.known) != 0 {
		t.Errorf("%d requests run, %d jobs are known", r, len(e.jobs.known))
	}
}

// TestAbortEndsTheAnswer of a client who stays: it is told so, with what is there.
func TestAbortEndsTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name, path, body, token string // token is what is waited for
		ttft                    time.Duration
		check                   func(body string) bool
	}{
		{"chat", "/v1/chat/completions", chatBody(`,"stream":true,"rid":"x1"`), `"content":"Simulated"`, 0, func(b string) bool {
			ev := events(b)
			return strings.HasSuffix(b, `"finish_reason":"abort","matched_stop":null}]}`+"\n\ndata: [DONE]\n\n") && len(ev) == 4
		}},
		{"chat before its first token", "/v1/chat/completions", chatBody(`,"stream":true,"rid":"x2"`), "", time.Hour, func(b string) bool {
			return strings.Contains(b, `"finish_reason":"abort"`) && len(events(b)) == 3
		}},
		{"completions", "/v1/completions", `{"prompt":"x","stream":true,"rid":"x3","stream_options":{"include_usage":true}}`, "Simulated", 0, func(b string) bool {
			ev := events(b)
			return len(ev) == 4 && gjson.Get(ev[1], "choices.0.finish_reason").String() == "abort" && gjson.Get(ev[2], "usage.completion_tokens").Int() == 1
		}},
		{"generate", "/generate", `{"text":"x","stream":true,"rid":"x4"}`, "Simulated", 0, func(b string) bool {
			last := events(b)[1]
			return gjson.Get(last, "meta_info.finish_reason.type").String() == "abort" && gjson.Get(last, "meta_info.completion_tokens").Int() == 1 &&
				gjson.Get(last, "meta_info.id").String() == "x4"
		}},
		{"messages", "/v1/messages", `{"max_tokens":9,"stream":true,"rid":"x5",` + say + `}`, "Simulated", 0, func(b string) bool {
			return strings.Contains(b, `"usage":{"output_tokens":1}`) && strings.Count(b, "content_block_stop") == 2 && strings.Count(b, "event: message_start") == 1
		}},
		{"responses", "/v1/responses", `{"input":"x","stream":true,"rid":"x6"}`, "Simulated", 0, func(b string) bool {
			return strings.Contains(b, `"output_tokens":1,`) && strings.Count(b, "event: response.created") == 1 && strings.Count(b, "event: response.completed") == 1
		}},
		{"a body", "/generate", `{"text":"x","rid":"x7"}`, "", time.Hour, func(b string) bool {
			return gjson.Get(b, "meta_info.finish_reason.type").String() == "abort" && gjson.Get(b, "meta_info.completion_tokens").Int() == 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := fast("sglang")
			cfg.ITL, cfg.TTFT = ConstantDuration(time.Hour), ConstantDuration(c.ttft)
			e := start(t, cfg)
			conn := e.dial(t, c.path, c.body)
			waitFor(t, "the request to run", func() bool { r, _ := e.queue.load(); return r == 1 })
			var seen strings.Builder
			br := bufio.NewReader(io.TeeReader(conn, &seen))
			for line := ""; c.token != "" && !strings.Contains(line, c.token); {
				var err error
				if line, err = br.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			e.abort(t, `{"rid":"x"}`)
			rest := bufio.NewReader(io.MultiReader(strings.NewReader(seen.String()), conn))
			resp, err := http.ReadResponse(rest, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || !c.check(string(body)) {
				t.Errorf("%v: %s", err, body)
			}
			tr := e.truths(t)[0]
			if tr.StoppedNS == 0 || tr.Outcome != TruthComplete || tr.Choices[0].FinishReason != "abort" {
				t.Errorf("truth %+v", tr)
			}
		})
	}
}

// TestAbortInTheQueue: one who waits for a slot is answered too, and all may go at once.
func TestAbortInTheQueue(t *testing.T) {
	cfg := fast("sglang")
	cfg.Slots, cfg.TTFT = 1, ConstantDuration(time.Hour)
	e := start(t, cfg)
	e.dial(t, "/v1/chat/completions", chatBody(``))
	waitFor(t, "the slot to be taken", func() bool { r, _ := e.queue.load(); return r == 1 })
	waiting := e.dial(t, "/v1/chat/completions", chatBody(``))
	waitFor(t, "a queue", func() bool { _, w := e.queue.load(); return w == 1 })
	e.abort(t, `{"abort_all":true}`)
	resp, err := http.ReadResponse(bufio.NewReader(waiting), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || gjson.GetBytes(b, "choices.0.finish_reason").String() != "abort" {
		t.Errorf("%v %s", err, b)
	}
	waitFor(t, "all slots to be free", func() bool { r, w := e.queue.load(); return r+w == 0 })
	if metrics := e.request(t, "GET", "/metrics", ""); !strings.Contains(metrics, "sglang:num_aborted_requests_total{model_name=\"sim-model\",engine_type=\"unified\",tp_rank=\"0\",pp_rank=\"0\"} 2\n") {
		t.Errorf("the metrics are %s", metrics)
	}
	if _, err := e.queue.acquire(nil, closedChannel()); err != nil && !errors.Is(err, errStopped) {
		t.Error(err)
	}
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
