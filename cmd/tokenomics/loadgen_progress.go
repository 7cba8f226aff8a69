package main

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
	"tokenomics/loadgen"
)

// loadgenNotes keeps what must be known beside the figures.
type loadgenNotes struct {
	w     io.Writer
	texts []string
}

// Warning shows a text at once, and keeps it for the end.
func (n *loadgenNotes) Warning(text string) {
	fmt.Fprintf(n.w, "Warning: %s\n", text)
	n.add(text)
}

func (n *loadgenNotes) add(text string) { n.texts = append(n.texts, text) }

// loadgenProgress tells how a sweep goes: a bar on a terminal, a line per run
// elsewhere.
type loadgenProgress struct {
	w     io.Writer
	notes *loadgenNotes
	runs  int
	what  string                   // a point is: "batch"
	bar   *progressbar.ProgressBar // nil where there is no terminal
}

func newLoadgenProgress(w io.Writer, notes *loadgenNotes, p *loadgenPlan) *loadgenProgress {
	g := &loadgenProgress{w: w, notes: notes, runs: p.load.numRuns, what: p.loads[0].Shape}
	if isTerminal(w) {
		g.bar = progressbar.NewOptions(p.expected(), progressbar.OptionSetWriter(w), progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(24), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	}
	return g
}

// expected is how many requests there will be; -1 where that shows only as it
// goes.
func (p *loadgenPlan) expected() int {
	total := p.load.warmup
	for _, l := range p.loads {
		n := max(l.BatchSize, l.NumPrompts)
		if n == 0 {
			return -1
		}
		total += n * p.load.numRuns
	}
	return total
}

// Begin names the run on the bar.
func (g *loadgenProgress) Begin(point string, run, requests int) {
	switch {
	case g.bar != nil && run == 0:
		g.bar.Describe("warm-up")
	case g.bar != nil:
		g.bar.Describe(fmt.Sprintf("%s %s, run %d/%d", g.what, point, run, g.runs))
	case run == 0:
		fmt.Fprintf(g.w, "warm-up: %s\n", requestCount(requests))
	}
}

// Request moves the bar.
func (g *loadgenProgress) Request(*record.Record) {
	if g.bar != nil {
		// A bar that can't be drawn must not end the run it shows.
		_ = g.bar.Add(1)
	}
}

// End sums the run up in a line.
func (g *loadgenProgress) End(point string, run int, s stats.Summary) {
	if g.bar != nil {
		return
	}
	fmt.Fprintf(g.w, "%s %s, run %d/%d: %s", g.what, point, run, g.runs, requestCount(s.Requests))
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
func (g *loadgenProgress) Warning(text string) {
	if g.bar != nil {
		_ = g.bar.Clear() // as in Request
	}
	g.notes.Warning(text)
}

// close takes the bar away.
func (g *loadgenProgress) close() {
	if g.bar != nil {
		_ = g.bar.Finish() // as in Request
	}
}

var _ loadgen.Progress = (*loadgenProgress)(nil)
