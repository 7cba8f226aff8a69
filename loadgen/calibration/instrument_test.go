package calibration

import (
	"math"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// pointOf is a point of one run of 10 s with 1000 events, 8 requests at a time,
// sent 1 ms late.
func pointOf(shape string) results.Measured {
	run := results.MeasuredRun{Number: 1, Window: new(stats.Window)}
	run.Window.Observe(measured("a", 50, 60))
	run.Self = results.Self{Wall: 10 * time.Second, CPU: time.Second, Events: 1000, InFlight: 8}
	run.Self.Due = results.Span{First: epoch, Last: epoch.Add(10 * time.Second)}
	run.Self.Sent = results.Span{First: epoch, Last: epoch.Add(10 * time.Second)}
	run.Self.Lag.Add(1)
	return results.Measured{Name: "8", Load: results.Load{Shape: shape, MaxConcurrency: 8}, Runs: []results.MeasuredRun{run}}
}

func TestInstrument(t *testing.T) {
	in := Instrument(pointOf("concurrency"), nil)
	if len(in.Invalid) > 0 || in.Calibrated != "" || in.TTFTErrorP99.Ok() || in.GapErrorP99.Ok() {
		t.Errorf("without a calibration: %+v", in)
	}
	if got := in.EventsPerS.Or(0); got != 100 {
		t.Errorf("%v events/s, want 100", got)
	}
	if got, want := in.CPUShare.Or(0), 0.1/float64(ThisMachine().CPUs); !near(got, want) {
		t.Errorf("CPU share %v, want %v", got, want)
	}
	if in.Lateness.Max != 1 || in.SchedulingLag.Max != 1 {
		t.Errorf("lateness %+v, lag %+v", in.Lateness, in.SchedulingLag)
	}
}

func TestTheErrorsAtALoad(t *testing.T) {
	c := &Calibration{}
	c.Add(levelOf(1, 20))
	l := levelOf(10, 200)
	l.GapRatio = record.Some(0.95)
	c.Add(l)
	in := Instrument(pointOf("concurrency"), c)
	if len(in.Invalid) > 0 || in.Calibrated != "10 streams and 200 events/s" || in.TTFTErrorP99.Or(0) != 1 || math.Abs(in.GapErrorP99.Or(0)-0.05) > 1e-9 {
		t.Errorf("%+v", in)
	}
}

// TestInvalid: each reason for itself, and no point without one.
func TestInvalid(t *testing.T) {
	good := func() *Calibration { return &Calibration{Levels: []Level{levelOf(10, 200)}} }
	for name, tt := range map[string]struct {
		shape  string
		change func(*results.MeasuredRun)
		c      *Calibration
		want   string // "" for none
	}{
		"nothing": {"rate", func(*results.MeasuredRun) {}, good(), ""},
		"more streams than calibrated": {"concurrency", func(r *results.MeasuredRun) { r.Self.InFlight = 11 }, good(),
			"11 streams and 100 events/s are more than this machine was calibrated for (10 streams and 200 events/s)"},
		"more events than calibrated": {"concurrency", func(r *results.MeasuredRun) { r.Self.Events = 3000 }, good(), "8 streams and 300 events/s are more than"},
		"a level that is not measured well": {"concurrency", func(*results.MeasuredRun) {}, func() *Calibration {
			c := good()
			c.Levels[0].TTFTError.P99 = 7
			return c
		}(), "more than this machine measures well: its calibration at 10 streams and 200 events/s has TTFT error p99 7.00 ms"},
		"timers late":                  {"batch", func(r *results.MeasuredRun) { r.Self.Lag.AddN(12, 1000) }, nil, "timers fired late, p99 by 12.0 ms"},
		"one timer late":               {"batch", func(r *results.MeasuredRun) { r.Self.Lag.AddN(1, 1000); r.Self.Lag.Add(50) }, nil, ""},
		"sent late":                    {"batch", late11(50), nil, "requests left late, p99 by 11.0 ms"},
		"sent late, and a long answer": {"batch", late11(5000), nil, ""},
		"an open loop that fell behind": {"rate", func(r *results.MeasuredRun) { r.Self.Sent.Last = epoch.Add(11 * time.Second) }, nil,
			"run 1 did not keep its schedule: requests left at 90.9 % of the rate"},
		"a trace that fell behind":      {"trace", func(r *results.MeasuredRun) { r.Self.Sent.Last = epoch.Add(11 * time.Second) }, nil, "did not keep its schedule"},
		"a closed loop has no schedule": {"concurrency", func(r *results.MeasuredRun) { r.Self.Sent.Last = epoch.Add(11 * time.Second) }, nil, ""},
		"an open loop nearly in time":   {"rate", func(r *results.MeasuredRun) { r.Self.Sent.Last = epoch.Add(10050 * time.Millisecond) }, nil, ""},
		"a short one a moment late": {"rate", func(r *results.MeasuredRun) {
			r.Self.Due.Last, r.Self.Sent.Last = epoch.Add(100*time.Millisecond), epoch.Add(105*time.Millisecond)
		}, nil, ""},
		"all at once is no rate": {"rate", func(r *results.MeasuredRun) { r.Self.Due.Last = epoch }, nil, ""},
	} {
		m := pointOf(tt.shape)
		tt.change(&m.Runs[0])
		got := strings.Join(Instrument(m, tt.c).Invalid, "; ")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// late11 makes every request leave 11 ms late, with that TTFT in ms.
func late11(ttft float64) func(*results.MeasuredRun) {
	return func(r *results.MeasuredRun) {
		r.Window = new(stats.Window)
		late := measured("a", 0)
		late.Sent, late.FirstToken, late.LastToken = record.Some(at(11)), record.Some(at(11+ttft)), record.Some(at(11+ttft))
		r.Window.Observe(late)
	}
}
