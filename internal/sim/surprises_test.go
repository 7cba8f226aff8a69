package sim

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// TestFirstTokenThatShowsNothing: llama.cpp then sends no role and no
// message_start, which come with the first token or not at all.
func TestFirstTokenThatShowsNothing(t *testing.T) {
	cfg := fast("llamacpp")
	cfg.SilentTokenRate = 1
	e := start(t, cfg)
	for path, beginning := range map[string]string{"/v1/chat/completions": `"role"`, "/v1/messages": "message_start"} {
		body := e.receive(t, path, `{"stream":true,`+say+`}`).body
		if strings.Contains(body, beginning) || !strings.Contains(body, "stop") {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// TestTokenByToken: llama.cpp, Ollama and TGI send what one step yields token by
// token; vLLM sends it in one event.
func TestTokenByToken(t *testing.T) {
	for dialect, want := range map[string]int{"llamacpp": 5, "ollama": 5, "tgi": 5, "vllm": 2} {
		cfg := fast(dialect)
		cfg.TokensPerStep = ConstantCount(3)
		body := start(t, cfg).receive(t, "/v1/chat/completions", `{"stream":true,`+say+`}`).body
		texts := 0
		for _, ev := range events(body) {
			if gjson.Get(ev, "choices.0.delta.content").String() != "" {
				texts++
			}
		}
		if texts != want {
			t.Errorf("%s: %d events with text, want %d: %s", dialect, texts, want, body)
		}
	}
}

// TestChoicesOfLlamaCpp: usage and timings of a body are the first choice's alone.
func TestChoicesOfLlamaCpp(t *testing.T) {
	e := start(t, fast("llamacpp"))
	body := e.receive(t, "/v1/chat/completions", `{"n":3,`+say+`}`, "X-Request-Id: n3").body
	if n := gjson.Get(body, "usage.completion_tokens").Int(); n != 6 || e.truthOf(t, "n3").CompletionTokens != 18 {
		t.Errorf("usage says %d of 18: %s", n, body)
	}
}

// TestIDsOfChoices: SGLang gives each its own; the other engines one to all.
func TestIDsOfChoices(t *testing.T) {
	for dialect, want := range map[string]int{"sglang": 2, "vllm": 1, "llamacpp": 1} {
		ids := map[string]bool{}
		for _, ev := range events(start(t, fast(dialect)).receive(t, "/v1/chat/completions", `{"n":2,"stream":true,`+say+`}`).body) {
			if id := gjson.Get(ev, "id"); id.Exists() {
				ids[id.String()] = true
			}
		}
		if len(ids) != want {
			t.Errorf("%s: ids %v, want %d", dialect, ids, want)
		}
	}
}

// TestCumulativeOrNew: SGLang's own endpoint sends all so far, or what is new.
func TestCumulativeOrNew(t *testing.T) {
	for _, incremental := range []bool{false, true} {
		cfg := fast("sglang")
		cfg.Incremental = incremental
		got := events(start(t, cfg).receive(t, "/generate", `{"text":"x","stream":true}`).body)
		last := got[len(got)-2]
		want := 6
		if incremental {
			want = 1
		}
		if n := len(gjson.Get(last, "output_ids").Array()); n != want || gjson.Get(last, "meta_info.completion_tokens").Int() != 6 {
			t.Errorf("incremental %v: %s", incremental, last)
		}
	}
}
