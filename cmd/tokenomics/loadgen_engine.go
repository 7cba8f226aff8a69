package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/loadgen"
	"tokenomics/loadgen/engine"
)

// engineWatch makes the engine ready before each run and reads what it says of
// it afterwards.
type engineWatch struct {
	engine *engine.Engine
	mode   string // --prefix-cache
	notes  *loadgenNotes
	method string          // by which its prefix cache is kept out
	drain  time.Duration   // how long it may take to become idle
	told   map[string]bool // what has been said of it
	watch  *engine.Watch   // of the point that is measured

	mu   sync.Mutex // protects ours
	ours ours
}

// How long an engine may take to become idle before a run: at first, and once
// it has shown that others keep it busy.
const (
	drainFirst = 10 * time.Second
	drainLater = time.Second
)

// foreignTolerance is the share of our own tokens by which the engine's count
// may differ without others being suspected.
const foreignTolerance = 0.01

func (s *loadgenSession) watchEngine(ctx context.Context) *engineWatch {
	w := &engineWatch{
		engine: engine.Open(ctx, s.plan.base.target, s.found.Name, s.plan.apiKey),
		mode:   s.plan.prefixCache, notes: s.notes, drain: drainFirst, told: map[string]bool{},
	}
	return w
}

func (w *engineWatch) close() { w.engine.Close() }

// once says what has not been said yet.
func (w *engineWatch) once(text string) {
	if text != "" && !w.told[text] {
		w.told[text] = true
		w.notes.Warning(text)
	}
}

// prepare waits until the engine is idle and keeps its prefix cache out of the
// run. run 0, the warm-up, is not watched.
func (w *engineWatch) prepare(ctx context.Context, run int) (ready loadgen.Prepared, err error) {
	if ok, _ := w.engine.Metrics(); ok {
		word, err := w.engine.Drain(ctx, w.drain)
		if err != nil {
			return ready, err
		}
		if word != "" {
			w.drain = drainLater
			w.once(word)
		}
	}
	method, salt, noPromptCache, err := w.engine.PrepareRun(ctx, w.mode)
	switch {
	case ctx.Err() != nil:
		return ready, ctx.Err()
	case err != nil && w.mode == "reset":
		return ready, fmt.Errorf("--prefix-cache reset: %w", err)
	case err != nil:
		w.once(err.Error())
	}
	w.method = method
	ready.Cache.NoPromptCache = noPromptCache
	if salt {
		ready.Cache.Salt = "-" // the run has one of its own
	}
	if run > 0 {
		w.begin(ctx, run)
		ready.After = func(m *results.MeasuredRun) { w.end(untilAgain(ctx), m) }
	}
	return ready, nil
}

// unsalted takes back that the requests are salted.
func (w *engineWatch) unsalted(endpoint string) {
	w.method = ""
	w.once(fmt.Sprintf("the engine heeds no cache_salt at --endpoint %s: later runs may be answered from its prefix cache", endpoint))
}

// begin watches a run. A point's first begins its account.
func (w *engineWatch) begin(ctx context.Context, run int) {
	if run == 1 {
		w.watch = w.engine.Watch()
		w.mu.Lock()
		w.ours = ours{whole: true}
		w.mu.Unlock()
	}
	w.watch.Begin(ctx)
}

// end gives the run the engine's account of its point so far.
func (w *engineWatch) end(ctx context.Context, m *results.MeasuredRun) {
	w.watch.End(ctx)
	m.Engine, m.Doubts = w.watch.Side()
	w.mu.Lock()
	ours := w.ours.of()
	w.mu.Unlock()
	if text := engine.Foreign(m.Engine, ours, foreignTolerance); text != "" {
		m.Doubts = append(m.Doubts, text)
	}
}

// observe counts a request of ours.
func (w *engineWatch) observe(r *record.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ours.add(r)
}

// ours is what our requests came to, to be set against the engine's counters.
type ours struct {
	prompt, output int64
	whole          bool // every request's prompt is known
	unseen         int64
}

func (o *ours) add(r *record.Record) {
	n, ok := r.Usage.Prompt.Get()
	o.whole = o.whole && ok && r.N <= 1
	o.prompt += n
	seen := r.Usage.Completion.Or(0)
	o.output += seen
	estimated := r.Usage.Source == record.SourceEvents
	if estimated || r.Outcome != record.Complete && r.Sent.Ok() {
		o.unseen += max(0, int64(max(1, r.N))*r.MaxTokens.Or(0)-seen)
	}
}

func (o *ours) of() engine.Ours {
	out := engine.Ours{Output: record.Some(float64(o.output)), Unseen: float64(o.unseen)}
	if o.whole {
		out.Prompt = record.Some(float64(o.prompt))
	}
	return out
}
