package wire

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// bench is a stream in one dialect.
type bench struct {
	name, path, contentType string
	event                   func(i int) string
	strip                   Strip
}

// What all streams of an engine share.
var (
	benchLive  = new(record.Live)
	benchPrint = new(Fingerprint)
)

// relay is the start of such a stream.
func (b *bench) relay() *Relay {
	r := NewRelay(Config{Query: ReadQuery("POST", b.path, []byte(`{"stream":true}`)), Live: benchLive}, b.strip, benchPrint)
	r.Head(0, AnswerHead{Status: 200, ContentType: b.contentType})
	return r
}

// benches are a stream of each dialect; /relay is the proxy's whole way, with a
// usage event to be taken out.
func benches() []bench {
	const sse, lines = "text/event-stream", "application/x-ndjson"
	data := func(e string) string { return "data: " + e + "\n\n" }
	plain := data(vllm(0, `"content":" token"`, running, ""))
	return []bench{
		{"plain", "/v1/chat/completions", sse, func(int) string { return plain }, Strip{}},
		{"plain/relay", "/v1/chat/completions", sse, func(int) string { return plain }, Strip{Final: true}},
		{"continuous", "/v1/chat/completions", sse, func(i int) string { return data(vllm(0, `"content":" token"`, running, usage(9, i))) }, Strip{}},
		{"continuous/relay", "/v1/chat/completions", sse, func(i int) string { return data(vllm(0, `"content":" token"`, running, usage(9, i))) }, Strip{Final: true, PerEvent: true}},
		{"choices", "/v1/chat/completions", sse, func(i int) string { return data(vllm(i%2, `"content":" token"`, running, "")) }, Strip{}},
		{"token_ids", "/v1/chat/completions", sse, func(i int) string {
			return data(fmt.Sprintf(`{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null,"token_ids":[%d]}]}`, i))
		}, Strip{}},
		{"llamacpp_timings", "/v1/chat/completions", sse, func(i int) string {
			return data(fmt.Sprintf(`{"choices":[{"finish_reason":null,"index":0,"delta":{"content":" token"}}],"created":1,"id":"chatcmpl-X","model":"m","system_fingerprint":"b1","object":"chat.completion.chunk","timings":{"cache_n":4,"prompt_n":5,"prompt_ms":12.1,"predicted_n":%d,"predicted_ms":20.0}}`, i))
		}, Strip{}},
		{"responses", "/v1/responses", sse, func(i int) string {
			return fmt.Sprintf("event: response.output_text.delta\n"+`data: {"content_index":0,"delta":" token","item_id":"msg_bb612c7e32b7b04c","logprobs":[],"output_index":0,"sequence_number":%d,"type":"response.output_text.delta"}`+"\n\n", i)
		}, Strip{}},
		{"anthropic", "/v1/messages", sse, func(int) string {
			return "event: content_block_delta\n" + `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":" token"},"index":0}` + "\n\n"
		}, Strip{}},
		{"vllm_generate", "/inference/v1/generate", sse, func(i int) string {
			return data(fmt.Sprintf(`{"request_id":"generate-tokens-1","choices":[{"index":0,"logprobs":null,"finish_reason":null,"token_ids":[%d]}],"usage":null}`, i))
		}, Strip{}},
		{"sglang_generate", "/generate", sse, func(i int) string {
			return data(fmt.Sprintf(`{"text":" token","output_ids":[5],"meta_info":{"id":"rid","finish_reason":null,"prompt_tokens":9,"completion_tokens":%d,"cached_tokens":4,"reasoning_tokens":0,"weight_version":"default","num_retractions":0}}`, i))
		}, Strip{}},
		{"llamacpp", "/completion", sse, func(i int) string {
			return data(fmt.Sprintf(`{"index":0,"content":" token","tokens":[5],"stop":false,"id_slot":0,"tokens_predicted":%d,"tokens_evaluated":9}`, i))
		}, Strip{}},
		{"tgi", "/generate_stream", sse, func(i int) string {
			return data(fmt.Sprintf(`{"index":%d,"token":{"id":5,"text":" token","logprob":-0.1,"special":false},"generated_text":null,"details":null}`, i))
		}, Strip{}},
		{"ollama", "/api/chat", lines, func(int) string {
			return `{"model":"m","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":" token"},"done":false}` + "\n"
		}, Strip{}},
	}
}

// BenchmarkFeed is what an event costs in the middle of a stream.
func BenchmarkFeed(b *testing.B) {
	for _, bench := range benches() {
		b.Run(bench.name, func(b *testing.B) {
			r := bench.relay()
			list := make([][]byte, 512)
			for i := range list {
				list[i] = []byte(bench.event(i + 1))
				r.Feed(time.Duration(i)*10*time.Millisecond, list[i])
				r.Measure()
			}
			b.SetBytes(int64(len(list[0])))
			b.ReportAllocs()
			at, i := time.Minute, 0
			for b.Loop() {
				at += 10 * time.Millisecond
				if i%len(list) == 0 {
					for i := range r.stream.choices {
						r.stream.choices[i].cumulative = 0 // the counts begin anew
					}
				}
				r.Feed(at, list[i%len(list)])
				r.Measure()
				i++
			}
		})
	}
}

// BenchmarkOpen is what an open stream holds: after 120 of its events, when it
// holds most.
func BenchmarkOpen(b *testing.B) {
	const open = 1000
	for _, bench := range benches() {
		b.Run(bench.name, func(b *testing.B) {
			events := make([][]byte, 120)
			for i := range events {
				events[i] = []byte(bench.event(i + 1))
			}
			list := make([]*Relay, open)
			var before, after runtime.MemStats
			for b.Loop() {
				clear(list)
				runtime.GC()
				runtime.ReadMemStats(&before)
				for i := range list {
					list[i] = bench.relay()
					for j, e := range events {
						list[i].Feed(time.Duration(j)*10*time.Millisecond, e)
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/open, "B/stream")
		})
	}
}
