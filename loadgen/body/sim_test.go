package body

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tokenomics/internal/sim"
	"tokenomics/loadgen/prompt"
)

// TestEnginesTakeIt asks every endpoint of every engine, with all that it may
// be asked for, and compares the engine's own books with what was meant: the
// tokens of the prompt, the length of the answer, the model, and that the salt
// keeps the prefix cache out where there is one.
func TestEnginesTakeIt(t *testing.T) {
	const words = 40
	text := strings.TrimSpace(strings.Repeat("word ", words)) // so many tokens
	said := prompt.Prompt{Text: text, MaxTokens: 9}
	ranked := prompt.Prompt{Text: text, Documents: []string{text, text, text}}
	drawn := prompt.Prompt{Text: text, MaxTokens: 9, Images: []prompt.Image{{MIME: "image/png", Data: []byte("png")}}}
	tests := []struct {
		dialect, engine, endpoint string
		prompt                    prompt.Prompt
		around                    int  // tokens around the text: the simulator's template
		salt                      bool // can be asked for
		forever                   bool // the end of the text can be ignored
	}{
		{"vllm", "vllm", "chat", said, 4, true, true},
		{"vllm", "vllm", "chat", drawn, 4, true, true},
		{"vllm", "vllm", "completions", said, 0, true, true},
		{"vllm", "vllm", "responses", said, 4, true, true},
		{"vllm", "vllm", "responses", drawn, 4, true, true},
		{"vllm", "vllm", "messages", said, 4, true, false},
		{"vllm", "vllm", "messages", drawn, 4, true, false},
		{"vllm", "vllm", "embeddings", said, 0, true, false},
		{"vllm", "vllm", "rerank", ranked, 0, true, false},
		{"sglang", "sglang", "chat", said, 4, true, true},
		{"sglang", "sglang", "completions", said, 0, true, true},
		{"sglang", "sglang", "responses", said, 4, true, false},
		{"sglang", "sglang", "messages", said, 4, false, false},
		{"sglang", "sglang", "embeddings", said, 0, true, false},
		{"sglang", "sglang", "rerank", ranked, 0, true, false},
		{"sglang", "sglang", "generate", said, 0, true, true},
		{"sglang", "sglang", "generate", drawn, 0, true, true},
		{"llamacpp", "llama_cpp", "chat", said, 4, false, true},
		{"llamacpp", "llama_cpp", "completions", said, 0, false, true},
		{"llamacpp", "llama_cpp", "responses", said, 4, false, true},
		{"llamacpp", "llama_cpp", "messages", said, 4, false, true},
		{"llamacpp", "llama_cpp", "embeddings", said, 0, false, false},
		{"llamacpp", "llama_cpp", "rerank", ranked, 0, false, false},
		{"ollama", "ollama", "chat", said, 4, false, false},
		{"ollama", "ollama", "completions", said, 0, false, false},
		{"ollama", "ollama", "ollama-chat", said, 4, false, false},
		{"ollama", "ollama", "ollama-chat", drawn, 4, false, false},
		{"ollama", "ollama", "ollama-generate", said, 0, false, false},
		{"ollama", "ollama", "embeddings", said, 0, false, false},
	}
	for _, tt := range tests {
		for _, stream := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s %s %d images stream %v", tt.dialect, tt.endpoint, len(tt.prompt.Images), stream), func(t *testing.T) {
				// Answers end at once, or are as long as they may be.
				cfg := sim.Config{Dialect: tt.dialect, Model: "m", OutputTokens: sim.ConstantCount(3)}
				base, stop := simulated(t, cfg)
				a := Asking{Endpoint: tt.endpoint, Model: "m", Engine: tt.engine, Stream: stream, Temperature: new(float64), IgnoreEOS: tt.forever}
				post(t, base, a, tt.prompt)
				post(t, base, a, tt.prompt)
				if a.TakesSalt() != tt.salt {
					t.Errorf("a salt is said to be taken: %v", a.TakesSalt())
				}
				if tt.salt {
					a.CacheSalt = "pepper"
				}
				post(t, base, a, tt.prompt)
				check(t, stop(), a, tt.prompt, words, tt.around)
			})
		}
	}
}

// check compares three equal requests with what the engine knows of them: the
// second may find the first in the cache, the third does unless it has a salt.
func check(t *testing.T, lines []truthLine, a Asking, p prompt.Prompt, words, around int) {
	t.Helper()
	if len(lines) != 3 {
		t.Fatalf("the engine saw %d requests", len(lines))
	}
	said, completion, model := words+around, 3, "m"
	if a.Endpoint == "generate" {
		model = "" // it is not told
	}
	if a.IgnoreEOS {
		completion = p.MaxTokens
	}
	if n := len(p.Documents); n > 0 {
		said = n * (2*words + 1) // query, a line's end, and document
	}
	if len(p.Documents) > 0 || a.Endpoint == "embeddings" {
		completion = 0
	}
	for i, l := range lines {
		// A template's end of line may be a token of its own.
		if l.Status != 200 || l.Model != model || l.CompletionTokens != completion || l.PromptTokens < said || l.PromptTokens > said+around/2 {
			t.Errorf("request %d: %+v, want %d tokens in and %d out", i, l, said, completion)
		}
	}
	if a.CacheSalt != "" && lines[2].CachedTokens > 0 {
		t.Errorf("in spite of the salt %d tokens were cached", lines[2].CachedTokens)
	}
	if a.CacheSalt != "" && completion > 0 && lines[1].CachedTokens == 0 {
		t.Error("the cache did not answer without a salt: it proves nothing")
	}
}

// post sends one request and reads all of its answer.
func post(t *testing.T, base string, a Asking, p prompt.Prompt) {
	t.Helper()
	r, err := a.Request(p)
	if err != nil {
		t.Fatal(err)
	}
	if r.Root {
		base = strings.TrimSuffix(base, "/v1")
	}
	resp, err := http.Post(base+r.Path, "application/json", bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s answers %s: %s, %v", r.Path, resp.Status, answer, err)
	}
	kind := resp.Header.Get("Content-Type")
	if streamed := strings.Contains(kind, "event-stream") || strings.Contains(kind, "ndjson"); streamed != r.Stream {
		t.Errorf("a stream was asked for: %v, it is %s", r.Stream, kind)
	}
	if usage := bytes.Contains(answer, []byte(`"usage":{`)); r.Stream && !usage && (a.Endpoint == "chat" || a.Endpoint == "completions") {
		t.Errorf("the stream ends without usage: %s", answer)
	}
}

// truthLine is what the simulator knows of one request.
type truthLine struct {
	Model            string `json:"model"`
	Status           int    `json:"status"`
	PromptTokens     int    `json:"prompt_tokens"`
	CachedTokens     int    `json:"cached_tokens"`
	CompletionTokens int    `json:"completion_tokens"`
}

// simulated starts an engine; stop ends it and returns its truth.
func simulated(t *testing.T, cfg sim.Config) (base string, stop func() []truthLine) {
	t.Helper()
	var truth bytes.Buffer
	cfg.Truth, cfg.TTFT, cfg.ITL = &truth, sim.ConstantDuration(0), sim.ConstantDuration(0)
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	return "http://" + ln.Addr().String() + "/v1", func() (lines []truthLine) {
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Fatal(err)
		}
		for text := range strings.Lines(truth.String()) {
			var l truthLine
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
		return lines
	}
}
