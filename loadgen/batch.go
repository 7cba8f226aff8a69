package loadgen

import (
	"fmt"
	"strconv"
)

// Batches is a sweep over batch sizes of chat completions: a batch of B sends
// B requests at once and is over when all have ended.
type Batches struct {
	Sizes  []int // in the order they are run, each at least 1
	Runs   int   // of each size
	Warmup int   // requests sent before, not measured; 0 means none
	Chat   Chat  // First, CacheSalt and NoPromptCache are set for each run
	Seed   uint64

	PrefixCache PrefixCache // "" means PrefixCacheSalt
	Engine      string      // whose engine it is, "" when not known: which way to keep its cache out
	Nonce       string      // of this invocation alone: salts and request ids begin with it
}

// Sweep is the sweep, without its Client, Sink and Progress, and what the user
// must be told about it.
func (b Batches) Sweep() (s *Sweep, warnings []string) {
	policy, ok := policyFor(b.PrefixCache, b.Engine)
	if !ok {
		name := b.Engine
		if name == "" {
			name = "this server"
		}
		warnings = append(warnings, fmt.Sprintf("no way is known to keep the prefix cache of %s out: it may answer for prompts of earlier runs; "+
			"look at cached_tokens, where the server tells them", name))
	}
	s = &Sweep{Runs: b.Runs, ID: b.Nonce}
	sizes, largest := make(map[string]int, len(b.Sizes)), 1
	for _, size := range b.Sizes {
		p := Point{Name: strconv.Itoa(size), Pacer: Burst{N: size}, Requests: size}
		s.Points = append(s.Points, p)
		sizes[p.Name] = size
		largest = max(largest, size)
	}
	if n := b.Chat.Dataset.Len(); largest > n {
		warnings = append(warnings, fmt.Sprintf("a batch of %d has some of the %d prompts more than once: the prefix cache may answer within a run", largest, n))
	}
	if b.Warmup > 0 {
		s.Warmup = Point{Name: "warmup", Pacer: Burst{N: b.Warmup}, MaxInFlight: largest, Requests: b.Warmup}
	}
	s.Workload = func(p Point, run int) Workload {
		chat := b.Chat
		chat.NoPromptCache = policy.noPromptCache
		if policy.salt {
			chat.CacheSalt = saltOf(b.Nonce, b.Seed, p.Name, run)
		}
		chat.First = firstOfBatch(sizes[p.Name])
		if run == 0 {
			chat.First = -b.Warmup // the other end of the order
		}
		return chat
	}
	return s, warnings
}
