package body

import (
	"slices"

	"tokenomics/loadgen/prompt"
)

type ollamaChatBody struct {
	Model    string         `json:"model"`
	Messages []ollamaTurn   `json:"messages"`
	Stream   bool           `json:"stream"` // always told: without it there is a stream
	Options  *ollamaOptions `json:"options,omitempty"`
}

type ollamaTurn struct {
	Role    string   `json:"role"`
	Content string   `json:"content"`
	Images  []string `json:"images,omitempty"`
}

type ollamaOptions struct {
	NumPredict  int      `json:"num_predict,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
}

// ollamaOptions are nil where the engine's own are to be used.
func (a Asking) ollamaOptions() *ollamaOptions {
	if a.MaxTokens == 0 && a.Temperature == nil {
		return nil
	}
	return &ollamaOptions{NumPredict: a.MaxTokens, Temperature: a.Temperature}
}

func ollamaChat(a Asking, p prompt.Prompt) (any, error) {
	b := ollamaChatBody{Model: a.Model, Stream: a.Stream, Options: a.ollamaOptions()}
	for _, m := range append(slices.Clip(p.History), prompt.Message{Role: "user", Content: p.Text, Images: p.Images}) {
		images, err := allData(m.Images)
		if err != nil {
			return nil, err
		}
		b.Messages = append(b.Messages, ollamaTurn{m.Role, m.Content, images})
	}
	return b, nil
}

type ollamaGenerateBody struct {
	Model   string         `json:"model"`
	Prompt  string         `json:"prompt"`
	Images  []string       `json:"images,omitempty"`
	Stream  bool           `json:"stream"`
	Options *ollamaOptions `json:"options,omitempty"`
}

func ollamaGenerate(a Asking, p prompt.Prompt) (any, error) {
	images, err := allData(p.Images)
	if err != nil {
		return nil, err
	}
	p.Images = nil
	return ollamaGenerateBody{Model: a.Model, Prompt: p.Text, Images: images, Stream: a.Stream, Options: a.ollamaOptions()}, alone(p)
}
