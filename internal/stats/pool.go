package stats

import (
	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// Pool is the windows together, as of one distribution: samples are pooled and
// spans are added, so that a rate is a ratio of sums. The windows must not
// overlap in time; they are not changed. What a window is asked, its SLO for
// instance, is as the first one has it.
func Pool(windows ...*Window) *Window {
	p := &Window{outcomes: make(map[record.Outcome]int), sources: make(map[record.TokenSource]int)}
	for i, w := range windows {
		if i == 0 {
			p.SLO, p.Open, p.Target = w.SLO, w.Open, w.Target
		}
		p.merge(w)
	}
	return p
}

func (w *Window) merge(o *Window) {
	for k, n := range o.outcomes {
		w.outcomes[k] += n
	}
	for k, n := range o.sources {
		w.sources[k] += n
	}
	if o.firstError != "" && (w.firstError == "" || o.errorAt.Before(w.errorAt)) {
		w.firstError, w.errorAt = o.firstError, o.errorAt
	}
	w.tokens.prompt.merge(o.tokens.prompt)
	w.tokens.cached.merge(o.tokens.cached)
	w.tokens.completion.merge(o.tokens.completion)
	w.tokens.reasoning.merge(o.tokens.reasoning)
	w.failedOutput.merge(o.failedOutput)
	w.noToken += o.noToken
	w.buffered += o.buffered
	w.retries += o.retries
	w.brokenOff += o.brokenOff
	w.good += o.good
	w.unjudged += o.unjudged
	w.mute += o.mute
	w.merged += o.span()
	w.steady.add(o.steadyState())
	w.peak = max(w.peak, o.peakInFlight())
	w.maxTokens = max(w.maxTokens, o.maxTokensPerSecond())
	to := w.sketches()
	for i, from := range o.sketches() {
		to[i].sketch.Merge(from.sketch)
	}
}

type namedSketch struct {
	name   string
	sketch *sketch.Sketch
}

func (w *Window) sketches() [19]namedSketch {
	return [...]namedSketch{
		{"ttft_ms", &w.ttft}, {"ttfo_ms", &w.ttfo}, {"tpot_ms", &w.tpot}, {"gap_ms", &w.gaps}, {"itl_ms", &w.itl}, {"e2e_ms", &w.e2e},
		{"ttft_sched_ms", &w.ttftSched}, {"ttfo_sched_ms", &w.ttfoSched}, {"e2e_sched_ms", &w.e2eSched}, {"client_queue_ms", &w.queue},
		{"request_output_tok_s", &w.outputRate}, {"request_decode_tok_s", &w.decodeRate},
		{"engine_queue_ms", &w.engine.queue}, {"engine_load_ms", &w.engine.load}, {"engine_prefill_ms", &w.engine.prefill},
		{"engine_decode_ms", &w.engine.decode}, {"engine_compute_ms", &w.engine.compute},
		{"engine_ms", &w.engine.all}, {"outside_engine_ms", &w.engine.outside},
	}
}

// Sketches are the distributions that have samples, by figure.
func (w *Window) Sketches() map[string]*sketch.Sketch {
	m := make(map[string]*sketch.Sketch)
	for _, s := range w.sketches() {
		if s.sketch.Count() > 0 {
			m[s.name] = s.sketch
		}
	}
	return m
}
