package sim

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
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

// TestGoldens holds every byte of each dialect's answers, the date excepted.
func TestGoldens(t *testing.T) {
	for _, dialect := range []string{"vllm", "sglang"} {
		for _, c := range goldenCases() {
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
