package loadgen

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tokenomics/loadgen/dataset"
)

// Chat asks for one chat completion per dataset row: a Workload. It is a
// value; a run with another salt or first row is a changed copy.
type Chat struct {
	Model       string
	Dataset     *dataset.Dataset
	Order       Order // of Dataset's rows
	First       int   // request 0 takes row First of Order
	MaxTokens   int   // 0 leaves it to the engine
	Temperature float64
	Stream      bool // the request asks for usage at the end of the stream

	// CacheSalt keeps the engine's prefix cache from answering with what
	// requests of another salt left there (vLLM, SGLang); "" sends none.
	CacheSalt string
	// NoPromptCache sends cache_prompt:false, llama.cpp's way to the same end.
	NoPromptCache bool
}

// chatBody is the request as it is sent, keys in this order. No seed is sent:
// seeded sampling is a slower path of some engines, and would measure that.
type chatBody struct {
	Model         string         `json:"model"`
	Messages      []chatMessage  `json:"messages"`
	MaxTokens     int            `json:"max_tokens,omitempty"`
	Temperature   float64        `json:"temperature"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options,omitempty"`
	CacheSalt     string         `json:"cache_salt,omitempty"`
	CachePrompt   *bool          `json:"cache_prompt,omitempty"`
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// Request is request number i: row First+i of the order, as one user message.
func (c Chat) Request(i int) (Request, error) {
	row := c.Order.Row(c.First + i)
	b := chatBody{
		Model:     c.Model,
		Messages:  []chatMessage{{Role: "user", Content: c.Dataset.At(row).Text}},
		MaxTokens: c.MaxTokens, Temperature: c.Temperature, Stream: c.Stream, CacheSalt: c.CacheSalt,
	}
	if c.Stream {
		b.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if c.NoPromptCache {
		b.CachePrompt = new(bool)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // the prompt goes out as it is
	if err := enc.Encode(b); err != nil {
		return Request{}, fmt.Errorf("encoding request %d: %w", i, err)
	}
	return Request{
		Endpoint: "chat", Path: "/chat/completions", Stream: c.Stream,
		Body: bytes.TrimSuffix(out.Bytes(), []byte("\n")), Prompt: row,
	}, nil
}

var _ Workload = Chat{}
