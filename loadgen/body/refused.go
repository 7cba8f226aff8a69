package body

import (
	"fmt"
	"slices"
	"strings"
)

// wish is something that not every engine does.
type wish struct {
	name   string
	wanted bool
}

// refused fails for what the engine would pass over in silence: a run must not
// say that it asked for what was not done.
func (a Asking) refused() error {
	for _, w := range a.unheeded() {
		if w.wanted {
			return fmt.Errorf("this takes no %s: leave it out", w.name)
		}
	}
	return nil
}

// unheeded are the wishes that the engine does not heed at this endpoint.
func (a Asking) unheeded() []wish {
	salt := wish{"cache_salt", a.CacheSalt != "" && !a.TakesSalt()}
	several, forever, least := wish{"n", a.N > 1}, wish{"ignore_eos", a.IgnoreEOS}, wish{"min_tokens", a.MinTokens > 0}
	noCache := wish{"cache_prompt", a.NoPromptCache}
	none := []wish{salt}
	switch a.Endpoint {
	case "embeddings", "rerank":
		return none // nothing is generated, and what is about that is not sent
	case "responses", "messages":
		none = append(none, several)
		if a.Engine == "vllm" || a.Engine == "sglang" {
			none = append(none, least)
		}
		// Of the four only vLLM's Responses have the field (in 0.32).
		if a.Engine == "sglang" || a.Engine == "vllm" && a.Endpoint == "messages" {
			none = append(none, forever)
		}
	}
	switch {
	case a.ollama():
		none = append(none, several, forever, least, noCache)
	case a.Engine == "llama_cpp":
		none = append(none, least)
	case a.Engine == "vllm", a.Engine == "sglang", a.Endpoint == "generate":
		none = append(none, noCache)
	}
	return none
}

// TakesIgnoreEOS says whether the engine is known to heed IgnoreEOS at this
// endpoint.
func (a Asking) TakesIgnoreEOS() bool {
	if !slices.Contains(eosIgnorers, a.Engine) {
		return false
	}
	a.IgnoreEOS = true
	return !slices.Contains(a.unheeded(), wish{"ignore_eos", true})
}

// eosIgnorers are the engines that can go on behind an end-of-text token.
var eosIgnorers = []string{"vllm", "sglang", "llama_cpp"}

// ollama tells whether it is Ollama that is asked.
func (a Asking) ollama() bool {
	return a.Engine == "ollama" || strings.HasPrefix(a.Endpoint, "ollama-")
}

// TakesSalt says whether the engine heeds CacheSalt at this endpoint. Of an
// engine that is not known it is hoped.
func (a Asking) TakesSalt() bool {
	return !a.ollama() && a.Engine != "llama_cpp" && !(a.Engine == "sglang" && a.Endpoint == "messages")
}
