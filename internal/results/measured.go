package results

import (
	"fmt"
	"slices"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// Measured is what the runs of one point came to.
type Measured struct {
	Name string // of the point
	Load Load
	Runs []MeasuredRun
	// Shared says that prompts are meant to share what they begin with, so that a
	// prefix cache that answers for it is no doubt.
	Shared bool
}

// MeasuredRun is one run of a point.
type MeasuredRun struct {
	Number  int // from 1
	Start   time.Time
	Window  *stats.Window
	Partial bool // it was stopped
	// SetAside says why the run was done once more: this machine was too late for
	// it, and might not be again. See Counted.
	SetAside []string
	Self     Self
	Engine   *EngineSide // its account of the point up to and with this run; nil where it tells nothing
	Doubts   []string    // about Engine
}

// Summary pools the runs that count.
func (m Measured) Summary() stats.Summary { return stats.Pool(m.pooled()...).Summary() }

func (m Measured) pooled() (windows []*stats.Window) {
	for _, r := range m.Counted() {
		windows = append(windows, r.Window)
	}
	return windows
}

// Counted are the point's runs that its figures are of: the whole ones that were
// not set aside. Others stand in only where there is none of them, because what
// they lack is not a matter of chance.
func (m Measured) Counted() []MeasuredRun {
	var whole, partial []MeasuredRun
	for _, r := range m.Runs {
		switch {
		case r.SetAside != nil:
		case r.Partial:
			partial = append(partial, r)
		default:
			whole = append(whole, r)
		}
	}
	switch {
	case whole != nil:
		return whole
	case partial != nil:
		return partial
	}
	return m.Runs
}

// SetAside is how many runs were.
func (m Measured) SetAside() (n int) {
	for _, r := range m.Runs {
		if r.SetAside != nil {
			n++
		}
	}
	return n
}

// Of is one measured point as it is written. planned is the number of
// runs that were asked for.
func Of(m Measured, planned int) Point {
	p := Point{Name: m.Name, Load: &m.Load, Partial: len(m.Runs)-m.SetAside() < planned}
	for _, r := range m.Runs {
		p.Runs = append(p.Runs, Run{
			Run: r.Number, Start: r.Start.UTC(), Partial: r.Partial, SetAside: r.SetAside,
			Figures: FiguresOf(r.Window.Summary(), 1), Seconds: r.Window.Seconds(r.Start),
		})
		p.Partial = p.Partial || r.Partial
		p.EngineSide, p.Warnings = r.Engine, r.Doubts // the last account is of all runs, and so are the doubts of it
	}
	timed, windows := 0, m.pooled()
	for _, w := range windows {
		if w.Summary().Span.Ok() {
			timed++
		}
	}
	pool := stats.Pool(windows...)
	sum := pool.Summary()
	p.Figures, p.Warnings = FiguresOf(sum, timed), slices.Concat(p.Warnings, doubts(sum, m.Shared))
	p.Sketches, p.Intervals, p.Sustainable = pool.Sketches(), stats.Intervals(windows), m.Sustainable()
	return p
}

// Sustainable judges an open loop by the backlog of its runs. nil where the load
// is another, or no run was long enough to tell.
func (m Measured) Sustainable() *Sustainable {
	runs := slices.DeleteFunc(slices.Clone(m.pooled()), func(w *stats.Window) bool { return !w.Open })
	trend, ok := stats.TrendOf(runs...)
	switch {
	case !ok:
		return nil
	case trend.Grows:
		return &Sustainable{Reason: "the requests that were due and not ended " + trend.String()}
	}
	return &Sustainable{OK: true}
}

// doubts are the warnings that the figures of one point call for. shared is as in
// Measured.
func doubts(s stats.Summary, shared bool) []string {
	var out []string
	doubt := func(n int, format string) {
		if n > 0 {
			out = append(out, fmt.Sprintf(format, n))
		}
	}
	doubt(s.BrokenOff, "%d requests had not ended when the grace period was over and were broken off: the slowest are in no figure of whole answers (a longer --grace-period waits for them)")
	doubt(s.TokenSources[record.SourceEvents], "%d requests have estimated token counts: the server told none")
	doubt(s.Untold, "%d requests have no token count and are missing in every rate")
	doubt(s.Buffered, "%d streams arrived in lumps and are left out of the decode figures (is there a buffering hop?)")
	if cached, ok := s.CachedTokens.Get(); ok && cached > 0 && !shared {
		out = append(out, fmt.Sprintf("the prefix cache answered for %d of %d input tokens", cached, s.InputTokens.Or(0)))
	}
	return out
}
