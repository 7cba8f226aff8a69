package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"tokenomics/internal/sim"
)

// natives are requests to the endpoints that each engine has of its own, with
// the dialect that their answers are to be read by.
var natives = map[string][]struct {
	path, body, dialect string
	streamed            string // what a request for a stream asks besides
}{
	"vllm": {
		{"/v1/responses", `{"model":"sim-model","input":"Say why.","max_output_tokens":9`, "responses", ""},
		{"/v1/messages", `{"model":"sim-model","max_tokens":9,"messages":[{"role":"user","content":"Say why."}]`, "anthropic", ""},
		{"/inference/v1/generate", `{"token_ids":[1,2,3],"sampling_params":{"max_tokens":9}`, "vllm_generate", `,"stream_options":{"include_usage":true}`},
	},
	"sglang": {
		{"/generate", `{"text":"Say why.","sampling_params":{"max_new_tokens":9}`, "sglang_generate", ""},
		{"/v1/responses", `{"model":"sim-model","input":"Say why.","max_output_tokens":9`, "responses", ""},
	},
	"llamacpp": {
		{"/completion", `{"prompt":"Say why.","n_predict":9`, "llamacpp", ""},
		{"/v1/messages", `{"model":"sim-model","max_tokens":9,"messages":[{"role":"user","content":"Say why."}]`, "anthropic", ""},
	},
	"ollama": {
		{"/api/chat", `{"model":"sim-model","options":{"num_predict":9},"messages":[{"role":"user","content":"Say why."}]`, "ollama", ""},
		{"/api/generate", `{"model":"sim-model","options":{"num_predict":9},"prompt":"Say why."`, "ollama", ""},
	},
	"tgi": {
		{"/generate_stream", `{"inputs":"Say why.","parameters":{"max_new_tokens":9,"details":true}`, "tgi", ""},
	},
}

// TestNativeEndpoints: what the proxy logs of each engine's own endpoints,
// streamed and not, is what the engine did.
func TestNativeEndpoints(t *testing.T) {
	for _, dialect := range sim.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			var truth output
			engine := startSim(t, sim.Config{
				Dialect: dialect, Seed: 3, CacheTokens: -1, ReportCached: true, Truth: &truth,
				TTFT: sim.ConstantDuration(2 * time.Millisecond), ITL: sim.ConstantDuration(time.Millisecond), OutputTokens: sim.ConstantCount(7),
			})
			log := filepath.Join(t.TempDir(), "log.jsonl")
			proxy := runProxy(t, "--upstream", engine, "--log-requests", log)
			want := map[string]string{} // dialects by request id
			for i, x := range natives[dialect] {
				for _, stream := range []bool{true, false} {
					if !stream && strings.HasSuffix(x.path, "_stream") {
						continue
					}
					id := fmt.Sprintf("%s-%d-%v", dialect, i, stream)
					want[id] = x.dialect
					request := fmt.Sprintf(`%s,"stream":%v`, x.body, stream)
					if stream {
						request += x.streamed
					}
					if status, _, body := postJSON(t, proxy.url+x.path, request+"}", "X-Request-Id", id); status != 200 {
						t.Errorf("%s: %d %s", x.path, status, body)
					}
				}
			}
			if code, stderr := proxy.stop(); code != exitGood {
				t.Fatalf("the proxy ended with %d: %s", code, stderr)
			}
			logged, told := byRequest(t, readFile(t, log)), byRequest(t, truth.String())
			for id, grammar := range want {
				holdToTruth(t, id, grammar, logged[id], told[id])
			}
		})
	}
}

// byRequest are JSON lines by their request_id.
func byRequest(t *testing.T, lines string) map[string]gjson.Result {
	t.Helper()
	all := map[string]gjson.Result{}
	for line := range strings.Lines(lines) {
		r := gjson.Parse(line)
		all[r.Get("request_id").String()] = r
	}
	return all
}

// holdToTruth compares a logged request with what the engine says it did.
func holdToTruth(t *testing.T, id, grammar string, logged, truth gjson.Result) {
	t.Helper()
	if !logged.Exists() || !truth.Exists() {
		t.Errorf("%s: logged %v, told %v", id, logged.Exists(), truth.Exists())
		return
	}
	if got := logged.Get("dialect").String(); got != grammar {
		t.Errorf("%s: dialect %q, want %q", id, got, grammar)
	}
	for _, key := range []string{"outcome", "stream", "prompt_tokens", "completion_tokens"} {
		if got, want := logged.Get(key).String(), truth.Get(key).String(); got != want {
			t.Errorf("%s: %s is %q, the truth %q", id, key, got, want)
		}
	}
	if source := logged.Get("token_source").String(); source == "events" || source == "none" || source == "" {
		t.Errorf("%s: the counts come from %q", id, source)
	}
	if logged.Get("ttft_ms").Exists() != truth.Get("stream").Bool() {
		t.Errorf("%s: TTFT %s", id, logged.Get("ttft_ms"))
	}
	if got := len(logged.Get("finish_reasons").Array()); got != 1 {
		t.Errorf("%s: %d finish reasons: %s", id, got, logged.Get("finish_reasons"))
	}
}
