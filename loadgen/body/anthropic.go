package body

import (
	"encoding/base64"
	"errors"
	"strings"

	"tokenomics/loadgen/prompt"
)

type messagesBody struct {
	Model       string   `json:"model"`
	MaxTokens   int      `json:"max_tokens"`
	System      string   `json:"system,omitempty"`
	Messages    []turn   `json:"messages"`
	Temperature *float64 `json:"temperature,omitempty"`
	Stream      bool     `json:"stream"`
	options
}

// messages asks in Anthropic's way: the length of the answer has to be given,
// and what the system says is no turn.
func messages(a Asking, p prompt.Prompt) (any, error) {
	if a.MaxTokens == 0 {
		return nil, errors.New("it needs to be told how long the answer may be: give --max-tokens")
	}
	var system []string
	var said []prompt.Message
	for _, m := range p.History {
		if m.Role == "system" {
			system = append(system, m.Content)
		} else {
			said = append(said, m)
		}
	}
	p.History = said
	return messagesBody{
		Model: a.Model, MaxTokens: a.MaxTokens, System: strings.Join(system, "\n\n"), Messages: turns(p, messagesContent),
		Temperature: a.Temperature, Stream: a.Stream, options: a.options(),
	}, nil
}

type messagesPart struct {
	Type   string       `json:"type"`
	Text   string       `json:"text,omitempty"`
	Source *imageSource `json:"source,omitempty"`
}

type imageSource struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
	URL       string `json:"url,omitempty"`
}

func messagesContent(text string, images []prompt.Image) any {
	if len(images) == 0 {
		return text
	}
	parts := []messagesPart{{Type: "text", Text: text}}
	for _, img := range images {
		source := imageSource{Type: "url", URL: img.URL}
		if len(img.Data) > 0 {
			source = imageSource{Type: "base64", MediaType: img.MIME, Data: base64.StdEncoding.EncodeToString(img.Data)}
		}
		parts = append(parts, messagesPart{Type: "image", Source: &source})
	}
	return parts
}
