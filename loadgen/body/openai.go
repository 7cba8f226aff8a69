package body

import (
	"fmt"

	"tokenomics/loadgen/prompt"
)

// chatBody is the request as it is sent, keys in this order.
type chatBody struct {
	Model         string         `json:"model"`
	Messages      []turn         `json:"messages"`
	MaxTokens     int            `json:"max_tokens,omitempty"`
	Temperature   *float64       `json:"temperature,omitempty"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options,omitempty"`
	options
}

// turn is a message whose content is a text, or parts.
type turn struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// usage asks for usage at the end of a stream.
func (a Asking) usage() *streamOptions {
	if !a.Stream {
		return nil
	}
	return &streamOptions{IncludeUsage: true}
}

func chat(a Asking, p prompt.Prompt) (any, error) {
	return chatBody{
		Model: a.Model, Messages: turns(p, chatContent),
		MaxTokens: a.MaxTokens, Temperature: a.Temperature, Stream: a.Stream, StreamOptions: a.usage(), options: a.options(),
	}, nil
}

// content is what a message says: a text, or with images parts, the text and
// then they.
type content func(text string, images []prompt.Image) any

// turns are the conversation so far and what is now said.
func turns(p prompt.Prompt, say content) []turn {
	list := make([]turn, 0, len(p.History)+1)
	for _, m := range p.History {
		list = append(list, turn{m.Role, say(m.Content, m.Images)})
	}
	return append(list, turn{"user", say(p.Text, p.Images)})
}

type chatPart struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	ImageURL *imageURL `json:"image_url,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

func chatContent(text string, images []prompt.Image) any {
	if len(images) == 0 {
		return text
	}
	parts := []chatPart{{Type: "text", Text: text}}
	for _, img := range images {
		parts = append(parts, chatPart{Type: "image_url", ImageURL: &imageURL{addressOf(img)}})
	}
	return parts
}

type completionsBody struct {
	Model         string         `json:"model"`
	Prompt        string         `json:"prompt"`
	MaxTokens     int            `json:"max_tokens,omitempty"`
	Temperature   *float64       `json:"temperature,omitempty"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options,omitempty"`
	options
}

func completions(a Asking, p prompt.Prompt) (any, error) {
	return completionsBody{
		Model: a.Model, Prompt: p.Text,
		MaxTokens: a.MaxTokens, Temperature: a.Temperature, Stream: a.Stream, StreamOptions: a.usage(), options: a.options(),
	}, alone(p)
}

type responsesBody struct {
	Model           string   `json:"model"`
	Input           any      `json:"input"` // a text, or turns
	MaxOutputTokens int      `json:"max_output_tokens,omitempty"`
	Temperature     *float64 `json:"temperature,omitempty"`
	Stream          bool     `json:"stream"`
	Store           *bool    `json:"store,omitempty"`
	options
}

// responses asks that the answer is not stored: a run would fill those engines
// that do, and the others pass over it.
func responses(a Asking, p prompt.Prompt) (any, error) {
	b := responsesBody{
		Model: a.Model, Input: p.Text,
		MaxOutputTokens: a.MaxTokens, Temperature: a.Temperature, Stream: a.Stream, Store: new(bool), options: a.options(),
	}
	if len(p.History) > 0 || len(p.Images) > 0 {
		b.Input = turns(p, responsesContent)
	}
	return b, nil
}

type responsesPart struct {
	Type     string `json:"type"`
	Text     string `json:"text,omitempty"`
	ImageURL string `json:"image_url,omitempty"`
}

func responsesContent(text string, images []prompt.Image) any {
	if len(images) == 0 {
		return text
	}
	parts := []responsesPart{{Type: "input_text", Text: text}}
	for _, img := range images {
		parts = append(parts, responsesPart{Type: "input_image", ImageURL: addressOf(img)})
	}
	return parts
}

type embeddingsBody struct {
	Model string `json:"model"`
	Input string `json:"input"`
	Salt  string `json:"cache_salt,omitempty"`
}

func embeddings(a Asking, p prompt.Prompt) (any, error) {
	return embeddingsBody{a.Model, p.Text, a.CacheSalt}, alone(p)
}

type rerankBody struct {
	Model     string   `json:"model"`
	Query     string   `json:"query"`
	Documents []string `json:"documents"`
	Salt      string   `json:"cache_salt,omitempty"`
}

func rerank(a Asking, p prompt.Prompt) (any, error) {
	if len(p.Documents) == 0 {
		return nil, fmt.Errorf("the prompt has no documents to rank")
	}
	return rerankBody{a.Model, p.Text, p.Documents, a.CacheSalt}, alone(p)
}
