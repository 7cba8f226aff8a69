package loadgen

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// PrefixCache is what is done about prompts that the engine has seen in an
// earlier run and would answer from its prefix cache.
type PrefixCache string

const (
	PrefixCacheSalt PrefixCache = "salt" // keep it from answering, where the engine has a way
	PrefixCacheKeep PrefixCache = "keep" // let it
)

// cachePolicy is how an engine's prefix cache is kept out of a run.
type cachePolicy struct {
	salt          bool // send cache_salt
	noPromptCache bool // send cache_prompt:false
}

// policyFor is the way that an engine takes (WIRE.md 12); ok is false where no
// way is known, and "salt" can't be kept.
func policyFor(mode PrefixCache, engine string) (p cachePolicy, ok bool) {
	if mode == PrefixCacheKeep {
		return cachePolicy{}, true
	}
	switch engine {
	case "vllm", "sglang":
		return cachePolicy{salt: true}, true
	case "llama_cpp":
		return cachePolicy{noPromptCache: true}, true
	}
	return cachePolicy{}, false
}

// PrefixCacheMethod names what policyFor chose, for the results: the request's
// key that keeps the cache out, "" where nothing does.
func PrefixCacheMethod(mode PrefixCache, engine string) string {
	switch p, _ := policyFor(mode, engine); {
	case p.salt:
		return "cache_salt"
	case p.noPromptCache:
		return "cache_prompt"
	}
	return ""
}

// saltOf is the salt of one run. nonce is of this invocation, so that the same
// command given twice does not find its own earlier prompts.
func saltOf(nonce string, seed uint64, point string, run int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s/%d", nonce, seed, point, run))
	return hex.EncodeToString(sum[:12])
}
