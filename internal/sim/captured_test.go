package sim

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// skeleton is the JSON of an event with every string and number replaced by a
// stand-in: keys, their order and what is null remain.
func skeleton(t *testing.T, text string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var b strings.Builder
	var closers []json.Delim
	key := false
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		inObject := len(closers) > 0 && closers[len(closers)-1] == '}'
		switch v := tok.(type) {
		case json.Delim:
			b.WriteString(v.String())
			switch v {
			case '{':
				closers, key = append(closers, '}'), true
				continue
			case '[':
				closers = append(closers, ']')
				continue
			}
			closers = closers[:len(closers)-1]
			inObject = len(closers) > 0 && closers[len(closers)-1] == '}'
		case string:
			if key && inObject {
				b.WriteString(v + ":")
				key = false
				continue
			}
			b.WriteString("s")
		case nil:
			b.WriteString("null")
		default:
			b.WriteString("1")
		}
		b.WriteString(",")
		key = inObject
	}
	return b.String()
}

// shapes are the distinct skeletons of a stream's events (or of the one body), in
// order of first appearance.
func shapes(t *testing.T, lines []string) []string {
	t.Helper()
	var out []string
	for _, l := range lines {
		s := l
		if l != "[DONE]" {
			s = skeleton(t, l)
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// TestShapesAreVLLMs replays requests that were captured at a real vLLM and
// compares the shape of every kind of event, in order.
func TestShapesAreVLLMs(t *testing.T) {
	cases := []string{
		"chat-stream", "chat-stream-usage", "chat-stream-continuous", "chat-stream-continuous-alone", "chat-stream-empty-options",
		"chat-stream-n2", "chat-stream-n2-usage", "chat-stream-n2-continuous", "chat-stream-interval", "chat-stream-request-id",
		"chat-stream-one-token", "chat-nonstream", "chat-nonstream-n2", "cache-warm-nonstream",
		"completions-stream", "completions-stream-usage", "completions-stream-continuous", "completions-batch-stream",
		"completions-batch-continuous", "completions-nonstream", "completions-batch-nonstream",
		"error-400-max-tokens", "error-400-no-messages", "error-400-not-json", "error-400-stream-options", "error-400-too-long", "error-404-model",
	}
	cfg := fast("vllm")
	cfg.Model, cfg.MaxModelLen, cfg.ReportCached, cfg.OutputTokens = "tiny", 1024, true, ConstantCount(500)
	e := start(t, cfg)
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("..", "wire", "testdata", "vllm", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			request, response, ok := strings.Cut(string(raw), "-- response --\n")
			_, body, ok2 := strings.Cut(request, "-- request --\n")
			if !ok || !ok2 {
				t.Fatal("the capture has no request and response")
			}
			path := strings.Fields(body)[1]
			body = body[strings.Index(body, "\n{"):]
			want := payloads(response)
			_, answer, err := e.ask(t, path, strings.TrimSpace(body))
			if err != nil {
				t.Fatal(err)
			}
			w, g := shapes(t, want), shapes(t, payloads(answer))
			if len(w) == 0 || !slices.Equal(w, g) {
				t.Errorf("shapes differ\nreal: %s\n sim: %s", strings.Join(w, "\n      "), strings.Join(g, "\n      "))
			}
		})
	}
}

// payloads are the data lines of a stream, or the one JSON body.
func payloads(text string) []string {
	var out []string
	for line := range bytes.Lines([]byte(text)) {
		l := strings.TrimSpace(string(line))
		if data, ok := strings.CutPrefix(l, "data: "); ok {
			out = append(out, data)
		} else if strings.HasPrefix(l, "{") {
			out = append(out, l)
		}
	}
	return out
}
