package body

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tokenomics/loadgen/prompt"
)

// Asking is what the requests of a run have in common. It is a value: a run
// with another salt is a changed copy.
type Asking struct {
	Endpoint string // one of Endpoints
	Model    string
	// Engine is whose engine it is: "vllm", "sglang", "llama_cpp", "ollama". ""
	// when not known: words that several engines share are used.
	Engine string
	// Stream asks for the answer as it is made, and for usage at its end where
	// that has to be asked for. Endpoints that make no tokens do not stream.
	Stream    bool
	MaxTokens int // where the prompt says none; 0 leaves it to the engine
	// MinTokens is how long answers are at least (vLLM, SGLang); 0 sends none.
	// IgnoreEOS needs none: it is a slower path of some engines.
	MinTokens   int
	Temperature *float64 // nil leaves it to the engine
	N           int      // answers to each prompt; 0 sends none
	IgnoreEOS   bool     // answers go on until they are as long as they may be
	// CacheSalt keeps the engine's prefix cache from answering with what
	// requests of another salt left there (vLLM, SGLang); "" sends none.
	CacheSalt string
	// NoPromptCache sends cache_prompt:false, llama.cpp's way to the same end.
	NoPromptCache bool
	// Extra is a JSON object that is merged into the body last, member by
	// member, as a JSON merge patch (RFC 7396): null takes a member away. nil
	// changes nothing.
	Extra json.RawMessage
}

// Request is a request as it goes out.
type Request struct {
	// Path is where it is posted to: relative to the API base, or, with Root,
	// to the server's root, which the base's /v1 is not part of.
	Path   string
	Root   bool
	Stream bool // the answer is a stream
	Body   []byte
}

// writer makes the body of one endpoint, to be encoded as JSON.
type writer func(a Asking, p prompt.Prompt) (any, error)

// endpoint is one way to ask.
type endpoint struct {
	name   string
	path   string
	root   bool
	stream bool // it can
	write  writer
}

func endpoints() []endpoint {
	return []endpoint{
		{"chat", "/chat/completions", false, true, chat},
		{"completions", "/completions", false, true, completions},
		{"responses", "/responses", false, true, responses},
		{"messages", "/messages", false, true, messages},
		{"embeddings", "/embeddings", false, false, embeddings},
		{"rerank", "/rerank", false, false, rerank},
		{"generate", "/generate", true, true, generate}, // SGLang's own
		{"ollama-chat", "/api/chat", true, true, ollamaChat},
		{"ollama-generate", "/api/generate", true, true, ollamaGenerate},
	}
}

// Endpoints are the names of what can be asked for, for the help.
func Endpoints() (names []string) {
	for _, e := range endpoints() {
		names = append(names, e.name)
	}
	return names
}

// EndpointAt is the name of what is asked for at a path of a server, such as
// /v1/completions.
func EndpointAt(path string) (name string, ok bool) {
	for _, e := range endpoints() {
		if e.root && path == e.path || !e.root && path == "/v1"+e.path {
			return e.name, true
		}
	}
	return "", false
}

func (a Asking) endpoint() (endpoint, error) {
	all := endpoints()
	i := slices.IndexFunc(all, func(e endpoint) bool { return e.name == a.Endpoint })
	if i < 0 {
		return endpoint{}, fmt.Errorf("unknown endpoint %q: known ones are %s", a.Endpoint, strings.Join(Endpoints(), ", "))
	}
	return all[i], nil
}

// Request asks for an answer to p. It is a pure function of both, and changes
// neither. What the endpoint cannot ask for is an error, not left out.
func (a Asking) Request(p prompt.Prompt) (Request, error) {
	e, err := a.endpoint()
	if err != nil {
		return Request{}, err
	}
	a.Stream = a.Stream && e.stream
	if p.MaxTokens > 0 {
		a.MaxTokens = p.MaxTokens
	}
	body, err := a.body(e, p)
	if err != nil {
		return Request{}, fmt.Errorf("asking %s for %s: %w", cmp.Or(a.Engine, "the engine"), a.Endpoint, err)
	}
	return Request{Path: e.path, Root: e.root, Stream: a.Stream, Body: body}, nil
}

func (a Asking) body(e endpoint, p prompt.Prompt) ([]byte, error) {
	if err := a.refused(); err != nil {
		return nil, err
	}
	if err := a.nameAdapter(&p); err != nil {
		return nil, err
	}
	content, err := e.write(a, p)
	if err != nil {
		return nil, err
	}
	out, err := encode(content)
	if err != nil || len(a.Extra) == 0 {
		return out, err
	}
	return merged(out, a.Extra)
}

// nameAdapter leaves an adapter's name the way the engine wants the model
// called, but for SGLang's own endpoint, which has a field for it.
func (a *Asking) nameAdapter(p *prompt.Prompt) error {
	switch {
	case p.Adapter == "" || a.Endpoint == "generate":
	case a.Engine == "llama_cpp":
		return fmt.Errorf("llama.cpp knows its adapters by numbers, not %q: choose them with --extra-body '{\"lora\":[{\"id\":0,\"scale\":1}]}'", p.Adapter)
	case a.Engine == "sglang":
		a.Model += ":" + p.Adapter
	default: // vLLM, and Ollama, where it is a model as any other
		a.Model = p.Adapter
	}
	return nil
}

// options are what generating requests of the OpenAI kind have in common, at
// their end. No seed is sent: seeded sampling is a slower path of some engines,
// and would measure that.
type options struct {
	N           int    `json:"n,omitempty"`
	IgnoreEOS   bool   `json:"ignore_eos,omitempty"`
	MinTokens   int    `json:"min_tokens,omitempty"`
	CacheSalt   string `json:"cache_salt,omitempty"`
	CachePrompt *bool  `json:"cache_prompt,omitempty"`
}

func (a Asking) options() options {
	o := options{N: a.N, IgnoreEOS: a.IgnoreEOS, MinTokens: a.MinTokens, CacheSalt: a.CacheSalt}
	if a.NoPromptCache {
		o.CachePrompt = new(bool)
	}
	return o
}

// alone fails for what a request that is one text cannot carry.
func alone(p prompt.Prompt) error {
	switch {
	case len(p.Images) > 0:
		return fmt.Errorf("it takes no images: use chat, responses or messages")
	case len(p.History) > 0:
		return fmt.Errorf("it takes no turns of a conversation: use chat, responses or messages")
	}
	return nil
}
