package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
	"tokenomics/loadgen"
)

// loadgenNotes keeps what must be known beside the figures.
type loadgenNotes struct {
	w        io.Writer
	progress *loadgenProgress // that writes to w too; nil where none does
	texts    []string
}

// Warning shows a text at once, and keeps it for the end.
func (n *loadgenNotes) Warning(text string) {
	if n.progress != nil {
		defer n.progress.interrupt()()
	}
	fmt.Fprintf(n.w, "Warning: %s\n", text)
	n.add(text)
}

func (n *loadgenNotes) add(text string) { n.texts = append(n.texts, text) }

// loadgenProgress tells how a sweep goes: a bar on a terminal, elsewhere a line
// per run, and one now and then in a long one.
type loadgenProgress struct {
	w     io.Writer
	notes *loadgenNotes
	plan  *loadgenPlan
	live  *record.Live
	quit  chan struct{}
	done  sync.WaitGroup

	mu     sync.Mutex               // protects the rest, and w
	bar    *progressbar.ProgressBar // nil where there is no terminal
	run    string
	began  time.Time
	ended  int
	failed int
	ttft   recentMean
	last   int64 // tokens streamed at the last look
	looked time.Time
}

// How often the figures of the run are shown.
const (
	barEvery  = 500 * time.Millisecond
	lineEvery = 10 * time.Second
)

func newLoadgenProgress(ctx context.Context, w io.Writer, notes *loadgenNotes, p *loadgenPlan, live *record.Live) *loadgenProgress {
	g := &loadgenProgress{w: w, notes: notes, plan: p, live: live, quit: make(chan struct{})}
	every := lineEvery
	if isTerminal(w) {
		every = barEvery
		g.bar = progressbar.NewOptions(p.expected(), progressbar.OptionSetWriter(w), progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(16), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	}
	notes.progress = g
	g.done.Go(func() { g.tick(every, ctx.Done()) })
	return g
}

// expected is how many requests there will be; -1 where that shows only as it
// goes.
func (p *loadgenPlan) expected() int {
	if p.find != nil || p.until != nil || p.load.warmupTime > 0 || p.shape == loadgen.ShapeConversations {
		return -1
	}
	total := p.load.warmup
	for _, l := range p.loads {
		n := max(l.BatchSize, l.NumPrompts)
		if n == 0 {
			return -1
		}
		total += n * p.load.numRuns
	}
	if p.ab != "" {
		total *= 2
	}
	return total
}

// tick shows how the run is getting on, and that it was stopped.
func (g *loadgenProgress) tick(every time.Duration, stopped <-chan struct{}) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-g.quit:
			return
		case <-stopped:
			stopped = nil
			goOn := g.interrupt()
			fmt.Fprintln(g.w, "Stopping: what was measured is being written. Again, and nothing is waited for; a third time kills.")
			goOn()
		case now := <-t.C:
			g.mu.Lock()
			g.look(now)
			g.mu.Unlock()
		}
	}
}

// look shows the figures of now. The caller has mu.
func (g *loadgenProgress) look(now time.Time) {
	if g.run == "" {
		return
	}
	text := g.run
	if g.ended > 0 || g.failed > 0 {
		text += ", " + requestCount(g.ended)
	}
	if g.failed > 0 {
		text += fmt.Sprintf(", %d failed", g.failed)
	}
	tokens := g.live.Streamed()
	text += fmt.Sprintf(", %.0f tok/s", float64(tokens-g.last)/now.Sub(g.looked).Seconds())
	if ms, ok := g.ttft.take(); ok {
		text += fmt.Sprintf(", TTFT %.0f ms", ms)
	}
	g.last, g.looked = tokens, now
	if g.bar != nil {
		g.bar.Describe(text)
		return
	}
	fmt.Fprintf(g.w, "%s, %.0f s\n", text, now.Sub(g.began).Seconds())
}

// recentMean is the mean of what came since it was last taken.
type recentMean struct {
	sum float64
	n   int
}

func (m *recentMean) add(v float64) {
	m.sum += v
	m.n++
}

func (m *recentMean) take() (float64, bool) {
	sum, n := m.sum, m.n
	*m = recentMean{}
	return sum / float64(max(1, n)), n > 0
}

// Begin names the run.
func (g *loadgenProgress) Begin(point string, run, requests int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.run, g.began, g.ended, g.failed = g.named(point, run), time.Now(), 0, 0
	g.last, g.looked, g.ttft = g.live.Streamed(), g.began, recentMean{}
	switch {
	case g.bar != nil:
		g.bar.Describe(g.run)
	case run == 0:
		fmt.Fprintf(g.w, "warm-up: %s\n", g.plan.warmup(requests))
	}
}

// warmup says how much of it there is.
func (p *loadgenPlan) warmup(requests int) string {
	if requests == 0 {
		return p.load.warmupTime.String()
	}
	return requestCount(requests)
}

func (g *loadgenProgress) named(point string, run int) string {
	switch {
	case run == 0:
		return "warm-up"
	case g.plan.find != nil || g.plan.until != nil:
		return fmt.Sprintf("%s %s, run %d", g.plan.shape, point, run)
	}
	return fmt.Sprintf("%s %s, run %d/%d", g.plan.shape, point, run, g.plan.load.numRuns)
}

// Request counts one that has ended.
func (g *loadgenProgress) Request(r *record.Record) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended++
	if r.Outcome != record.Complete && r.Outcome != record.ClientAbort {
		g.failed++
	}
	if d, ok := r.TTFT(); ok {
		g.ttft.add(float64(d) / float64(time.Millisecond))
	}
	if g.bar != nil {
		// A bar that can't be drawn must not end the run it shows.
		_ = g.bar.Add(1)
	}
}

// End sums the run up in a line.
func (g *loadgenProgress) End(point string, run int, s stats.Summary) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.run = ""
	if g.bar != nil {
		return
	}
	fmt.Fprintf(g.w, "%s: %s", g.named(point, run), requestCount(s.Requests))
	if s.Failed > 0 {
		fmt.Fprintf(g.w, ", %d failed (%s)", s.Failed, s.FirstError)
	}
	if rate, ok := s.OutputTokS.Get(); ok {
		fmt.Fprintf(g.w, ", %.1f tok/s", rate)
	}
	if s.TTFT != nil {
		fmt.Fprintf(g.w, ", TTFT p50 %.1f ms", s.TTFT.P50)
	}
	if span, ok := s.Span.Get(); ok {
		fmt.Fprintf(g.w, ", %.2f s", span.Seconds())
	}
	fmt.Fprintln(g.w)
}

func requestCount(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}

// Warning interrupts the bar for a line.
func (g *loadgenProgress) Warning(text string) { g.notes.Warning(text) }

// interrupt keeps the progress from being shown until what it returns is called.
func (g *loadgenProgress) interrupt() (goOn func()) {
	g.mu.Lock()
	if g.bar != nil {
		_ = g.bar.Clear() // as in Request
	}
	return g.mu.Unlock
}

// close takes the bar away.
func (g *loadgenProgress) close() {
	g.notes.progress = nil
	close(g.quit)
	g.done.Wait()
	if g.bar != nil {
		_ = g.bar.Finish() // as in Request
	}
}

var _ loadgen.Progress = (*loadgenProgress)(nil)
