package sim

import "time"

// progressAt is when progress event k (0 or 1) leaves, if prefill ends at end.
func progressAt(end time.Duration, k int) time.Duration { return end * time.Duration(99*k) / 100 }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// appendTimings appends what was computed, what was found in the cache, and how
// long it took, when c has made so many tokens. Rates are per token after the first.
func (l *llamacpp) appendTimings(dst []byte, p *plan, c *choice, made int) []byte {
	cached := p.cached[c.prompt]
	computed := len(p.req.prompts[c.prompt].ids) - cached
	prefill := p.toldAt(c, 1)
	decode := max(millis(p.toldAt(c, made)-prefill), 0.001)
	later := float64(max(made-1, 0))
	dst = appendKey(dst, `,"timings":{"cache_n":`, cached)
	dst = appendKey(dst, `,"prompt_n":`, computed)
	dst = appendFloat(dst, `,"prompt_ms":`, millis(prefill))
	dst = appendFloat(dst, `,"prompt_per_token_ms":`, millis(prefill)/float64(computed))
	dst = appendFloat(dst, `,"prompt_per_second":`, 1000*per(float64(computed), millis(prefill)))
	dst = appendKey(dst, `,"predicted_n":`, made)
	dst = appendFloat(dst, `,"predicted_ms":`, decode)
	dst = appendFloat(dst, `,"predicted_per_token_ms":`, per(decode, later))
	dst = appendFloat(dst, `,"predicted_per_second":`, 1000*per(later, decode))
	return append(dst, '}')
}

// per is n for each of d, 0 where there are none.
func per(n, d float64) float64 {
	if d == 0 {
		return 0
	}
	return n / d
}

// appendProgress appends how far prefill is: at its beginning, and almost at its end.
func (l *llamacpp) appendProgress(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[e.choice]
	total, cached := len(p.req.prompts[c.prompt].ids), p.cached[c.prompt]
	processed, took := cached, 0
	if e.seq == 1 {
		processed, took = total, int(progressAt(p.toldAt(c, 1), 1)/time.Millisecond)
	}
	dst = appendKey(dst, `,"prompt_progress":{"total":`, total)
	dst = appendKey(dst, `,"cache":`, cached)
	dst = appendKey(dst, `,"processed":`, processed)
	return append(appendKey(dst, `,"time_ms":`, took), '}')
}
