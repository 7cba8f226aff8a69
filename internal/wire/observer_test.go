package wire

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// timed is one socket read: its moment in ms, and the events that it brought.
type timed struct {
	ms     float64
	events []string
}

func read(ms float64, events ...string) timed { return timed{ms, events} }

// observe sends the request at 0 and feeds the reads.
func observe(t *testing.T, path, request string, how record.Outcome, reads ...timed) *record.Record {
	t.Helper()
	o, rec := observed(path, request, how, reads...)
	if got, want := o.cfg.Live.Streamed(), rec.Usage.Completion.Or(0); got != want && rec.Usage.Source != record.SourceEvents {
		t.Errorf("live counter at %d, the engine says %d", got, want)
	}
	return rec
}

// observed is observe, whatever the live counter says.
func observed(path, request string, how record.Outcome, reads ...timed) (*Observer, *record.Record) {
	o := NewObserver(Config{Query: ReadQuery("POST", path, []byte(request)), Timeline: true, Live: new(record.Live)})
	o.Head(time.Millisecond, AnswerHead{Status: 200, ContentType: "text/event-stream; charset=utf-8"})
	last := 0.0
	for _, r := range reads {
		var b strings.Builder
		for _, e := range r.events {
			fmt.Fprintf(&b, "data: %s\n\n", e)
		}
		o.Feed(time.Duration(r.ms*1e6), []byte(b.String()))
		last = r.ms
	}
	rec := &record.Record{Sent: record.Some(time.Duration(0))}
	o.End(time.Duration(last*1e6), how, rec)
	return o, rec
}

const stop = `"finish_reason":"stop"`

// Events of each engine, as WIRE.md 2.2 has them.
func vllm(index int, delta, finish, usage string) string {
	if usage != "" {
		usage = `,"usage":` + usage
	}
	return fmt.Sprintf(`{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":%d,"delta":{%s},"logprobs":null,%s,"token_ids":null}]%s}`, index, delta, finish, usage)
}

func usage(prompt, completion int) string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d,"prompt_tokens_details":{"cached_tokens":4}}`, prompt, prompt+completion, completion)
}

func usageEvent(prompt, completion int) string {
	return `{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":` + usage(prompt, completion) + `}`
}

const running = `"finish_reason":null`

const role = `"role":"assistant","content":""`

// figures is what a case is checked for; -1 is absent.
type figures struct {
	outcome                  record.Outcome
	ttft, ttfo, e2e          float64
	tokens, cached, firstTok int64
	source                   record.TokenSource
	gaps, itl                int // numbers of gaps and of ITL samples
	tpot                     float64
	coalesced                int
}

func figuresOf(r *record.Record) figures {
	ms := func(d time.Duration, ok bool) float64 {
		if !ok {
			return -1
		}
		return float64(d) / 1e6
	}
	return figures{
		r.Outcome, ms(r.TTFT()), ms(r.TTFO()), ms(r.E2E()),
		r.Usage.Completion.Or(-1), r.Usage.Cached.Or(-1), r.FirstTokens.Or(-1), r.Usage.Source,
		int(math.Round(r.Gaps.Count())), int(math.Round(r.ITL.Count())), ms(r.TPOT()), r.CoalescedReads,
	}
}

func TestStreams(t *testing.T) {
	const chat, request = "/v1/chat/completions", `{"model":"m","stream":true}`
	sgDelta := func(delta, finish string) string {
		return `{"id":"r1","choices":[{"index":0,"delta":{"reasoning_content":null` + delta + `},"logprobs":null,` + finish + `,"matched_stop":null}]}`
	}
	tests := []struct {
		name, path, request string
		how                 record.Outcome
		reads               []timed
		want                figures
	}{
		{"vLLM with final usage: the role event is no token, the empty last one is the end", chat, request, record.Complete, []timed{
			read(100, vllm(0, role, running, "")), read(101, vllm(0, `"content":"a"`, running, "")), read(111, vllm(0, `"content":"b"`, running, "")),
			read(121, vllm(0, `"content":""`, stop, "")), read(122, usageEvent(9, 3), "[DONE]")},
			figures{record.Complete, 101, 101, 121, 3, 4, -1, record.SourceUsage, 1, 0, 10, 0}},
		{"vLLM with continuous usage: exact, two tokens in an event, an empty token first", chat, request, record.Complete, []timed{
			read(100, vllm(0, role, running, usage(9, 0)), vllm(0, `"content":""`, running, usage(9, 1))), read(110, vllm(0, `"content":"ab"`, running, usage(9, 3))),
			read(130, vllm(0, `"content":""`, stop, usage(9, 4))), read(131, usageEvent(9, 4), "[DONE]")},
			figures{record.Complete, 100, 110, 130, 4, 4, 1, record.SourceUsage, 2, 3, 10, 0}},
		{"cut under continuous usage: the last count stands", chat, request, record.Truncated, []timed{
			read(100, vllm(0, role, running, usage(9, 0))), read(101, vllm(0, `"content":"a"`, running, usage(9, 1))), read(111, vllm(0, `"content":"bc"`, running, usage(9, 3)))},
			figures{record.Truncated, 101, 101, 111, 3, 4, 1, record.SourceContinuous, 1, 2, 5, 0}},
		{"client left without usage: an estimate, and called one", chat, request, record.ClientAbort, []timed{
			read(101, vllm(0, `"content":"a"`, running, "")), read(111, vllm(0, `"content":"b"`, running, ""))},
			figures{record.ClientAbort, 101, 101, 111, 2, -1, -1, record.SourceEvents, 1, 0, 10, 0}},
		{"client left after [DONE]: complete", chat, request, record.ClientAbort, []timed{
			read(101, vllm(0, `"content":"a"`, stop, "")), read(102, usageEvent(9, 1), "[DONE]")},
			figures{record.Complete, 101, 101, 101, 1, 4, -1, record.SourceUsage, 0, 0, -1, 0}},
		{"reasoning before output", chat, request, record.Complete, []timed{
			read(100, vllm(0, `"reasoning":"hm","reasoning_content":"hm"`, running, "")), read(200, vllm(0, `"content":"a"`, stop, "")), read(201, usageEvent(9, 2), "[DONE]")},
			figures{record.Complete, 100, 200, 200, 2, 4, -1, record.SourceUsage, 1, 0, 100, 0}},
		{"tool call deltas are tokens", chat, request, record.Complete, []timed{
			read(100, vllm(0, `"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"f"}}]`, running, "")),
			read(110, vllm(0, `"tool_calls":[{"index":0,"function":{"arguments":"{"}}]`, running, "")), read(120, vllm(0, ``, `"finish_reason":"tool_calls"`, ""), "[DONE]")},
			figures{record.Complete, 100, 100, 120, 2, -1, -1, record.SourceEvents, 1, 0, 20, 0}},
		{"SGLang: separate finish event, events that share a read", chat, request, record.Complete, []timed{
			read(100, sgDelta(`,"role":"assistant","content":""`, running), sgDelta(`,"content":"a"`, running)), read(110, sgDelta(`,"content":"b"`, running), sgDelta(`,"content":"c"`, running)),
			read(111, sgDelta(``, stop)), read(112, usageEvent(9, 3), "[DONE]")},
			figures{record.Complete, 100, 100, 111, 3, 4, -1, record.SourceUsage, 2, 0, 5.5, 1}},
		{"token ids count exactly", chat, request, record.Complete, []timed{
			read(100, `{"choices":[{"index":0,"delta":{"content":"ab"},"finish_reason":null,"token_ids":[1,2]}]}`),
			read(110, `{"choices":[{"index":0,"delta":{"content":"c"},"finish_reason":"stop","token_ids":[3]}]}`, "[DONE]")},
			figures{record.Complete, 100, 100, 110, 3, -1, 2, record.SourceTokenIDs, 1, 1, 10, 0}},
		{"llama.cpp: role with the first token, timings on the last event", chat, request, record.Complete, []timed{
			read(100, `{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}]}`, `{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"a"}}]}`),
			read(110, `{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"b"}}]}`),
			read(120, `{"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"timings":{"cache_n":4,"prompt_n":5,"predicted_n":3}}`, "[DONE]")},
			figures{record.Complete, 100, 100, 120, 3, 4, -1, record.SourceEngineCounter, 1, 0, 10, 0}},
		{"llama.cpp completions: usage on the finish event", "/v1/completions", request, record.Complete, []timed{
			read(100, `{"choices":[{"text":"a","index":0,"finish_reason":null}]}`), read(110, `{"choices":[{"text":"b","index":0,"finish_reason":null}]}`),
			read(120, `{"choices":[{"text":"","index":0,"finish_reason":"length"}],"usage":{"completion_tokens":3,"prompt_tokens":9},"timings":{"cache_n":4,"prompt_n":5,"predicted_n":3}}`, "[DONE]")},
			figures{record.Complete, 100, 100, 120, 3, 4, -1, record.SourceUsage, 1, 0, 10, 0}},
		{"an error event inside a 200", chat, request, record.Complete, []timed{
			read(100, vllm(0, `"content":"a"`, running, "")), read(110, `{"error":{"message":"secret prompt","type":"overloaded","code":503}}`, "[DONE]")},
			figures{record.Error, 100, 100, 100, 1, -1, -1, record.SourceEvents, 0, 0, -1, 0}},
		{"abort is a failure in success's clothes", chat, request, record.Complete, []timed{
			read(100, vllm(0, `"content":"a"`, `"finish_reason":"abort"`, "")), read(101, usageEvent(9, 1), "[DONE]")},
			figures{record.EngineAbort, 100, 100, 100, 1, 4, -1, record.SourceUsage, 0, 0, -1, 0}},
		{"no [DONE]", chat, request, record.Complete, []timed{read(100, vllm(0, `"content":"a"`, stop, ""))},
			figures{record.Truncated, 100, 100, 100, 1, -1, -1, record.SourceEvents, 0, 0, -1, 0}},
		{"no finish_reason", chat, request, record.Complete, []timed{read(100, vllm(0, `"content":"a"`, running, ""), "[DONE]")},
			figures{record.Truncated, 100, 100, 100, 1, -1, -1, record.SourceEvents, 0, 0, -1, 0}},
		{"fewer choices than asked for: some engines ignore n", chat, `{"stream":true,"n":2}`, record.Complete, []timed{read(100, vllm(0, `"content":"a"`, stop, ""), "[DONE]")},
			figures{record.Complete, 100, 100, 100, 1, -1, -1, record.SourceEvents, 0, 0, -1, 0}},
		{"nothing but a role", chat, request, record.Truncated, []timed{read(100, vllm(0, role, running, ""))},
			figures{record.Truncated, -1, -1, -1, -1, -1, -1, record.SourceNone, 0, 0, -1, 0}},
		{"garbage between events", chat, request, record.Complete, []timed{
			read(100, vllm(0, `"content":"a"`, running, "")), read(105, `{"choices":[{`), read(110, vllm(0, `"content":"b"`, stop, ""), "[DONE]")},
			figures{record.Complete, 100, 100, 110, 2, -1, -1, record.SourceEvents, 1, 0, 10, 0}},
	}
	for _, tt := range tests {
		if got := figuresOf(observe(t, tt.path, tt.request, tt.how, tt.reads...)); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestChoicesHaveTheirOwnTimelines(t *testing.T) {
	r := observe(t, "/v1/chat/completions", `{"stream":true,"n":2}`, record.Complete,
		read(100, vllm(1, `"content":"x"`, running, usage(9, 1)), vllm(0, `"content":"a"`, running, usage(9, 1))),
		read(110, vllm(0, `"content":"b"`, stop, usage(9, 2))), read(140, vllm(1, `"content":"y"`, stop, usage(9, 3))), read(141, usageEvent(9, 5), "[DONE]"))
	want := []record.Choice{
		{Index: 0, FirstToken: record.Some(100 * time.Millisecond), LastToken: record.Some(110 * time.Millisecond), Completion: record.Some(int64(2)), FinishReason: "stop"},
		{Index: 1, FirstToken: record.Some(100 * time.Millisecond), LastToken: record.Some(140 * time.Millisecond), Completion: record.Some(int64(3)), FinishReason: "stop"},
	}
	if !slices.Equal(r.Choices, want) {
		t.Errorf("choices:\n got %+v\nwant %+v", r.Choices, want)
	}
	if p50, _ := r.Gaps.Quantile(0.5); p50 != 10 || r.Usage.Completion.Or(0) != 5 || r.Outcome != record.Complete {
		t.Errorf("gap p50 %v, %v tokens, %s", p50, r.Usage.Completion, r.Outcome)
	}
	if _, ok := r.TPOT(); ok {
		t.Error("a TPOT over two timelines")
	}
}

func TestErrorTextIsKeptOnlyWhenAsked(t *testing.T) {
	for _, keep := range []bool{false, true} {
		o := NewObserver(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{}`)), ErrorText: keep})
		o.Head(0, AnswerHead{Status: 400, ContentType: "application/json"})
		o.Feed(0, []byte(`{"error":{"message":"bad input: secret prompt","type":"BadRequestError","code":400}}`))
		var r record.Record
		o.End(0, record.Complete, &r)
		if strings.Contains(r.Error, "secret") != keep || r.ErrorType != "BadRequestError" || r.Outcome != record.Error {
			t.Errorf("keep=%v: %q %q %s", keep, r.Error, r.ErrorType, r.Outcome)
		}
	}
}

func TestAnswers(t *testing.T) {
	large := `{"object":"list","data":[` + strings.Repeat(`{"embedding":[0.1,0.2,0.3]},`, 60000) + `{}],"model":"e","usage":{"prompt_tokens":7,"total_tokens":7}}`
	tests := []struct {
		name, path, contentType, encoding, body string
		status                                  int
		how, outcome                            record.Outcome
		prompt, completion, cached              int64
		source                                  record.TokenSource
		warnings                                int
	}{
		{"chat", "/v1/chat/completions", "application/json", "", `{"model":"m","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}`, 200, record.Complete, record.Complete, 9, 3, 0, "usage", 0},
		{"no usage", "/v1/chat/completions", "application/json", "", `{"choices":[{"finish_reason":"stop"}],"usage":null}`, 200, record.Complete, record.Complete, -1, -1, -1, "none", 0},
		{"embeddings", "/v1/embeddings", "application/json; charset=utf-8", "", `{"data":[],"usage":{"prompt_tokens":5,"total_tokens":5,"completion_tokens":0}}`, 200, record.Complete, record.Complete, 5, 0, -1, "usage", 0},
		{"large", "/v1/embeddings", "application/json", "", large, 200, record.Complete, record.Complete, 7, -1, -1, "usage", 1},
		{"no choice", "/v1/chat/completions", "application/json", "", `{}`, 200, record.Complete, record.Error, -1, -1, -1, "none", 0},
		{"an unfinished choice", "/v1/completions", "application/json", "", `{"choices":[{"finish_reason":null}]}`, 200, record.Complete, record.Error, -1, -1, -1, "none", 0},
		{"a page", "/v1/chat/completions", "text/html", "", `<html>`, 200, record.Complete, record.Error, -1, -1, -1, "", 1},
		{"elsewhere", "/v1/chat/completions", "text/plain", "", `see other`, 307, record.Complete, record.Error, -1, -1, -1, "", 1},
		{"abort", "/v1/chat/completions", "application/json", "", `{"choices":[{"finish_reason":"abort"}]}`, 200, record.Complete, record.EngineAbort, -1, -1, -1, "none", 0},
		{"error in a 200", "/v1/chat/completions", "application/json", "", `{"object":"error","message":"x","type":"T","code":503}`, 200, record.Complete, record.Error, -1, -1, -1, "none", 0},
		{"error as a string", "/v1/chat/completions", "application/json", "", `{"error":"Unauthorized"}`, 401, record.Complete, record.Error, -1, -1, -1, "none", 0},
		{"cut", "/v1/chat/completions", "application/json", "", `{"choices":[`, 200, record.Truncated, record.Truncated, -1, -1, -1, "", 0},
		{"lies about its type", "/v1/chat/completions", "application/json", "", `<html>`, 200, record.Complete, record.Error, -1, -1, -1, "", 1},
		{"plain text error", "/v1/chat/completions", "text/plain", "", `Internal Server Error`, 500, record.Complete, record.Error, -1, -1, -1, "", 0},
		{"of a coding that is not known", "/v1/chat/completions", "application/json", "compress", "\x1f\x9d", 200, record.Complete, record.Complete, -1, -1, -1, "", 1},
		{"not an endpoint of ours", "/v1/models", "application/json", "", `{"usage":{"prompt_tokens":9}}`, 200, record.Complete, record.Complete, -1, -1, -1, "", 0},
		{"counts that are no counts", "/v1/chat/completions", "application/json", "", `{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":-1,"completion_tokens":1e99}}`, 200, record.Complete, record.Complete, -1, -1, -1, "none", 0},
	}
	for _, tt := range tests {
		o := NewObserver(Config{Query: ReadQuery("POST", tt.path, []byte(`{}`))})
		o.Head(time.Millisecond, AnswerHead{Status: tt.status, ContentType: tt.contentType, ContentEncoding: tt.encoding})
		for p := range slices.Chunk([]byte(tt.body), 4096) {
			o.Feed(2*time.Millisecond, p)
		}
		var r record.Record
		o.End(3*time.Millisecond, tt.how, &r)
		got := []int64{r.Usage.Prompt.Or(-1), r.Usage.Completion.Or(-1), r.Usage.Cached.Or(-1)}
		if r.Outcome != tt.outcome || !slices.Equal(got, []int64{tt.prompt, tt.completion, tt.cached}) || r.Usage.Source != tt.source || len(r.Warnings) != tt.warnings {
			t.Errorf("%s: %s %v %q, warnings %q", tt.name, r.Outcome, got, r.Usage.Source, r.Warnings)
		}
		if r.ResponseBytes != int64(len(tt.body)) {
			t.Errorf("%s: %d bytes", tt.name, r.ResponseBytes)
		}
	}
}

// TestLargeAnswers: wherever the counts stand.
func TestLargeAnswers(t *testing.T) {
	data := `"data":[` + strings.Repeat(`{"embedding":[0.1,0.2,0.3]},`, 60000) + `{}]`
	for _, tt := range []struct {
		name, path, body string
		prompt           int64
	}{
		{"usage behind the data", "/v1/embeddings", `{` + data + `,"usage":{"prompt_tokens":7,"total_tokens":7}}`, 7},
		{"usage in front of it (llama.cpp)", "/v1/embeddings", `{"model":"m","usage":{"prompt_tokens":7,"total_tokens":7},` + data + `}`, 7},
		{"Ollama's", "/api/embed", `{"model":"m",` + data + `,"total_duration":5,"prompt_eval_count":7}`, 7},
		{"Cohere's", "/v2/embed", `{"id":"e",` + data + `,"meta":{"billed_units":{"input_tokens":7}}}`, 7},
		{"none", "/v1/embeddings", `{` + data + `}`, -1},
		{"words that look like it", "/v1/embeddings", `{` + data + `,"x":"\"usage\":{\"prompt_tokens\":7}"}`, -1},
	} {
		o := NewObserver(Config{Query: ReadQuery("POST", tt.path, []byte(`{}`))})
		o.Head(0, AnswerHead{Status: 200, ContentType: "application/json"})
		for p := range slices.Chunk([]byte(tt.body), 4096) {
			o.Feed(0, p)
		}
		var r record.Record
		o.End(0, record.Complete, &r)
		if r.Usage.Prompt.Or(-1) != tt.prompt || r.Outcome != record.Complete || len(r.Warnings) != 1 || (r.Usage.Source == record.SourceNone) != (tt.prompt < 0) {
			t.Errorf("%s: %+v, %s, warnings %q", tt.name, r.Usage, r.Outcome, r.Warnings)
		}
	}
}

// TestUsageAroundTheKeptHead: an answer a little larger than what is kept of
// its beginning.
func TestUsageAroundTheKeptHead(t *testing.T) {
	for over := -100; over <= 200; over += 7 {
		end := `"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}`
		body := `{"choices":[{"x":"`
		body += strings.Repeat("y", keepHead+over-len(body)-len(end)) + end
		o := NewObserver(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{}`))})
		o.Head(0, AnswerHead{Status: 200, ContentType: "application/json"})
		o.Feed(0, []byte(body))
		var r record.Record
		o.End(0, record.Complete, &r)
		if r.Usage.Completion.Or(0) != 3 || r.Usage.Prompt.Or(0) != 7 {
			t.Errorf("%+d bytes: %+v, warnings %q", over, r.Usage, r.Warnings)
		}
	}
}

func TestTokensAfterTheClientLeft(t *testing.T) {
	live := new(record.Live)
	o := NewObserver(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true}`)), Live: live})
	o.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
	o.Feed(0, []byte(events(vllm(0, `"content":"a"`, running, ""))))
	o.ClientLeft()
	o.Feed(0, []byte(events(vllm(0, `"content":"b"`, running, ""), vllm(0, `"content":"c"`, running, ""))))
	if got := live.AfterClient.Load(); got != 2 || live.Streamed() != 3 {
		t.Errorf("%d tokens after the client left, %d streamed", got, live.Streamed())
	}
}

// TestALumpIsNoStream: what one socket read brought comes chunk by chunk, and
// is one arrival all the same; so are reads that follow at once.
func TestALumpIsNoStream(t *testing.T) {
	var lump []timed
	for i := range 40 {
		ms := 100.0
		if i >= 20 {
			ms = 100.05
		}
		lump = append(lump, read(ms, vllm(0, `"content":"x"`, running, "")))
	}
	lump = append(lump, read(100.05, vllm(0, ``, stop, ""), usageEvent(9, 40), "[DONE]"))
	r := observe(t, "/v1/chat/completions", `{"stream":true}`, record.Complete, lump...)
	if _, ok := r.TPOT(); ok || !r.Buffered || r.CoalescedReads != 2 {
		t.Errorf("buffered %v, %d coalesced reads, TPOT %v", r.Buffered, r.CoalescedReads, ok)
	}
}

// TestUsageThatCannotBeOfItsEvents is doubted: far more events than tokens, or
// no event at all for many tokens. Several tokens an event are as they should be.
func TestUsageThatCannotBeOfItsEvents(t *testing.T) {
	for _, tt := range []struct {
		name           string
		events, tokens int
		doubted        bool
	}{
		{"one each", 20, 20, false}, {"several an event", 5, 40, false}, {"one token in two events", 24, 20, false}, {"a short answer", 0, 3, false},
		{"events that nobody counted", 40, 20, true}, {"tokens that nobody sent", 0, 8, true},
	} {
		reads := []timed{read(1, vllm(0, `"role":"assistant","content":""`, `"finish_reason":null`, ""))}
		for i := range tt.events {
			reads = append(reads, read(float64(10+i), vllm(0, `"content":"x"`, `"finish_reason":null`, "")))
		}
		reads = append(reads, read(100, vllm(0, `"content":""`, stop, ""), usageEvent(5, tt.tokens), "[DONE]"))
		_, r := observed("/v1/chat/completions", `{"stream":true,"stream_options":{"include_usage":true}}`, record.Complete, reads...)
		if got := slices.Contains(r.Warnings, UsageDisagrees); got != tt.doubted || r.Outcome != record.Complete {
			t.Errorf("%s: %q, %s", tt.name, r.Warnings, r.Outcome)
		}
	}
}
