package engine

import (
	"os"
	"testing"

	"tokenomics/internal/record"
)

func some(v float64) figure { return record.Some(v) }

// TestReadsWhatEnginesSay reads what vLLM 0.32.0 and llama.cpp said: after three
// requests, and in the middle of five. Of vLLM's the buckets are left out.
func TestReadsWhatEnginesSay(t *testing.T) {
	vllm := reading{
		gauges: [gaugeCount]figure{running: some(0), waiting: some(0), kvUse: some(0)},
		counters: [counterCount]figure{
			promptTokens: some(177), outputTokens: some(60), finished: some(3), preemptions: some(0), looked: some(177), found: some(0),
		},
		spans: [spanCount]timing{
			queue:   {some(0.00032885600012377836), some(3)},
			prefill: {some(0.06815656099934131), some(3)},
			decode:  {some(0.12885252800333546), some(3)},
			ttft:    {some(0.08981037139892578), some(3)},
			e2e:     {some(0.2170107364654541), some(3)},
		},
	}
	llama := reading{
		gauges:   [gaugeCount]figure{running: some(2), waiting: some(1)},
		counters: [counterCount]figure{promptTokens: some(136), outputTokens: some(80), looked: some(136), found: some(66)},
	}
	for file, want := range map[string]reading{"vllm.txt": vllm, "llamacpp.txt": llama} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if got := readText(t, string(text)); got != want {
			t.Errorf("%s is read as\n%+v, want\n%+v", file, got, want)
		}
	}
}

func readText(t *testing.T, text string) reading {
	t.Helper()
	n, err := namesIn([]byte(text))
	if err != nil || n == nil {
		t.Fatalf("no names, %v", err)
	}
	all, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n.in(all)
}

func TestReadsSeveralSets(t *testing.T) {
	for _, tt := range []struct {
		what, text string
		want       reading
	}{
		{
			"ranks are summed, and shares averaged", `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0"} 3
vllm:num_requests_running{engine="1"} 4
vllm:kv_cache_usage_perc{engine="0"} 0.5
vllm:kv_cache_usage_perc{engine="1"} 0.25
# TYPE vllm:request_success counter
vllm:request_success_total{finished_reason="stop"} 2
vllm:request_success_total{finished_reason="length"} 5
# TYPE vllm:e2e_request_latency_seconds histogram
vllm:e2e_request_latency_seconds_bucket{engine="0",le="+Inf"} 2
vllm:e2e_request_latency_seconds_count{engine="0"} 2
vllm:e2e_request_latency_seconds_sum{engine="0"} 3
vllm:e2e_request_latency_seconds_bucket{engine="1",le="+Inf"} 1
vllm:e2e_request_latency_seconds_count{engine="1"} 1
vllm:e2e_request_latency_seconds_sum{engine="1"} 1.5
`,
			reading{
				gauges:   [gaugeCount]figure{running: some(7), kvUse: some(0.375)},
				counters: [counterCount]figure{finished: some(7)},
				spans:    [spanCount]timing{e2e: {some(4.5), some(3)}},
			},
		},
		{
			"a priority is part of all", `sglang:num_running_reqs{priority=""} 5
sglang:num_running_reqs{priority="1"} 2
sglang:num_running_reqs{priority="0"} 3
`,
			reading{gauges: [gaugeCount]figure{running: some(5)}},
		},
		{
			"no number is none", "vllm:num_requests_running NaN\nvllm:num_requests_waiting 1\n",
			reading{gauges: [gaugeCount]figure{waiting: some(1)}},
		},
		{
			"older names", "vllm:gpu_cache_usage_perc 0.5\nvllm:gpu_prefix_cache_queries_total 10\nvllm:gpu_prefix_cache_hits_total 4\n",
			reading{
				gauges:   [gaugeCount]figure{kvUse: some(0.5)},
				counters: [counterCount]figure{looked: some(10), found: some(4)},
			},
		},
		{
			"half a sum is none", "llamacpp:prompt_tokens_total 10\nllamacpp:tokens_predicted_total 4\n",
			reading{counters: [counterCount]figure{outputTokens: some(4)}},
		},
	} {
		if got := readText(t, tt.text); got != tt.want {
			t.Errorf("%s: read as\n%+v, want\n%+v", tt.what, got, tt.want)
		}
	}
}
