package stats

import (
	"strconv"
	"strings"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// Window gathers the Records of one stretch of time, a run for instance, in
// bounded memory. The zero value is empty and ready. It is not safe for
// concurrent use.
type Window struct {
	Begin  time.Time // when the run's clock started, so that its seconds are whole; the zero value is the first Record's
	SLO    SLO       // what a request has to meet to be good; the zero value asks nothing, and there is no goodput
	Open   bool      // an open loop: it is judged from the moment a request was due, and its backlog may grow
	Target int       // requests in flight in the steady state; 0 means that there is none, as in a burst

	outcomes   map[record.Outcome]int
	sources    map[record.TokenSource]int
	firstError string
	errorAt    time.Time // when the request of firstError ended

	tokens       tokens // of requests that succeeded
	failedOutput total  // output tokens of those that did not
	noToken      int    // streams that ended without a token
	buffered     int
	retries      int
	brokenOff    int

	mute           int // successes that make no output tokens, as embeddings
	good, unjudged int // successes that met the SLO, and those that can't be judged by it

	first, last time.Time     // first Sent of any request, last LastToken of a success
	lastSent    time.Time     // of any request
	reached     time.Time     // when Target requests were first in flight
	merged      time.Duration // the spans of windows merged into this one
	steady      steady        // of windows merged into this one
	peak        int           // likewise
	maxTokens   float64       // likewise

	ttft, ttfo, tpot, gaps, itl, e2e, queue sketch.Sketch // ms
	ttftSched, ttfoSched, e2eSched          sketch.Sketch // ms, of an open loop
	engine                                  engineTimes
	outputRate, decodeRate                  sketch.Sketch // tokens/s

	timeline timeline
	blocks   blocks
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
	w.sent(r)
	w.timeline.observe(r, w.Begin)
	w.blocks.observe(r, w.Open)
	addMS(&w.ttft, r.TTFT)
	addMS(&w.ttfo, r.TTFO)
	addMS(&w.queue, r.ClientQueue)
	if w.Open {
		addMS(&w.ttftSched, r.TTFTSched)
		addMS(&w.ttfoSched, r.TTFOSched)
	}
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

func (w *Window) sent(r *record.Record) {
	sent, ok := r.Sent.Get()
	if !ok {
		return
	}
	at := r.Start.Add(sent)
	if w.first.IsZero() || at.Before(w.first) {
		w.first = at
	}
	if at.After(w.lastSent) {
		w.lastSent = at
	}
	if w.Target > 0 && r.InFlight >= w.Target && (w.reached.IsZero() || at.Before(w.reached)) {
		w.reached = at
	}
}

func (w *Window) failed(r *record.Record) {
	w.failedOutput.add(r.Usage.Completion)
	if r.Outcome == record.ClientAbort {
		if r.ErrorType == record.BrokenOff {
			w.brokenOff++
		}
		return // the user of the tool stopped it: nobody's error
	}
	text := r.Error
	if text == "" {
		text = string(r.Outcome)
	}
	if code := strconv.Itoa(r.Status); r.Outcome == record.Error && r.Status >= 400 && !strings.Contains(text, code) {
		text = "HTTP " + code + ": " + text
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
	if !r.Generates() && !r.Usage.Completion.Ok() {
		w.mute++
	}
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
	w.engine.observe(r)
	if w.Open {
		addMS(&w.e2eSched, r.E2ESched)
	}
	if w.SLO != (SLO{}) {
		switch met, judged := w.SLO.met(r, w.Open); {
		case !judged:
			w.unjudged++
		case met:
			w.good++
		}
	}
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
		s.Add(ms(d))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// span is the time in which the tokens came; of pooled runs, the sum of theirs.
func (w *Window) span() time.Duration {
	if w.first.IsZero() || !w.last.After(w.first) {
		return w.merged
	}
	return w.merged + w.last.Sub(w.first)
}
