package stats

import (
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// Window gathers the Records of one stretch of time, a run for instance, in
// bounded memory. The zero value is empty and ready. It is not safe for
// concurrent use.
type Window struct {
	outcomes   map[record.Outcome]int
	sources    map[record.TokenSource]int
	firstError string
	errorAt    time.Time // when the request of firstError ended

	tokens       tokens // of requests that succeeded
	failedOutput total  // output tokens of those that did not
	noToken      int    // streams that ended without a token
	buffered     int
	retries      int

	first, last time.Time     // first Sent of any request, last LastToken of a success
	merged      time.Duration // the spans of windows merged into this one

	ttft, ttfo, tpot, gaps, itl, e2e, queue sketch.Sketch // ms
	outputRate, decodeRate                  sketch.Sketch // tokens/s
}

type tokens struct{ prompt, cached, completion, reasoning total }

// total sums counts and knows how many there were, so that none is not 0.
type total struct {
	sum int64
	n   int // requests that told
}

func (t *total) add(c record.Count) {
	if v, ok := c.Get(); ok {
		t.sum += v
		t.n++
	}
}

func (t *total) merge(o total) {
	t.sum += o.sum
	t.n += o.n
}

func (t total) count() record.Count {
	if t.n == 0 {
		return record.Count{}
	}
	return record.Some(t.sum)
}

func (t total) mean() record.Opt[float64] { return ratio(float64(t.sum), float64(t.n)) }

// ratio is a/b, absent where there is nothing to divide by.
func ratio(a, b float64) record.Opt[float64] {
	if b <= 0 {
		return record.Opt[float64]{}
	}
	return record.Some(a / b)
}

// Observe counts one request. TTFT and TTFO are taken of every request that
// got a token, whatever became of it; the other figures of successes alone.
func (w *Window) Observe(r *record.Record) {
	if w.outcomes == nil {
		w.outcomes = make(map[record.Outcome]int)
		w.sources = make(map[record.TokenSource]int)
	}
	w.outcomes[r.Outcome]++
	w.retries += r.Retries
	if sent, ok := r.Sent.Get(); ok {
		if at := r.Start.Add(sent); w.first.IsZero() || at.Before(w.first) {
			w.first = at
		}
	}
	addMS(&w.ttft, r.TTFT)
	addMS(&w.ttfo, r.TTFO)
	addMS(&w.queue, r.ClientQueue)
	if r.Stream && !r.FirstToken.Ok() {
		w.noToken++
	}
	if r.Buffered {
		w.buffered++
	}
	if r.Outcome != record.Complete {
		w.failed(r)
		return
	}
	w.succeeded(r)
}

func (w *Window) failed(r *record.Record) {
	w.failedOutput.add(r.Usage.Completion)
	if r.Outcome == record.ClientAbort {
		return // the user of the tool stopped it: nobody's error
	}
	text := r.Error
	if text == "" {
		text = string(r.Outcome)
	}
	if at := r.Start.Add(r.End.Or(0)); w.firstError == "" || at.Before(w.errorAt) {
		w.firstError, w.errorAt = text, at
	}
}

func (w *Window) succeeded(r *record.Record) {
	w.tokens.prompt.add(r.Usage.Prompt)
	w.tokens.cached.add(r.Usage.Cached)
	w.tokens.completion.add(r.Usage.Completion)
	w.tokens.reasoning.add(r.Usage.Reasoning)
	source := r.Usage.Source
	if source == "" {
		source = record.SourceNone
	}
	w.sources[source]++

	ended := r.LastToken
	if !r.Stream || !ended.Ok() {
		ended = r.End
	}
	if d, ok := ended.Get(); ok {
		if at := r.Start.Add(d); at.After(w.last) {
			w.last = at
		}
	}
	addMS(&w.tpot, r.TPOT)
	addMS(&w.e2e, r.E2E)
	if v, ok := r.OutputTokensPerSecond(); ok {
		w.outputRate.Add(v)
	}
	if v, ok := r.DecodeTokensPerSecond(); ok {
		w.decodeRate.Add(v)
	}
	if !r.Buffered {
		w.gaps.Merge(r.Gaps)
		w.itl.Merge(r.ITL)
	}
}

func addMS(s *sketch.Sketch, figure func() (time.Duration, bool)) {
	if d, ok := figure(); ok {
		s.Add(float64(d) / float64(time.Millisecond))
	}
}

// span is the time in which the tokens came; of pooled runs, the sum of theirs.
func (w *Window) span() time.Duration {
	if w.first.IsZero() || !w.last.After(w.first) {
		return w.merged
	}
	return w.merged + w.last.Sub(w.first)
}

// Pool is the windows together, as of one distribution: samples are pooled and
// spans are added, so that a rate is a ratio of sums. The windows must not
// overlap in time; they are not changed.
func Pool(windows ...*Window) *Window {
	p := &Window{outcomes: make(map[record.Outcome]int), sources: make(map[record.TokenSource]int)}
	for _, w := range windows {
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
	w.merged += o.span()
	for _, p := range [][2]*sketch.Sketch{
		{&w.ttft, &o.ttft}, {&w.ttfo, &o.ttfo}, {&w.tpot, &o.tpot}, {&w.gaps, &o.gaps}, {&w.itl, &o.itl},
		{&w.e2e, &o.e2e}, {&w.queue, &o.queue}, {&w.outputRate, &o.outputRate}, {&w.decodeRate, &o.decodeRate},
	} {
		p[0].Merge(p[1])
	}
}
