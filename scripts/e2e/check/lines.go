package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// line is what is compared of a Record on disk.
type line struct {
	RequestID        string   `json:"request_id"`
	Endpoint         string   `json:"endpoint"`
	Path             string   `json:"path"`
	Model            string   `json:"model"`
	ResponseModel    string   `json:"response_model"`
	Status           int      `json:"status"`
	Outcome          string   `json:"outcome"`
	Error            string   `json:"error"`
	FinishReasons    []string `json:"finish_reasons"`
	PromptTokens     *int64   `json:"prompt_tokens"`
	CachedTokens     *int64   `json:"cached_tokens"`
	CompletionTokens *int64   `json:"completion_tokens"`
	TokenSource      string   `json:"token_source"`
	ResponseBytes    int64    `json:"response_bytes"`
	TTFT             *float64 `json:"ttft_ms"`
	Stream           bool     `json:"stream"`
	TraceID          string   `json:"trace_id"`
	SpanID           string   `json:"span_id"`
}

// tokens are counts that several places tell of the same requests.
type tokens struct{ prompt, completion int64 }

func (t tokens) String() string {
	return fmt.Sprintf("%d prompt and %d completion tokens", t.prompt, t.completion)
}

// or0 is for sums only: there an absent count adds nothing.
func or0(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func (l *line) tokens() tokens { return tokens{or0(l.PromptTokens), or0(l.CompletionTokens)} }

// exact says whether the engine told the counts.
func (l *line) exact() bool {
	return l.PromptTokens != nil && l.CompletionTokens != nil &&
		l.TokenSource != "" && l.TokenSource != "none" && l.TokenSource != "events"
}

func sumOf(lines []line) (t tokens) {
	for i := range lines {
		t.prompt += or0(lines[i].PromptTokens)
		t.completion += or0(lines[i].CompletionTokens)
	}
	return t
}

// readLines reads JSON lines; a last line that is still being written is left out.
func readLines(path string) ([]line, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []line
	for n := 1; ; n++ {
		one, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return lines, nil
		}
		var l line
		if err := json.Unmarshal(one, &l); err != nil {
			return nil, fmt.Errorf("reading line %d of %s: %w", n, path, err)
		}
		lines, b = append(lines, l), rest
	}
}

// recordOf is the one Record of a request.
func recordOf(path, id string) (*line, error) {
	lines, err := readLines(path)
	if err != nil {
		return nil, err
	}
	var found *line
	for i := range lines {
		if lines[i].RequestID != id {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s has two records of request %s", path, id)
		}
		found = &lines[i]
	}
	if found == nil {
		return nil, fmt.Errorf("%s has no record of request %s, of %d", path, id, len(lines))
	}
	return found, nil
}
