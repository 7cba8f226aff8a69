package sim

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the goldens anew")

var dateLine = regexp.MustCompile(`(?im)^date: [^\r]*`)

type goldenCase struct {
	name, path, body string
	edit             func(*Config)
	headers          []string
}

func goldenCases() []goldenCase {
	const tools = `,"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}],"tool_choice":"required"`
	reason := func(c *Config) { c.ReasoningTokens = ConstantCount(2) }
	const chatPath, compPath = "/v1/chat/completions", "/v1/completions"
	return []goldenCase{
		{name: "chat-stream", path: chatPath, body: chatBody(`,"stream":true`)},
		{name: "chat-stream-usage", path: chatPath, body: chatBody(`,"stream":true,"stream_options":{"include_usage":true}`)},
		{name: "chat-stream-continuous-alone", path: chatPath, body: chatBody(`,"stream":true,"stream_options":{"continuous_usage_stats":true}`)},
		{name: "chat-stream-length-n2-continuous", path: chatPath, body: chatBody(`,"stream":true,"n":2,"max_tokens":3,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`)},
		{name: "chat-stream-reasoning", path: chatPath, edit: reason, body: chatBody(`,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`)},
		{name: "chat-stream-tool", path: chatPath, body: chatBody(`,"stream":true` + tools)},
		{name: "chat-stream-multi", path: chatPath, body: chatBody(`,"stream":true,"stream_options":{"include_usage":true}`),
			edit: func(c *Config) { c.TokensPerStep = ConstantCount(4); c.OutputTokens = ConstantCount(10) }},
		{name: "chat-stream-error", path: chatPath, body: chatBody(`,"stream":true`), headers: []string{"X-Sim-Fault: error-event=3"}},
		{name: "chat-body", path: chatPath, edit: reason, body: chatBody(``)},
		{name: "chat-body-tool", path: chatPath, body: chatBody(tools)},
		{name: "completions-stream-batch-continuous", path: compPath, body: `{"model":"sim-model","prompt":["one","two of them"],"n":2,"max_tokens":2,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`},
		{name: "completions-stream", path: compPath, body: `{"model":"sim-model","prompt":[5,6,7],"stream":true}`},
		{name: "completions-body", path: compPath, body: `{"model":"sim-model","prompt":"once upon"}`},
		{name: "embeddings", path: "/v1/embeddings", body: `{"model":"sim-model","input":["one","two"]}`},
		{name: "error-model", path: chatPath, body: `{"model":"other","messages":[` + hello + `],"max_tokens":1}`},
		{name: "error-json", path: chatPath, body: `{"model":}`},
		{name: "error-stray-options", path: chatPath, body: chatBody(`,"max_tokens":1,"stream_options":{"include_usage":true}`)},
		{name: "error-status", path: chatPath, body: chatBody(`,"stream":true`), headers: []string{"X-Sim-Fault: status=429"}},
	}
}

// ownGoldenCases are endpoints and modes that not all dialects have.
func ownGoldenCases() map[string][]goldenCase {
	const tools = `,"tools":[{"type":"function","name":"look","function":{"name":"look","parameters":{"type":"object"}}}]`
	reason := func(c *Config) { c.ReasoningTokens = ConstantCount(2) }
	metrics := func(c *Config) { c.RequestMetrics = true }
	messages := []goldenCase{
		{name: "messages-stream", path: "/v1/messages", edit: reason, body: `{"max_tokens":50,"stream":true,` + say + `}`},
		{name: "messages-stream-tool", path: "/v1/messages", body: `{"max_tokens":50,"stream":true,"tool_choice":{"type":"any"},` + say + tools + `}`},
		{name: "messages-body", path: "/v1/messages", edit: reason, body: `{"max_tokens":50,` + say + `}`},
		{name: "messages-error", path: "/v1/messages", body: `{"max_tokens":50,"stream":true,` + say + `}`, headers: []string{"X-Sim-Fault: error-event=4"}},
	}
	responses := []goldenCase{
		{name: "responses-stream", path: "/v1/responses", edit: reason, body: `{"input":"Say hello","stream":true,"max_output_tokens":4}`},
		{name: "responses-stream-tool", path: "/v1/responses", body: `{"input":"Say hello","stream":true,"tool_choice":"required"` + tools + `}`},
		{name: "responses-body", path: "/v1/responses", edit: reason, body: `{"input":"Say hello"}`},
	}
	chat := []goldenCase{
		{name: "chat-stream-usage", path: "/v1/chat/completions", edit: reason, body: `{` + say + usage + `}`},
		{name: "chat-stream-tool", path: "/v1/chat/completions", body: `{"tool_choice":"required",` + say + streamed + tools + `}`},
		{name: "chat-body-tool", path: "/v1/chat/completions", body: `{"tool_choice":"required",` + say + tools + `}`},
		{name: "completions-stream-usage", path: "/v1/completions", body: `{"prompt":"x","max_tokens":3` + usage + `}`},
		{name: "error-status", path: "/v1/chat/completions", body: `{` + say + `}`, headers: []string{"X-Sim-Fault: status=503"}},
	}
	return map[string][]goldenCase{
		"vllm": slices.Concat(messages, responses, []goldenCase{
			{name: "generate-stream", path: "/inference/v1/generate", body: `{"token_ids":[4,5,6],"sampling_params":{"max_tokens":3}` + usage + `}`},
			{name: "chat-stream-forced", path: "/v1/chat/completions", edit: func(c *Config) { c.ForceUsage = true }, body: `{` + say + streamed + `}`},
			{name: "rerank", path: "/v1/rerank", body: `{"query":"q","documents":["one","two"]}`},
			{name: "chat-stream-metrics", path: "/v1/chat/completions", edit: metrics, body: chatBody(`,"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}`)},
			{name: "chat-stream-metrics-n2", path: "/v1/chat/completions", edit: metrics, body: chatBody(`,"n":2,"max_tokens":1,"stream":true,"stream_options":{"include_usage":true}`)},
			{name: "chat-body-metrics", path: "/v1/chat/completions", edit: metrics, body: chatBody(`,"max_tokens":2`)},
			{name: "responses-body-metrics", path: "/v1/responses", edit: metrics, body: `{"input":"Say hello","max_output_tokens":1}`},
		}),
		"sglang": slices.Concat(messages, responses, []goldenCase{
			{name: "generate-stream", path: "/generate", body: `{"text":"x","rid":"r-1","sampling_params":{"max_new_tokens":3},"return_logprob":true` + streamed + `}`},
			{name: "generate-stream-incremental", path: "/generate", edit: func(c *Config) { c.Incremental = true }, body: `{"text":["x","y"],"sampling_params":{"max_new_tokens":2}` + streamed + `}`},
			{name: "generate-error", path: "/generate", body: `{}`},
			{name: "generate-stream-metrics", path: "/generate", edit: metrics, body: `{"text":"x","sampling_params":{"max_new_tokens":2}` + streamed + `}`},
			{name: "chat-stream-forced", path: "/v1/chat/completions", edit: func(c *Config) { c.ForceUsage = true }, body: `{` + say + streamed + `}`},
			{name: "ollama-chat-stream", path: "/api/chat", body: `{` + say + `}`},
			{name: "ollama-chat-body", path: "/api/chat", body: `{"stream":false,` + say + `}`},
			{name: "rerank", path: "/v1/rerank", body: `{"query":"q","documents":["one","two"]}`},
		}),
		"llamacpp": slices.Concat(messages, responses, chat, []goldenCase{
			{name: "chat-stream-n2", path: "/v1/chat/completions", body: `{"n":2,"max_tokens":2,` + say + usage + `}`},
			{name: "completion-stream", path: "/completion", body: `{"prompt":"x","n_predict":2,"timings_per_token":true,"return_progress":true` + streamed + `}`},
			{name: "chat-stream-error", path: "/v1/chat/completions", body: `{` + say + streamed + `}`, headers: []string{"X-Sim-Fault: error-event=3"}},
			{name: "rerank", path: "/rerank", body: `{"query":"q","documents":["one","two"]}`},
			{name: "embedding", path: "/embedding", body: `{"content":"one"}`},
		}),
		"ollama": slices.Concat(messages, chat, []goldenCase{
			{name: "api-chat-stream", path: "/api/chat", edit: reason, body: `{"model":"sim-model",` + say + `}`},
			{name: "api-chat-stream-tool", path: "/api/chat", body: `{"tool_choice":"required",` + say + tools + `}`},
			{name: "api-chat-load", path: "/api/chat", body: `{"model":"sim-model"}`},
			{name: "api-generate-stream-logprobs", path: "/api/generate", body: `{"prompt":"x","logprobs":true,"options":{"num_predict":3}}`},
			{name: "api-generate-body", path: "/api/generate", body: `{"prompt":"x","stream":false}`},
			{name: "api-embed", path: "/api/embed", body: `{"input":["one"]}`},
			{name: "error-model", path: "/api/chat", body: `{"model":"other",` + say + `}`},
			{name: "error-path", path: "/api/nothing", body: `{}`},
		}),
		"tgi": slices.Concat(chat, []goldenCase{
			{name: "generate", path: "/generate", body: `{"inputs":"x","parameters":{"details":true}}`},
			{name: "generate-stream", path: "/generate_stream", body: `{"inputs":"x","parameters":{"details":true,"max_new_tokens":3}}`},
			{name: "generate-error", path: "/generate_stream", body: `{"inputs":"x"}`, headers: []string{"X-Sim-Fault: error-event=2"}},
			{name: "error-inputs", path: "/generate", body: `{}`},
		}),
	}
}

// TestGoldens holds every byte of each dialect's answers, the date excepted.
func TestGoldens(t *testing.T) {
	shared := map[string][]goldenCase{"vllm": goldenCases(), "sglang": goldenCases()}
	for dialect, own := range ownGoldenCases() {
		for _, c := range slices.Concat(shared[dialect], own) {
			t.Run(dialect+"/"+c.name, func(t *testing.T) {
				cfg := fast(dialect)
				cfg.ReportCached = true
				if c.edit != nil {
					c.edit(&cfg)
				}
				got := start(t, cfg).raw(t, c.path, c.body, c.headers...)
				got = dateLine.ReplaceAllString(got, "date: -")
				got = strings.ReplaceAll(got, "\r\n", "␍\n")
				file := filepath.Join("testdata", dialect, c.name+".txt")
				if *update {
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}
