package engine

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/sim"
)

// TestResetEmptiesTheCache: the same prompt is cached the second time, and not
// after a reset.
func TestResetEmptiesTheCache(t *testing.T) {
	for name, path := range map[string]string{"vllm": "reset_prefix_cache", "sglang": "flush_cache"} {
		s := simulate(t, name, sim.Config{TTFT: sim.ConstantDuration(time.Millisecond), ITL: sim.ConstantDuration(time.Millisecond), OutputTokens: sim.ConstantCount(3), CacheBlock: 1})
		e := open(t, s.base, name)
		const prompt = "the same words again and again"
		s.complete("first", prompt)
		s.complete("second", prompt)
		if how, err := e.Reset(t.Context()); how != path || err != nil {
			t.Errorf("%s: reset by %q, %v", name, how, err)
		}
		s.complete("third", prompt)
		var cached []bool
		for _, id := range []string{"first", "second", "third"} {
			cached = append(cached, s.truths(id, 1)[0].CachedTokens > 0)
		}
		if cached[0] || !cached[1] || cached[2] {
			t.Errorf("%s: cached %v, want the second alone", name, cached)
		}
	}
}

func TestReset(t *testing.T) {
	for _, tt := range []struct {
		what, name string
		answers    []string // to resets: a status and a body; the last stays
		asked      int
		err        string
	}{
		{"vLLM", "vllm", []string{`200{"success":true}`}, 1, ""},
		{"older vLLM", "vllm", []string{`200`}, 1, ""},
		{"blocks are let go of later", "vllm", []string{`200{"success":false}`, `200{"success":false}`, `200{"success":true}`}, 3, ""},
		{"blocks are never let go of", "vllm", []string{`200{"success":false}`}, resetTries, "running or waiting"},
		{"vLLM not in development mode", "vllm", []string{`404{"detail":"Not Found"}`}, 1, "VLLM_SERVER_DEV_MODE=1"},
		{"SGLang", "sglang", []string{"200Cache flushed.\n"}, 1, ""},
		{"SGLang, busy", "sglang", []string{"400Flush cache failed.\n"}, resetTries, "running or waiting"},
		{"SGLang with another key", "sglang", []string{"401"}, 1, "status 401"},
		{"llama.cpp", "llama_cpp", nil, 0, "salt passes it by"},
		{"Ollama", "ollama", nil, 0, "no way"},
		{"anything", "", nil, 0, "no way is known"},
	} {
		var asked int
		s := script(t, func(r *http.Request, n int) (int, string) {
			if r.Method != "POST" {
				return 404, ""
			}
			asked = n
			a := tt.answers[min(n, len(tt.answers))-1]
			return map[string]int{"200": 200, "400": 400, "401": 401, "404": 404}[a[:3]], a[3:]
		})
		_, err := open(t, s.URL, tt.name).Reset(t.Context())
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || asked != tt.asked {
			t.Errorf("%s: %v after %d requests; want %q after %d", tt.what, err, asked, tt.err, tt.asked)
		}
	}
}

func TestPrepareRun(t *testing.T) {
	for _, tt := range []struct {
		mode, name string
		resets     bool // the engine has a way
		method     string
		salt, off  bool
		err        string
	}{
		{"keep", "vllm", true, "", false, false, ""},
		{"salt", "vllm", true, "cache_salt", true, false, ""},
		{"salt", "sglang", true, "cache_salt", true, false, ""},
		{"salt", "llama_cpp", false, "cache_prompt", false, true, ""},
		{"salt", "ollama", false, "", false, false, "later runs may be answered from it"},
		{"reset", "vllm", true, "reset_prefix_cache", false, false, ""},
		{"reset", "vllm", false, "", false, false, "VLLM_SERVER_DEV_MODE=1"},
		{"reset", "sglang", true, "flush_cache", false, false, ""},
		{"auto", "vllm", true, "reset_prefix_cache", false, false, ""},
		{"auto", "vllm", false, "cache_salt", true, false, ""},
		{"auto", "llama_cpp", false, "cache_prompt", false, true, ""},
		{"auto", "ollama", false, "", false, false, "later runs may be answered from it"},
		{"auto", "", false, "", false, false, "later runs may be answered from it"},
		{"never", "vllm", true, "", false, false, "auto, reset, salt or keep"},
	} {
		s := script(t, func(r *http.Request, _ int) (int, string) {
			if r.Method == "POST" && tt.resets {
				return 200, ""
			}
			return 404, ""
		})
		method, salt, off, err := open(t, s.URL, tt.name).PrepareRun(t.Context(), tt.mode)
		if method != tt.method || salt != tt.salt || off != tt.off || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s on %q: %q, %v, %v, %v; want %q, %v, %v, %q", tt.mode, tt.name, method, salt, off, err, tt.method, tt.salt, tt.off, tt.err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s on %q: an error of several lines: %v", tt.mode, tt.name, err)
		}
	}
}

func TestPrepareRunCancelled(t *testing.T) {
	s := script(t, func(*http.Request, int) (int, string) { return 200, `{"success":false}` })
	e := open(t, s.URL, "vllm")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, salt, _, err := e.PrepareRun(ctx, "auto"); !errors.Is(err, context.Canceled) || salt {
		t.Errorf("salt %v, %v", salt, err)
	}
}
