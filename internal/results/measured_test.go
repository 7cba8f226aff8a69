package results

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// TestFiguresAreASummary: what was written answers by name as before.
func TestFiguresAreASummary(t *testing.T) {
	m := measuredRun(1, answered(1100), answered(600), failed())
	open := &stats.Window{Open: true, SLO: stats.SLO{E2E: time.Second}, Target: 1}
	r := answered(2100)
	r.Start = epoch
	open.Observe(r)
	for _, w := range []*stats.Window{m.Window, open} {
		want := w.Summary()
		f := FiguresOf(want, 1)
		want.Span, want.Untold = record.Opt[time.Duration]{}, 0 // the file has them in other words
		if got := f.Summary(); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\nwas\n%+v", got, want)
		}
	}
}

// pace is a run in an open loop: a request each tenth of a second, and an
// engine that gives every one of them so much more of a wait than the last.
func pace(n int, slower time.Duration) MeasuredRun {
	m := MeasuredRun{Number: 1, Start: epoch, Window: &stats.Window{Open: true, Begin: epoch}}
	for i := range n {
		r := answered(400)
		wait := time.Duration(i) * slower
		for _, o := range []*record.Offset{&r.FirstToken, &r.FirstOutput, &r.LastToken, &r.End} {
			*o = record.Some(o.Or(0) + wait)
		}
		r.Start = epoch.Add(time.Duration(i) * 100 * time.Millisecond)
		m.Window.Observe(r)
	}
	return m
}

func TestPointSaysWhatItsRunsTell(t *testing.T) {
	steady, diverging := pace(600, 0), pace(600, 20*time.Millisecond)
	p := Of(Measured{Name: "10", Runs: []MeasuredRun{steady}}, 1)
	if p.Sustainable == nil || !p.Sustainable.OK {
		t.Errorf("a steady run: %+v", p.Sustainable)
	}
	if iv := p.Intervals["ttft_p50"]; iv.Method != "block bootstrap" || iv.Mean != 100 {
		t.Errorf("interval %+v", iv)
	}
	if s := p.Sketches["ttft_sched_ms"]; s.Count() != 600 {
		t.Errorf("sketch of %v samples", s.Count())
	}
	if n := len(p.Runs[0].Seconds); n != 61 || p.Runs[0].Seconds[30].Sent != 10 {
		t.Errorf("%d seconds: %+v", n, p.Runs[0].Seconds)
	}
	p = Of(Measured{Name: "10", Runs: []MeasuredRun{steady, diverging}}, 2)
	if p.Sustainable == nil || p.Sustainable.OK || !strings.Contains(p.Sustainable.Reason, "grew from") {
		t.Errorf("one run of two diverges: %+v", p.Sustainable)
	}
	diverging.Window.Open = false
	if p := Of(Measured{Runs: []MeasuredRun{diverging}}, 1); p.Sustainable != nil {
		t.Errorf("a closed loop: %+v", p.Sustainable)
	}
}

// TestDoubtsAreToldOnce: the engine's account is of the point up to each run.
func TestDoubtsAreToldOnce(t *testing.T) {
	var m Measured
	for i, doubt := range []string{"foreign: 10", "foreign: 20"} {
		r := measuredRun(i+1, answered(600))
		r.Doubts = []string{doubt}
		m.Runs = append(m.Runs, r)
	}
	if p := Of(m, 2); len(p.Warnings) != 1 || p.Warnings[0] != "foreign: 20" {
		t.Errorf("%q", p.Warnings)
	}
}
