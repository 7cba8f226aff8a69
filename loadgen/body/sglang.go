package body

import "tokenomics/loadgen/prompt"

type generateBody struct {
	Text     string         `json:"text"`
	Images   []string       `json:"image_data,omitempty"`
	Sampling samplingParams `json:"sampling_params"`
	Stream   bool           `json:"stream"`
	Adapter  string         `json:"lora_path,omitempty"`
	ExtraKey string         `json:"extra_key,omitempty"` // of the cache: what cache_salt is elsewhere
}

type samplingParams struct {
	MaxNewTokens int      `json:"max_new_tokens,omitempty"`
	MinNewTokens int      `json:"min_new_tokens,omitempty"`
	Temperature  *float64 `json:"temperature,omitempty"`
	N            int      `json:"n,omitempty"`
	IgnoreEOS    bool     `json:"ignore_eos,omitempty"`
}

// generate asks SGLang's own endpoint, which serves one model and is not told
// which.
func generate(a Asking, p prompt.Prompt) (any, error) {
	b := generateBody{
		Text: p.Text, Stream: a.Stream, Adapter: p.Adapter, ExtraKey: a.CacheSalt,
		Sampling: samplingParams{MaxNewTokens: a.MaxTokens, MinNewTokens: a.MinTokens, Temperature: a.Temperature, N: a.N, IgnoreEOS: a.IgnoreEOS},
	}
	for _, img := range p.Images {
		b.Images = append(b.Images, addressOf(img))
	}
	p.Images = nil
	return b, alone(p)
}
