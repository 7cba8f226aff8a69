package loadgen

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tokenomics/loadgen/body"
	"tokenomics/loadgen/prompt"
)

// Requests is one request for each prompt of a source: a Workload. It is a
// value; a run with another salt or first prompt is a changed copy.
type Requests struct {
	Source prompt.Source
	First  int // request 0 has prompt First of Source
	Asking body.Asking
}

// Request is request number i: prompt First+i, asked for as Asking says.
func (r Requests) Request(i int) (Request, error) {
	p, err := r.Source.Prompt(r.First + i)
	if err != nil {
		return Request{}, fmt.Errorf("making prompt %d: %w", r.First+i, err)
	}
	return ask(r.Asking, p)
}

// ask is the request for an answer to a prompt.
func ask(a body.Asking, p prompt.Prompt) (Request, error) {
	out, err := a.Request(p)
	if err != nil {
		return Request{}, err
	}
	return Request{Path: out.Path, Root: out.Root, Stream: out.Stream, Body: out.Body}, nil
}

var _ Workload = Requests{}

// Cache is what requests carry to keep the engine's prefix cache from
// answering with what another run left there.
type Cache struct {
	Salt          string // vLLM's and SGLang's cache_salt; "" sends none
	NoPromptCache bool   // llama.cpp's cache_prompt:false
}

// saltOf is the salt of one run. nonce is of this invocation, so that the same
// command given twice does not find its own earlier prompts.
func saltOf(nonce string, seed uint64, point string, run int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s/%d", nonce, seed, point, run))
	return hex.EncodeToString(sum[:12])
}
