package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"tokenomics/internal/record"
)

// trafficView is what the proxy shows on a terminal: a line per finished
// request, and below it a ticker of tokens per second now. Elsewhere it passes
// on only what is logged.
type trafficView struct {
	w        io.Writer
	live     *record.Live
	terminal bool
	quiet    bool

	mu     sync.Mutex // protects the rest, and the order on w
	ticker string     // what the last line shows now
	done   chan struct{}
	ended  chan struct{}
	head   bool
}

func newTrafficView(w io.Writer, live *record.Live, quiet bool) *trafficView {
	return &trafficView{w: w, live: live, terminal: isTerminal(w), quiet: quiet}
}

// isTerminal says whether w is a terminal that can redraw a line.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// lines says whether there is a line per request.
func (v *trafficView) lines() bool { return v.terminal && !v.quiet }

// note writes a line above the ticker.
func (v *trafficView) note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.above(text)
}

// width is the terminal's, now: it may be changed at any time.
func (v *trafficView) width() int {
	if f, ok := v.w.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 120
}

// modelWidth is how much of a line of the given width is for the model.
func modelWidth(width int) int { return min(max(width-72, 8), 40) }

// above writes a line and puts the ticker below it again. The caller has mu.
func (v *trafficView) above(text string) {
	if v.ticker == "" {
		fmt.Fprintln(v.w, text)
		return
	}
	fmt.Fprintf(v.w, "\r\x1b[K%s\n%s", text, v.ticker)
}

// logAttr leaves out of log lines what a terminal's reader knows: the time,
// and that a line is only information.
func (v *trafficView) logAttr(groups []string, a slog.Attr) slog.Attr {
	if v.terminal && len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey && a.Value.Any() == slog.LevelInfo) {
		return slog.Attr{}
	}
	return a
}

// Write takes log lines.
func (v *trafficView) Write(p []byte) (int, error) {
	v.note(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// Observe writes a request's line.
func (v *trafficView) Observe(r *record.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.head {
		v.head = true
		v.above(cut(fmt.Sprintf("%-8s  %-*s %7s %7s %7s %8s %8s  %s", "time", modelWidth(v.width()), "model", "prompt", "output", "tok/s", "ttft", "e2e", "outcome"), v.width()))
	}
	v.above(cut(requestLine(r, modelWidth(v.width())), v.width()))
}

// requestLine is one request for people.
func requestLine(r *record.Record, model int) string {
	what := r.Model
	if what == "" {
		what = r.Method + " " + r.Path
	}
	outcome := string(r.Outcome)
	if r.Error != "" && r.Outcome != record.Complete {
		outcome += " (" + cut(printable(r.Error), 60) + ")"
	}
	rate, rateOK := r.OutputTokensPerSecond()
	output := tokens(r.Usage.Completion)
	if r.Usage.Source == record.SourceEvents {
		output = "~" + output // an estimate, and it shall look like one
	}
	e2e, e2eOK := r.E2E()
	if !e2eOK {
		e2e, e2eOK = r.Duration()
	}
	rateText := "-"
	if rateOK {
		rateText = fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%s  %-*s %7s %7s %7s %8s %8s  %s", r.Start.Format("15:04:05"), model, cut(printable(what), model),
		tokens(r.Usage.Prompt), output, rateText, short(r.TTFT()), short(e2e, e2eOK), outcome)
}

func tokens(c record.Count) string {
	if n, ok := c.Get(); ok {
		return fmt.Sprint(n)
	}
	return "-"
}

// short is a duration in three or four digits.
func short(d time.Duration, ok bool) string {
	switch {
	case !ok:
		return "-"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// printable keeps what a client chose from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// start begins the ticker, on a terminal.
func (v *trafficView) start() {
	if !v.lines() {
		return
	}
	v.done, v.ended = make(chan struct{}), make(chan struct{})
	go v.tick()
}

// tick redraws the last line: tokens per second over the last second and the
// last ten, and requests in flight.
func (v *trafficView) tick() {
	defer close(v.ended)
	const window = 10
	t := time.NewTicker(time.Second)
	defer t.Stop()
	history := []int64{v.live.Streamed()} // one reading a second
	for {
		select {
		case <-v.done:
			return
		case <-t.C:
		}
		history = append(history, v.live.Streamed())
		history = history[max(0, len(history)-window-1):]
		last := len(history) - 1
		v.show(fmt.Sprintf("%7d tok/s now (1 s)  %9.1f tok/s (%d s)  %5d in flight  %d requests",
			history[last]-history[last-1], float64(history[last]-history[0])/float64(last), last, v.live.Active.Load(), v.live.Requests.Load()))
	}
}

func (v *trafficView) show(ticker string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ticker = cut(ticker, v.width()-1) // a line that wraps can't be redrawn
	fmt.Fprintf(v.w, "\r\x1b[K%s", v.ticker)
}

// stop ends the ticker and leaves the terminal on a fresh line.
func (v *trafficView) stop() {
	if v.done != nil {
		close(v.done)
		<-v.ended
		v.done = nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ticker != "" {
		v.ticker = ""
		fmt.Fprint(v.w, "\r\x1b[K")
	}
}

var _ record.Sink = (*trafficView)(nil)
