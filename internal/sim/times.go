package sim

import (
	"slices"
	"time"
)

// schedule decides when each step is done: the first after the TTFT, less what
// the prefix cache saves, each later one an ITL on. running is how many requests
// run, this one with them.
func (p *plan) schedule(cfg *Config, number uint64, running int, stall time.Duration) {
	rng := source(cfg.Seed, streamTime, number)
	saved := (1 - cfg.CachedTTFT) * float64(p.cachedTokens()) / float64(max(p.promptTokens(), 1))
	at := stall + time.Duration(cfg.TTFT.sample(rng)*(1-saved))
	slower := 1 + cfg.LoadFactor*float64(max(running-1, 0))
	steps := 1
	for i := range p.choices {
		steps = max(steps, len(p.choices[i].steps))
	}
	p.times = make([]time.Duration, 0, steps)
	for range steps {
		p.times = append(p.times, at)
		at += time.Duration(cfg.ITL.sample(rng) * slower)
	}
	p.told = p.times
	if cfg.Deterministic {
		p.told = make([]time.Duration, steps)
		for k := range p.told {
			p.told[k] = time.Duration(5+k) * 10 * time.Millisecond
		}
	}
}

// madeAt is when, by these times of its steps, c had made so many tokens.
func (c *choice) madeAt(times []time.Duration, made int) time.Duration {
	k, _ := slices.BinarySearch(c.steps, made)
	if k >= len(times) {
		return 0 // it was stopped before it began
	}
	return times[k]
}

// phases are how long, by these times, c was in prefill and in decode.
func (c *choice) phases(times []time.Duration) (prefill, decode time.Duration) {
	prefill = c.madeAt(times, 1)
	return prefill, max(0, c.madeAt(times, len(c.tokens))-prefill)
}

// toldAt is the time told for the moment at which c had made so many tokens.
func (p *plan) toldAt(c *choice, made int) time.Duration { return c.madeAt(p.told, made) }

// toldEnd is the time told for the end of c.
func (p *plan) toldEnd(c *choice) time.Duration { return p.toldAt(c, len(c.tokens)) }

// abort ends every choice after n tokens, as an engine that is told to does.
func (p *plan) abort(n int) {
	for i := range p.choices {
		p.choices[i].cut(n)
	}
}

// cutAt ends every choice with the tokens made by at, since admission.
func (p *plan) cutAt(at time.Duration) {
	for i := range p.choices {
		c, made := &p.choices[i], 0
		for k, n := range c.steps {
			if k < len(p.times) && p.times[k] <= at {
				made = n
			}
		}
		c.cut(made)
	}
	if len(p.times) == 0 {
		p.times, p.told = []time.Duration{0}, []time.Duration{0}
	}
}

// cut ends the choice after n tokens, if it has more.
func (c *choice) cut(n int) {
	if n >= len(c.tokens) {
		return
	}
	c.tokens, c.finish, c.reasoning = c.tokens[:n], "abort", min(c.reasoning, n)
	last := 0
	for last < len(c.steps)-1 && c.steps[last] < n {
		last++
	}
	c.steps = c.steps[:last+1]
	c.steps[last] = n
}
