package engine

// gauge is a figure of one moment.
type gauge int

const (
	running gauge = iota // requests
	waiting              // requests
	kvUse                // share of the KV cache in use
	gaugeCount
)

// counter is a figure that only grows.
type counter int

const (
	promptTokens counter = iota // cached ones too
	outputTokens
	finished    // requests
	preemptions // of requests that had begun
	looked      // prompt tokens looked up in the prefix cache
	found       // of them, those it answered for
	counterCount
)

// span is a part of a request's time, kept as a histogram.
type span int

const (
	queue span = iota
	prefill
	decode
	ttft
	e2e
	spanCount
)

// names are what an engine calls its figures, without the prefix. Where a
// figure has had several names, the newest is first; one that the engine does
// not tell has none.
type names struct {
	engine   string // as upstream.Engine names it
	prefix   string
	gauges   [gaugeCount][]string
	counters [counterCount][][]string // each name is a list: a counter may be a sum of others
	spans    [spanCount]string
}

// known are the names of WIRE.md 16, held against the sources of vLLM 0.32 and
// SGLang and the answers of vLLM and llama.cpp.
func known() []names {
	return []names{
		{
			engine: "vllm", prefix: "vllm:",
			gauges: [gaugeCount][]string{
				running: {"num_requests_running"},
				waiting: {"num_requests_waiting"},
				kvUse:   {"kv_cache_usage_perc", "gpu_cache_usage_perc"},
			},
			counters: [counterCount][][]string{
				promptTokens: {{"prompt_tokens_total"}},
				outputTokens: {{"generation_tokens_total"}},
				finished:     {{"request_success_total"}}, // not those whose client left
				preemptions:  {{"num_preemptions_total"}},
				looked:       {{"prefix_cache_queries_total"}, {"gpu_prefix_cache_queries_total"}},
				found:        {{"prefix_cache_hits_total"}, {"gpu_prefix_cache_hits_total"}},
			},
			spans: [spanCount]string{
				queue: "request_queue_time_seconds", prefill: "request_prefill_time_seconds", decode: "request_decode_time_seconds",
				ttft: "time_to_first_token_seconds", e2e: "e2e_request_latency_seconds",
			},
		},
		{
			engine: "sglang", prefix: "sglang:",
			gauges: [gaugeCount][]string{
				running: {"num_running_reqs"},
				waiting: {"num_queue_reqs"},
				kvUse:   {"token_usage", "full_token_usage"},
			},
			counters: [counterCount][][]string{
				promptTokens: {{"prompt_tokens_total"}},
				outputTokens: {{"generation_tokens_total"}},
				finished:     {{"num_requests_total"}},
				preemptions:  {{"num_retracted_requests_total"}},
				looked:       {{"prompt_tokens_total"}},
				found:        {{"cached_tokens_total"}}, // cache_hit_rate is of the last batch alone
			},
			spans: [spanCount]string{queue: "queue_time_seconds", ttft: "time_to_first_token_seconds", e2e: "e2e_request_latency_seconds"},
		},
		{
			// Its counters of seconds have no counter of requests beside them.
			engine: "llama_cpp", prefix: "llamacpp:",
			gauges: [gaugeCount][]string{
				running: {"requests_processing"},
				waiting: {"requests_deferred"},
				kvUse:   {"kv_cache_usage_ratio"}, // of older builds
			},
			counters: [counterCount][][]string{
				promptTokens: {{"prompt_tokens_total", "prompt_tokens_cached_total"}},
				outputTokens: {{"tokens_predicted_total"}},
				looked:       {{"prompt_tokens_total", "prompt_tokens_cached_total"}},
				found:        {{"prompt_tokens_cached_total"}},
			},
		},
	}
}
