package tokenizer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ErrNone marks that a server has no way to count tokens. Another source is
// needed: a tokenizer.json, or Calibration.
var ErrNone = errors.New("the server counts no tokens for others")

// maxAnswer bounds one answer of /tokenize: it lists every token of a text.
const maxAnswer = 64 << 20

// Engine asks the engine itself, at its /tokenize.
type Engine struct {
	// Root is the server's address without the API's /v1, such as
	// http://localhost:8000.
	Root string
	// Name is whose engine it is: "vllm", "sglang" or "llama_cpp". With any
	// other, Count fails with ErrNone.
	Name string
	// Model is named to engines that serve several; "" names none.
	Model string
	// APIKey is sent as a bearer token; "" sends none.
	APIKey string
	// Client sends the requests, and bounds how long each may take. nil means
	// http.DefaultClient, which waits for ever.
	Client *http.Client
}

// Count is the number of tokens of text, as the engine says.
func (e Engine) Count(ctx context.Context, text string) (int, error) {
	ask, err := e.question(text)
	if err != nil {
		return 0, err
	}
	n, err := e.ask(ctx, ask)
	if err != nil {
		return 0, fmt.Errorf("counting tokens at %s/tokenize: %w", e.Root, err)
	}
	return n, nil
}

// question is the request's body. Each engine has its own word for leaving out
// what it would put in front of a prompt.
func (e Engine) question(text string) (any, error) {
	switch e.Name {
	case "vllm", "sglang":
		return struct {
			Model   string `json:"model,omitempty"`
			Prompt  string `json:"prompt"`
			Special bool   `json:"add_special_tokens"`
		}{Model: e.Model, Prompt: text}, nil
	case "llama_cpp":
		return struct {
			Content string `json:"content"`
			Special bool   `json:"add_special"`
		}{Content: text}, nil
	default:
		return nil, fmt.Errorf("counting tokens at %s: %w", e.Root, ErrNone)
	}
}

func (e Engine) ask(ctx context.Context, question any) (int, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(e.Root, "/")+"/tokenize", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	// It may be sent again when the server has just closed the connection: they
	// close idle ones after seconds. The key says so, and without values is not sent.
	req.Header["Idempotency-Key"] = nil
	if e.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+e.APIKey)
	}
	client := e.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() // read to its end or given up
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, err
	case len(answer) > maxAnswer:
		return 0, fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusMethodNotAllowed:
		return 0, fmt.Errorf("%w: it answers %s", ErrNone, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("it answers %s: %.200s", resp.Status, answer)
	}
	return readCount(answer)
}

// readCount reads vLLM's and SGLang's count, and counts llama.cpp's tokens.
func readCount(answer []byte) (int, error) {
	var got struct {
		Count  *int              `json:"count"`
		Tokens []json.RawMessage `json:"tokens"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	switch {
	case got.Count != nil:
		return *got.Count, nil
	case got.Tokens != nil:
		return len(got.Tokens), nil
	default:
		return 0, fmt.Errorf("the answer has neither count nor tokens: %.200s", answer)
	}
}
