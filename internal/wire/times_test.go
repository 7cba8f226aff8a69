package wire

import (
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// known is a length of time that was told.
func known(ms float64) record.Span {
	return record.Some(time.Duration(ms * float64(time.Millisecond)))
}

// TestEngineTimes reads what engines tell of their own time, and what looks like
// it and is none.
func TestEngineTimes(t *testing.T) {
	const (
		vllmMetrics = `{"time_to_first_token_ms":30.5,"generation_time_ms":100,"queue_time_ms":0,"mean_itl_ms":10.1,"tokens_per_second":80.5,"speculative_decoding":null}`
		llamaSays   = `{"cache_n":4,"prompt_n":5,"prompt_ms":12.125,"predicted_n":3,"predicted_ms":20.5,"predicted_per_second":97.5}`
		base        = `"prompt_tokens":9,"completion_tokens":3,"finish_reason":{"type":"stop"},"e2e_latency":0.25,"queue_time":0.01`
	)
	for _, tt := range []struct {
		name, path, answer string
		want               record.EngineTimes
	}{
		{"vLLM", "/v1/chat/completions", `{"choices":[{"index":0,"message":{},"finish_reason":"stop"}],"metrics":` + vllmMetrics + `}`,
			record.EngineTimes{Queue: known(0), Prefill: known(30.5), Decode: known(100)}},
		{"vLLM, without its flag", "/v1/chat/completions", `{"choices":[{"index":0,"message":{},"finish_reason":"stop"}],"metrics":null}`, record.EngineTimes{}},
		{"vLLM, aborted before a token", "/v1/completions", `{"choices":[{"index":0,"text":"","finish_reason":"abort"}],"metrics":{"time_to_first_token_ms":null,"generation_time_ms":null,"queue_time_ms":7}}`,
			record.EngineTimes{Queue: known(7)}},
		{"vLLM's Responses", "/v1/responses", `{"id":"r","object":"response","status":"completed","output":[],"metrics":` + vllmMetrics + `}`,
			record.EngineTimes{Queue: known(0), Prefill: known(30.5), Decode: known(100)}},
		{"somebody else's metrics", "/v1/chat/completions", `{"choices":[{"index":0,"message":{},"finish_reason":"stop"}],"metrics":{"queue_time_ms":-1,"generation_time_ms":"12","time_to_first_token_ms":1e300}}`,
			record.EngineTimes{}},
		{"times that have no sum", "/v1/chat/completions", `{"choices":[{"index":0,"message":{},"finish_reason":"stop"}],"metrics":{"queue_time_ms":9e12,"generation_time_ms":9e12,"time_to_first_token_ms":9e12}}`,
			record.EngineTimes{}},
		{"SGLang that tells no first forward but 0", "/generate", `{"text":"a","meta_info":{` + base + `,"forward_entry_time":0,"prefill_finished_time":1700000000.5,"request_finished_ts":1700000000.75,"inference_time":0.25}}`,
			record.EngineTimes{Queue: known(10), Compute: known(250), Total: known(250)}},
		{"llama.cpp", "/v1/chat/completions", `{"choices":[{"index":0,"message":{},"finish_reason":"stop"}],"timings":` + llamaSays + `}`,
			record.EngineTimes{Prefill: known(12.125), Decode: known(20.5)}},
		{"llama.cpp, two choices", "/v1/chat/completions", `{"choices":[{"index":0,"message":{},"finish_reason":"stop"},{"index":1,"message":{},"finish_reason":"stop"}],"timings":` + llamaSays + `}`,
			record.EngineTimes{}},
		{"llama.cpp's own", "/completion", `{"content":"a","stop":true,"stop_type":"eos","tokens_predicted":3,"timings":` + llamaSays + `}`,
			record.EngineTimes{Prefill: known(12.125), Decode: known(20.5)}},
		{"llama.cpp's own, a batch", "/completion", `[{"index":0,"stop_type":"eos","timings":` + llamaSays + `},{"index":1,"stop_type":"eos","timings":` + llamaSays + `}]`,
			record.EngineTimes{}},
		{"Ollama", "/api/generate", `{"response":"a","done":true,"done_reason":"stop","total_duration":30000000,"load_duration":1000000,"prompt_eval_count":9,"prompt_eval_duration":9000000,"eval_count":3,"eval_duration":19000000}`,
			record.EngineTimes{Load: known(1), Prefill: known(9), Decode: known(19), Total: known(30)}},
		{"Ollama leaves zeros out", "/api/generate", `{"response":"a","done":true,"done_reason":"stop","total_duration":30000000,"eval_count":3,"eval_duration":19000000}`,
			record.EngineTimes{Decode: known(19), Total: known(30)}},
		{"Ollama's embeddings", "/api/embed", `{"embeddings":[[1]],"total_duration":30000000,"load_duration":1000000,"prompt_eval_count":9}`,
			record.EngineTimes{Load: known(1), Total: known(30)}},
		{"SGLang without metrics", "/generate", `{"text":"a","meta_info":{"finish_reason":{"type":"stop"},"e2e_latency":0.25}}`, record.EngineTimes{Total: known(250)}},
		{"SGLang", "/generate", `{"text":"a","meta_info":{` + base + `,"forward_entry_time":1000.5,"prefill_finished_time":1000.625,"request_received_ts":1000.25,"request_finished_ts":1000.75,"inference_time":0.25}}`,
			record.EngineTimes{Queue: known(10), Prefill: known(125), Decode: known(125), Total: known(250)}},
		{"SGLang of 2025", "/generate", `{"text":"a","meta_info":{` + base + `,"prefill_finished_ts":1000.625,"decode_finished_ts":1000.75,"inference_time":0.25}}`,
			record.EngineTimes{Queue: known(10), Prefill: known(125), Decode: known(125), Total: known(250)}},
		{"SGLang that does not tell them apart", "/generate", `{"text":"a","meta_info":{` + base + `,"request_finished_ts":1000.75,"inference_time":0.2}}`,
			record.EngineTimes{Queue: known(10), Compute: known(200), Total: known(250)}},
		{"SGLang, a batch", "/generate", `[{"text":"a","meta_info":{` + base + `}},{"text":"a","meta_info":{` + base + `}}]`, record.EngineTimes{}},
	} {
		o := NewObserver(Config{Query: ReadQuery("POST", tt.path, []byte(`{}`))})
		o.Head(0, AnswerHead{Status: 200, ContentType: "application/json"})
		o.Feed(0, []byte(tt.answer))
		var rec record.Record
		o.End(0, record.Complete, &rec)
		if got := told(&rec); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func told(r *record.Record) record.EngineTimes {
	if r.Engine == nil {
		return record.EngineTimes{}
	}
	return *r.Engine
}

// TestEngineTimesOfStreams: the same at the end of a stream, and nothing from
// before it.
func TestEngineTimesOfStreams(t *testing.T) {
	const chat = "/v1/chat/completions"
	timings := func(n string) string {
		return `,"timings":{"prompt_n":5,"prompt_ms":12.5,"predicted_n":` + n + `,"predicted_ms":` + n + `0}`
	}
	delta := func(index, delta, finish, more string) string {
		return `{"choices":[{"index":` + index + `,"delta":` + delta + `,` + finish + `}],"id":"x"` + more + `}`
	}
	withMetrics := strings.TrimSuffix(usageEvent(9, 2), "}") + `,"metrics":{"time_to_first_token_ms":30,"generation_time_ms":10,"queue_time_ms":5}}`
	for _, tt := range []struct {
		name, path, request string
		how                 record.Outcome
		events              []string
		want                record.EngineTimes
	}{
		{"vLLM's usage event", chat, `{"stream":true}`, record.Complete,
			[]string{vllm(0, `"content":"a"`, running, ""), vllm(0, `"content":"b"`, stop, ""), withMetrics, "[DONE]"},
			record.EngineTimes{Queue: known(5), Prefill: known(30), Decode: known(10)}},
		{"llama.cpp's finish event", chat, `{"stream":true}`, record.Complete,
			[]string{delta("0", `{"content":"a"}`, running, ""), delta("0", `{}`, stop, timings("2")), "[DONE]"},
			record.EngineTimes{Prefill: known(12.5), Decode: known(20)}},
		{"llama.cpp's timings of each token, cut", chat, `{"stream":true}`, record.Truncated,
			[]string{delta("0", `{"content":"a"}`, running, timings("1")), delta("0", `{"content":"b"}`, running, timings("2"))},
			record.EngineTimes{}},
		{"llama.cpp, two choices", chat, `{"stream":true,"n":2}`, record.Complete,
			[]string{delta("0", `{"content":"a"}`, stop, timings("1")), delta("1", `{"content":"b"}`, stop, timings("2")), "[DONE]"},
			record.EngineTimes{}},
		{"llama.cpp, one of two choices", chat, `{"stream":true,"n":2}`, record.Truncated,
			[]string{delta("0", `{"content":"a"}`, stop, timings("1"))}, record.EngineTimes{}},
		{"llama.cpp's Responses", "/v1/responses", `{"stream":true}`, record.Complete,
			[]string{`{"type":"response.completed","response":{"status":"completed"}` + timings("2") + `}`},
			record.EngineTimes{Prefill: known(12.5), Decode: known(20)}},
		{"vLLM's Responses", "/v1/responses", `{"stream":true}`, record.Complete,
			[]string{`{"type":"response.completed","response":{"status":"completed","metrics":{"queue_time_ms":5}}}`},
			record.EngineTimes{Queue: known(5)}},
		{"SGLang tells its queue early, and counts at the end", "/generate", `{"stream":true}`, record.Truncated,
			[]string{`{"text":"a","meta_info":{"finish_reason":null,"completion_tokens":1,"queue_time":0.5}}`}, record.EngineTimes{}},
		{"SGLang", "/generate", `{"stream":true}`, record.Complete,
			[]string{`{"text":"a","meta_info":{"finish_reason":{"type":"stop"},"completion_tokens":1,"queue_time":0.5,"e2e_latency":0.75}}`, "[DONE]"},
			record.EngineTimes{Queue: known(500), Total: known(750)}},
	} {
		_, rec := observed(tt.path, tt.request, tt.how, read(10, tt.events...))
		if got := told(rec); got != tt.want || rec.Outcome != tt.how {
			t.Errorf("%s: %s (%s)\n got %+v\nwant %+v", tt.name, rec.Outcome, rec.Error, got, tt.want)
		}
	}
}
