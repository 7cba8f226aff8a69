package engine

import (
	"context"
	"fmt"
	"time"

	"tokenomics/internal/record"
)

const (
	// share is how many times longer than a scrape took the pause after it is: on
	// vLLM a scrape holds up the process that sends the tokens.
	share = 100
	// longest is the longest pause: where answers take long for the engine's load
	// and not for their own work, there is much to see.
	longest = 10 * time.Second
)

// Watch is what the engine's metrics did over the runs of one point: what lies
// between the runs is left out. It belongs to one goroutine.
type Watch struct {
	e    *Engine
	run  *watched // nil between runs
	runs int

	counters [counterCount]figure // growth over the runs
	spans    [spanCount]timing    // the same
	gauges   [gaugeCount]level

	unread error // a run's beginning or end could not be read: its growth is missing
	back   bool  // a counter went back
}

// watched is a run that is being watched.
type watched struct {
	first reading
	stop  context.CancelFunc
	over  chan struct{} // closed when nobody looks any more
	last  reading       // the newest; of the looking goroutine until over
	back  bool          // the same
	err   error         // reading first failed with it
}

// level is a gauge over time.
type level struct {
	sum, peak float64
	looks     int
}

// Watch begins to watch a point, before its first run.
func (e *Engine) Watch() *Watch { return &Watch{e: e} }

// Begin is called before each run, when the engine is idle and nothing has been
// sent. The engine is looked at until End, or until ctx is done.
func (w *Watch) Begin(ctx context.Context) {
	if w.e.names == nil {
		return
	}
	w.runs++
	ctx, stop := context.WithCancel(ctx)
	w.run = &watched{stop: stop, over: make(chan struct{})}
	w.run.first, w.run.err = w.e.read(ctx)
	w.run.last = w.run.first
	go w.look(ctx, w.run)
}

// look follows the gauges. What it can't read it leaves out; a counter that went
// back is noticed here even if it has caught up by the end.
func (w *Watch) look(ctx context.Context, run *watched) {
	defer close(run.over)
	for wait := w.e.every; ; {
		if pause(ctx, wait) != nil {
			return
		}
		began := time.Now()
		r, err := w.e.read(ctx)
		wait = max(w.e.every, min(share*time.Since(began), longest))
		if err != nil {
			continue
		}
		run.back = run.back || wentBack(run.last, r)
		run.last = r
		for g := range w.gauges {
			w.gauges[g].add(r.gauges[g])
		}
	}
}

// End is called after each run, when its last answer has come. It waits a few
// seconds for the engine to be done with what was broken off. ctx is not to be
// the one that stopped the run.
func (w *Watch) End(ctx context.Context) {
	run := w.run
	if run == nil {
		return
	}
	w.run = nil
	run.stop()
	<-run.over
	_, err := w.e.Drain(ctx, w.e.settle) // others may keep it busy: that shows in its counters
	var end reading
	if err == nil {
		end, err = w.e.read(ctx)
	}
	if run.err != nil {
		err = run.err
	}
	if err != nil {
		w.unread = err
		return
	}
	w.back = w.back || run.back || wentBack(run.last, end)
	for c := range w.counters {
		grow(&w.counters[c], run.first.counters[c], end.counters[c])
	}
	for s := range w.spans {
		grow(&w.spans[s].seconds, run.first.spans[s].seconds, end.spans[s].seconds)
		grow(&w.spans[s].times, run.first.spans[s].times, end.spans[s].times)
	}
}

// grow adds a run's growth. A counter that was not there before the run began
// at 0: SGLang tells of none before it has counted something.
func grow(sum *figure, before, after figure) {
	if v, ok := after.Get(); ok {
		*sum = record.Some(sum.Or(0) + v - before.Or(0))
	}
}

// wentBack says whether a counter is lower than it was, or gone.
func wentBack(before, after reading) bool {
	less := func(a, b figure) bool { return b.Or(-1) < a.Or(-1) }
	for c := range before.counters {
		if less(before.counters[c], after.counters[c]) {
			return true
		}
	}
	for s := range before.spans {
		if less(before.spans[s].times, after.spans[s].times) || less(before.spans[s].seconds, after.spans[s].seconds) {
			return true
		}
	}
	return false
}

func (l *level) add(f figure) {
	if v, ok := f.Get(); ok {
		l.sum += v
		l.peak = max(l.peak, v)
		l.looks++
	}
}

// doubts are what is to be said about the figures.
func (w *Watch) doubts() (all []string) {
	if w.back {
		all = append(all, "the engine's counters went back during the point: it was restarted, or several servers answer at its address; what they count is left out")
	}
	if w.unread != nil {
		all = append(all, fmt.Sprintf("the engine's counters are left out: %v", w.unread))
	}
	return all
}
