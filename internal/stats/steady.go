package stats

import (
	"time"

	"tokenomics/internal/record"
)

// steady is the stretch of a run from the moment that its target of requests
// was first in flight to the last dispatch, and the output tokens that arrived
// in it, of any request: ramps at either end would dilute the rate.
type steady struct {
	tokens float64
	span   time.Duration
}

func (s *steady) add(o steady) { s.tokens, s.span = s.tokens+o.tokens, s.span+o.span }

// leastSteady is the shortest stretch that has a rate of its own. It must also
// be as long as half of the requests took: requests that began together still
// move in step in the first one, all in prefill, then all in decode.
const leastSteady = time.Second

// steadyState is zero where there is none, or too short a one.
func (w *Window) steadyState() steady {
	from, to, ok := w.steadySpan()
	if !ok {
		return w.steady
	}
	s := w.steady
	s.add(steady{w.timeline.tokensBetween(from, to), to.Sub(from)})
	return s
}

func (w *Window) steadySpan() (from, to time.Time, ok bool) {
	if w.reached.IsZero() {
		return from, to, false
	}
	typical, _ := w.e2e.Quantile(0.5)
	long := w.lastSent.Sub(w.reached)
	return w.reached, w.lastSent, long >= leastSteady && ms(long) >= typical
}

func (w *Window) steadyTokS() record.Opt[float64] {
	s := w.steadyState()
	return ratio(s.tokens, s.span.Seconds())
}

func (w *Window) peakInFlight() int { return max(w.peak, w.timeline.peak()) }

func (w *Window) maxTokensPerSecond() float64 {
	return max(w.maxTokens, w.timeline.maxTokensPerSecond())
}
