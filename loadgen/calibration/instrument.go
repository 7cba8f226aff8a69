package calibration

import (
	"fmt"
	"math"
	"strings"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sketch"
	"tokenomics/internal/stats"
)

// What makes a point's figures the tool's rather than the engine's.
const (
	// A timer that fires so late means that we waited for a core, and stamped
	// what arrived meanwhile by as much too late.
	maxLagP99 = 10 // ms
	// So late a send changes the load: it comes in lumps, or fewer requests are in
	// flight than there are to be. Beside answers that take long it is nothing.
	maxLatenessP99   = 10 // ms
	maxLatenessShare = 0.10
	// An open loop that sends less than it was asked to measured another load.
	// Below a percent the difference is lost among runs.
	minRateShare = 0.99
)

// Instrument is what the tool itself did to a point: its own doings during the
// runs, from c, where there is one of this machine, its errors at such a load,
// and why the figures can't be trusted, if they can't.
func Instrument(m results.Measured, c *Calibration) *results.Instrument {
	var lag sketch.Sketch
	var events, streams int
	var wall, cpu float64
	runs := m.Counted()
	for i := range runs {
		self := &runs[i].Self
		lag.Merge(&self.Lag)
		events, streams = events+self.Events, max(streams, self.InFlight)
		wall, cpu = wall+self.Wall.Seconds(), cpu+self.CPU.Seconds()
	}
	sum := m.Summary()
	in := &results.Instrument{Lateness: sum.ClientQueue, SchedulingLag: stats.QuantilesOf(&lag)}
	if wall > 0 {
		in.EventsPerS = record.Some(float64(events) / wall)
	}
	if wall > 0 && cpu > 0 {
		in.CPUShare = record.Some(cpu / wall / float64(ThisMachine().CPUs))
	}
	if c != nil {
		known(in, c, streams)
	}
	in.Invalid = append(in.Invalid, late(in, sum.TTFT)...)
	in.Invalid = append(in.Invalid, unkept(m)...)
	return in
}

// Late is what shows that this machine had too little time for us, and might have
// it another time: what is known of the load itself is not among it.
func Late(m results.Measured) []string { return Instrument(m, nil).Invalid }

// known adds the errors at such a load.
func known(in *results.Instrument, c *Calibration, streams int) {
	rate := in.EventsPerS.Or(0)
	load := loadName(streams, rate)
	l, covered := c.At(streams, rate)
	if !covered {
		in.Invalid = append(in.Invalid, fmt.Sprintf("%s are more than this machine was calibrated for (%s): "+
			"the tool's own error is not known; run tokenomics calibrate with more --streams", load, l.name()))
		return
	}
	in.Calibrated = l.name()
	if l.TTFTError != nil {
		in.TTFTErrorP99 = record.Some(l.TTFTError.P99)
	}
	if ratio, ok := l.GapRatio.Get(); ok {
		in.GapErrorP99 = record.Some(math.Abs(ratio - 1))
	}
	if missed := l.Shortfalls(); len(missed) > 0 {
		in.Invalid = append(in.Invalid, fmt.Sprintf("%s are more than this machine measures well: its calibration at %s has %s",
			load, l.name(), strings.Join(missed, ", ")))
	}
}

// name is the level's load.
func (l Level) name() string { return loadName(l.Streams, l.EventsPerS.Or(l.Planned)) }

func loadName(streams int, rate float64) string {
	if streams == 1 {
		return fmt.Sprintf("1 stream and %.0f events/s", rate)
	}
	return fmt.Sprintf("%d streams and %.0f events/s", streams, rate)
}

// late is what shows that we waited for a core.
func late(in *results.Instrument, ttft *stats.Quantiles) (why []string) {
	if q := in.SchedulingLag; q != nil && q.P99 > maxLagP99 {
		why = append(why, fmt.Sprintf("our own timers fired late, p99 by %.1f ms (at most %d): this machine had too little time for us, and every time is too long by as much", q.P99, maxLagP99))
	}
	q := in.Lateness
	if q == nil || q.P99 <= maxLatenessP99 || ttft != nil && q.P99 <= maxLatenessShare*ttft.P50 {
		return why
	}
	return append(why, fmt.Sprintf("requests left late, p99 by %.1f ms with connecting (at most %d, or %g %% of the median TTFT): the load was not the one that was asked for", q.P99, maxLatenessP99, 100*maxLatenessShare))
}

// unkept is what shows that an open loop fell behind its schedule. In a short one
// a moment is a percent: what is no lateness to speak of does not count.
func unkept(m results.Measured) (why []string) {
	if m.Load.Shape != "rate" && m.Load.Shape != "trace" {
		return nil
	}
	for _, r := range m.Counted() {
		due, sent := r.Self.Due.Length(), r.Self.Sent.Length()
		if due == 0 {
			continue // all at once is no rate
		}
		if share := due.Seconds() / sent.Seconds(); share < minRateShare && ms(sent-due) > maxLatenessP99 {
			why = append(why, fmt.Sprintf("run %d did not keep its schedule: requests left at %.1f %% of the rate that was asked for", r.Number, 100*share))
		}
	}
	return why
}
