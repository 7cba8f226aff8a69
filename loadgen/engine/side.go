package engine

import (
	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// Side is the engine's account of the point so far, and what makes it doubtful.
// It is nil where the engine tells no metrics, or no run was watched.
func (w *Watch) Side() (side *results.EngineSide, doubts []string) {
	if w.runs == 0 {
		return nil, nil
	}
	side = new(results.EngineSide)
	side.Running, side.RunningMax = w.gauges[running].over()
	side.Waiting, side.WaitingMax = w.gauges[waiting].over()
	side.KVUse, side.KVUseMax = w.gauges[kvUse].over()
	if w.back || w.unread != nil {
		return side, w.doubts()
	}
	side.Queue, side.Prefill, side.Decode = w.spans[queue].mean(), w.spans[prefill].mean(), w.spans[decode].mean()
	side.TTFT, side.E2E = w.spans[ttft].mean(), w.spans[e2e].mean()
	side.PrefixHits = ratio(w.counters[found], w.counters[looked])
	side.Preemptions, side.Requests = w.counters[preemptions], w.counters[finished]
	side.PromptTokens, side.OutputTokens = w.counters[promptTokens], w.counters[outputTokens]
	return side, nil
}

func (l level) over() (mean, peak figure) {
	if l.looks == 0 {
		return mean, peak
	}
	return record.Some(l.sum / float64(l.looks)), record.Some(l.peak)
}

// mean is in milliseconds.
func (t timing) mean() figure {
	s, ok := ratio(t.seconds, t.times).Get()
	if !ok {
		return figure{}
	}
	return record.Some(s * 1000)
}

// ratio is absent where there is nothing to divide, or by.
func ratio(part, whole figure) figure {
	p, ok := part.Get()
	if n := whole.Or(0); ok && n > 0 {
		return record.Some(p / n)
	}
	return figure{}
}
