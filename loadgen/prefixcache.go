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

// CacheFor is the way that an engine takes (WIRE.md 12), with any salt where it
// takes one; ok is false where no way is known, and "salt" can't be kept.
func CacheFor(mode PrefixCache, engine string) (c Cache, ok bool) {
	if mode == PrefixCacheKeep {
		return Cache{}, true
	}
	switch engine {
	case "vllm", "sglang":
		return Cache{Salt: "-"}, true
	case "llama_cpp":
		return Cache{NoPromptCache: true}, true
	}
	return Cache{}, false
}

// Method names it, for the results: the request's key that keeps the cache out,
// "" where nothing does.
func (c Cache) Method() string {
	switch {
	case c.Salt != "":
		return "cache_salt"
	case c.NoPromptCache:
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
