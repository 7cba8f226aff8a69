package sim

import (
	"strings"
	"testing"
	"time"
)

// shows waits until a scrape has the lines.
func (e *engine) shows(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		waitFor(t, line, func() bool { return strings.Contains(e.request(t, "GET", "/metrics", ""), "\n"+line+"\n") })
	}
}

// TestMetricsFollowTheEngine: what is counted is what the engine did, also for
// a client that left: it goes on until it notices.
func TestMetricsFollowTheEngine(t *testing.T) {
	const of = `{model_name="sim-model",engine="0"`
	cfg := fast("vllm")
	cfg.AbortDelay = time.Hour // longer than the plan: it is carried out
	e := start(t, cfg)
	const body = `{"model":"sim-model","prompt":"one two three","max_tokens":5,"ignore_eos":true,"stream":true}`
	e.request(t, "POST", "/v1/completions", body)
	e.shows(t,
		"vllm:prompt_tokens_total"+of+"} 3", "vllm:generation_tokens_total"+of+"} 5",
		"vllm:request_success_total"+of+`,finished_reason="length"} 1`, "vllm:request_success_total"+of+`,finished_reason="stop"} 0`,
		"vllm:request_prefill_time_seconds_sum"+of+"} 0.001", "vllm:request_decode_time_seconds_sum"+of+"} 0.004",
		"vllm:time_to_first_token_seconds_count"+of+"} 1", "vllm:num_requests_running"+of+"} 0", "vllm:kv_cache_usage_perc"+of+"} 0")

	c := e.dial(t, "/v1/completions", body)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	e.shows(t, "vllm:generation_tokens_total"+of+"} 10", "vllm:num_requests_running"+of+"} 0")
}

// TestMetricsOfABrokenRequest: what was not made is not counted, and the times
// of what was not finished are not either.
func TestMetricsOfABrokenRequest(t *testing.T) {
	const of = `{model_name="sim-model",engine="0"`
	cfg := fast("vllm")
	cfg.ITL, cfg.Slots, cfg.MaxModelLen = ConstantDuration(time.Hour), 1, 16
	e := start(t, cfg)
	c := e.dial(t, "/v1/completions", `{"model":"sim-model","prompt":"one two three","max_tokens":5,"ignore_eos":true,"stream":true}`)
	e.shows(t, "vllm:generation_tokens_total"+of+"} 1", "vllm:num_requests_running"+of+"} 1", "vllm:kv_cache_usage_perc"+of+"} 0.5")
	if answer := e.request(t, "POST", "/reset_prefix_cache", ""); !strings.Contains(answer, `{"success":false}`) {
		t.Errorf("a reset while blocks are held: %s", answer)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	e.shows(t, "vllm:num_requests_running"+of+"} 0", "vllm:generation_tokens_total"+of+"} 1", "vllm:prompt_tokens_total"+of+"} 3",
		"vllm:time_to_first_token_seconds_count"+of+"} 1", "vllm:e2e_request_latency_seconds_count"+of+"} 0", "vllm:kv_cache_usage_perc"+of+"} 0")
	if answer := e.request(t, "POST", "/reset_prefix_cache", ""); !strings.Contains(answer, `{"success":true}`) {
		t.Errorf("a reset of an idle engine: %s", answer)
	}
}

// TestLoads: SGLang's scheduler tells how many requests it has.
func TestLoads(t *testing.T) {
	cfg := fast("sglang")
	cfg.Slots, cfg.TTFT = 1, ConstantDuration(time.Hour)
	e := start(t, cfg)
	for range 3 {
		e.dial(t, "/v1/completions", `{"prompt":"one","stream":true}`)
	}
	const want = `"num_running_reqs":1,"num_waiting_reqs":2}`
	waitFor(t, want, func() bool { return strings.Contains(e.request(t, "GET", "/v1/loads", ""), want) })
}
