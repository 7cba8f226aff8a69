package sim

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
			s = ids.ReplaceAllString(freely.ReplaceAllString(skeleton(t, l), ""), "[1,]")
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// TestShapesAreTheEngines replays requests that were captured at real engines and
// compares the head and the shape of every kind of event, in order.
func TestShapesAreTheEngines(t *testing.T) {
	for engine, cases := range map[string][]string{
		"vllm": {
			"chat-stream", "chat-stream-usage", "chat-stream-continuous", "chat-stream-continuous-alone", "chat-stream-empty-options",
			"chat-stream-n2", "chat-stream-n2-usage", "chat-stream-n2-continuous", "chat-stream-interval", "chat-stream-request-id",
			"chat-stream-one-token", "chat-stream-token-ids", "chat-nonstream", "chat-nonstream-n2", "cache-warm-nonstream",
			"completions-stream", "completions-stream-usage", "completions-stream-continuous", "completions-stream-echo", "completions-batch-stream",
			"completions-batch-continuous", "completions-nonstream", "completions-batch-nonstream", "responses-stream", "messages-stream",
			"embeddings-bytes", "models", "version",
			"error-400-max-tokens", "error-400-no-messages", "error-400-not-json", "error-400-stream-options", "error-400-too-long", "error-404-model", "error-404-path",
		},
		"llamacpp": {
			"chat-nonstream", "chat-stream", "chat-stream-n2", "chat-stream-progress", "chat-stream-timings", "chat-stream-usage",
			"completions-nonstream", "completions-stream", "native-stream", "error-400", "error-404-path",
		},
	} {
		cfg := fast(engine)
		cfg.Model, cfg.MaxModelLen, cfg.ReportCached, cfg.OutputTokens = "tiny", 1024, true, ConstantCount(500)
		e := start(t, cfg)
		for _, name := range cases {
			t.Run(engine+"/"+name, func(t *testing.T) { replay(t, e, engine, name) })
		}
	}
}

// TestShapesOfMetrics is the same of a vLLM that tells usage unasked and the times
// of each request.
func TestShapesOfMetrics(t *testing.T) {
	cfg := fast("vllm")
	cfg.Model, cfg.MaxModelLen, cfg.ReportCached, cfg.OutputTokens = "tiny", 1024, true, ConstantCount(500)
	cfg.ForceUsage, cfg.RequestMetrics = true, true
	e := start(t, cfg)
	for _, name := range []string{"forced-chat-stream", "forced-chat-nonstream", "forced-chat-nonstream-n2", "forced-completions-stream", "forced-responses-stream"} {
		t.Run(name, func(t *testing.T) { replay(t, e, "vllm", name) })
	}
}

// ids are lists of them, as long as they may be.
var ids = regexp.MustCompile(`\[(1,)+\]`)

// TestWritesAreLlamaCpps: what leaves in one chunk there leaves in one here.
func TestWritesAreLlamaCpps(t *testing.T) {
	cfg := fast("llamacpp")
	cfg.Model, cfg.OutputTokens = "tiny", ConstantCount(500)
	e := start(t, cfg)
	for _, name := range []string{"chat-stream", "chat-stream-usage", "chat-stream-timings", "chat-stream-progress", "completions-stream", "native-stream"} {
		method, path, body, response := captured(t, "llamacpp", name)
		if w, g := chunked(t, response), chunked(t, e.request(t, method, path, body)); !slices.Equal(w, g) {
			t.Errorf("%s: events in each chunk\nreal: %v\n sim: %v", name, w, g)
		}
	}
}

// chunked is how many events are in each chunk of an answer.
func chunked(t *testing.T, answer string) (events []int) {
	t.Helper()
	answer, _, _ = strings.Cut(answer, "\n-- reads --\n")
	_, body, _ := strings.Cut(answer, "\r\n\r\n")
	for {
		size, rest, ok := strings.Cut(body, "\r\n")
		n, err := strconv.ParseInt(size, 16, 32)
		if !ok || err != nil || int(n) > len(rest) {
			t.Fatalf("no chunk begins %.40q", body)
		}
		if n == 0 {
			return events
		}
		events = append(events, strings.Count(rest[:n], "\n\n"))
		body = rest[n+2:]
	}
}

// captured reads a captured exchange.
func captured(t *testing.T, engine, name string) (method, path, body, response string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "wire", "testdata", engine, name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	request, response, ok := strings.Cut(string(raw), "-- response --\n")
	_, request, ok2 := strings.Cut(request, "-- request --\n")
	if !ok || !ok2 {
		t.Fatal("the capture has no request and response")
	}
	line, rest, _ := strings.Cut(request, "\n")
	_, body, _ = strings.Cut(strings.ReplaceAll(rest, "\r\n", "\n"), "\n\n")
	words := strings.Fields(line)
	return words[0], words[1], strings.TrimSpace(body), response
}

// freely has what differs between any two servers of one engine: what the
// simulator adds, what each says of its model and its settings.
var freely = regexp.MustCompile(`simulated:1,|generation_settings:\{.*?\},prompt`)

func replay(t *testing.T, e *engine, engine, name string) {
	t.Helper()
	method, path, body, response := captured(t, engine, name)
	answer := e.request(t, method, path, body)
	if w, g := headShape(response), headShape(answer); !slices.Equal(w, g) {
		t.Errorf("heads differ\nreal: %q\n sim: %q", w, g)
	}
	w, g := shapes(t, payloads(response)), shapes(t, payloads(answer))
	if len(payloads(response)) > 0 && !slices.Equal(w, g) {
		t.Errorf("shapes differ\nreal: %s\n sim: %s", strings.Join(w, "\n      "), strings.Join(g, "\n      "))
	}
}

// headShape is the status line and the names of the lines of a head, with the
// values that tell an engine; what the simulator adds is left out.
func headShape(answer string) (lines []string) {
	head, _, _ := strings.Cut(strings.ReplaceAll(answer, "\r\n", "\n"), "\n\n")
	for line := range strings.SplitSeq(head, "\n") {
		name, value, ok := strings.Cut(line, ": ")
		switch strings.ToLower(name) {
		case "x-simulated-by":
			continue
		case "date", "content-length", "metadata":
			value = "-"
		}
		if ok {
			line = name + ": " + value
		}
		lines = append(lines, line)
	}
	return lines
}

// payloads are the data lines of a stream, or the one JSON body.
func payloads(text string) []string {
	var out []string
	for line := range bytes.Lines([]byte(text)) {
		l := strings.TrimSpace(string(line))
		if data, ok := strings.CutPrefix(l, "data: "); ok {
			out = append(out, data)
		} else if strings.HasPrefix(l, "{") || strings.HasPrefix(l, "[") {
			out = append(out, l)
		}
	}
	return out
}
