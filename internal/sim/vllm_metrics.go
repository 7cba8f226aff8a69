package sim

import "time"

// appendMetrics appends what --enable-per-request-metrics tells of a request that
// has one choice, and nothing of another. The time to the first token is since it
// was scheduled. What is not known is left out, or null, where nulls are.
func (v *vllm) appendMetrics(dst []byte, p *plan, nulls bool) []byte {
	if !v.tellsTimes(p) {
		return dst
	}
	c := &p.choices[0]
	prefill, decode := c.phases(p.told)
	n, whole := len(c.tokens), prefill+decode
	dst = appendMillis(dst, `,"metrics":{"time_to_first_token_ms":`, prefill)
	dst = appendMillis(dst, `,"generation_time_ms":`, decode)
	dst = appendMillis(dst, `,"queue_time_ms":`, p.queued)
	switch {
	case n > 1:
		dst = appendMillis(dst, `,"mean_itl_ms":`, decode/time.Duration(n-1))
	case nulls:
		dst = append(dst, `,"mean_itl_ms":null`...)
	}
	switch {
	case whole > 0:
		dst = appendFloat(dst, `,"tokens_per_second":`, float64(n)/whole.Seconds())
	case nulls:
		dst = append(dst, `,"tokens_per_second":null`...)
	}
	if nulls {
		dst = append(dst, `,"speculative_decoding":null`...)
	}
	return append(dst, '}')
}

func (v *vllm) tellsTimes(p *plan) bool { return v.cfg.RequestMetrics && len(p.choices) == 1 }

// appendMillis appends key and d in milliseconds, to the nanosecond.
func appendMillis(dst []byte, key string, d time.Duration) []byte {
	return appendFloat(dst, key, float64(d)/float64(time.Millisecond))
}
