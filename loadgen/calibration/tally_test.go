package calibration

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sim"
	"tokenomics/internal/stats"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// truthOf is what a simulator knows of a request that it had 1 ms after epoch,
// and whose one-token events it wrote so long after that.
func truthOf(id string, events ...float64) *sim.Truth {
	t := &sim.Truth{RequestID: id, ReceivedUnixNS: epoch.Add(at(1)).UnixNano(), CompletionTokens: len(events)}
	t.Events = append(t.Events, sim.TruthEvent{Kind: sim.EventRole})
	for _, e := range events {
		t.Events = append(t.Events, sim.TruthEvent{AtNS: int64(at(e)), Kind: sim.EventToken, Tokens: 1})
	}
	return t
}

// measured is the Record of a request that left 1 ms after it was due, and
// whose events came so long after that.
func measured(id string, events ...float64) *record.Record {
	r := &record.Record{RequestID: id, Start: epoch, Outcome: record.Complete, Events: len(events) + 3}
	r.Stream = true
	r.Scheduled, r.Sent = record.Some(time.Duration(0)), record.Some(at(1))
	for _, e := range events {
		r.Timeline = append(r.Timeline, record.Event{At: at(1 + e), Tokens: 1})
	}
	if n := len(events); n > 0 {
		r.FirstToken, r.LastToken = record.Some(at(1+events[0])), record.Some(at(1+events[n-1]))
		r.Usage.Completion = record.Some(int64(n))
	}
	return r
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

// TestPlantedErrors: each error that is planted comes out as what it is.
func TestPlantedErrors(t *testing.T) {
	truth := map[string]*sim.Truth{}
	for _, one := range []*sim.Truth{truthOf("exact", 50, 60, 70), truthOf("late", 50, 60, 70), truthOf("short", 50, 60, 70), truthOf("lost", 50, 60, 70)} {
		truth[one.RequestID] = one
	}
	var tally Tally
	tally.Observe(measured("exact", 50, 60, 70))
	tally.Observe(measured("late", 53, 68, 72)) // gaps of 15 and 4 where 10 and 10 are true
	tally.Observe(measured("short", 50, 60))    // an event and a token are missing
	tally.Observe(measured("stranger", 50, 60, 70))
	lost := measured("lost")
	lost.Outcome = record.Truncated
	tally.Observe(lost)

	l := tally.Against(truth)
	if l.Requests != 5 || l.Failed != 1 || l.Unjoined != 1 || l.TokenErrors != 1 || l.EventErrors != 1 {
		t.Errorf("counts: %+v", l)
	}
	if q := l.TTFTError; q.N != 2 || q.Min != 0 || !near(q.Max, 3) {
		t.Errorf("TTFT error %+v, want 0 and 3", q)
	}
	if q := l.E2EError; q.N != 2 || q.Min != 0 || !near(q.Max, 2) {
		t.Errorf("E2E error %+v, want 0 and 2", q)
	}
	if q := l.GapError; q.N != 4 || !near(q.Mean, (5+6)/4.0) || !near(q.Max, 6) {
		t.Errorf("gap error %+v, want 0, 0, 5 and 6", q)
	}
	if !near(l.Gap.P99, 15) || !near(l.TrueGap.P99, 10) || !near(l.GapRatio.Or(0), 1.5) {
		t.Errorf("gaps %+v of %+v, ratio %v", l.Gap, l.TrueGap, l.GapRatio)
	}
	if q := l.Stamp; q.N != 6 || !near(q.Max, 8) || q.Min != 0 {
		t.Errorf("stamps %+v, want 3, 8, 2 and three exact ones", q)
	}
	// All of one second: 8 token events of three requests, and three others of each.
	if got := l.EventsPerS.Or(0); !near(got, 8+9) {
		t.Errorf("%v events/s, want 17", got)
	}
}

// TestTheFinishEventEndsAnAnswer: it is what E2E ends with, and no token event.
func TestTheFinishEventEndsAnAnswer(t *testing.T) {
	truth := truthOf("a", 50, 60)
	truth.Events = append(truth.Events, sim.TruthEvent{AtNS: int64(at(75)), Kind: sim.EventFinish}, sim.TruthEvent{AtNS: int64(at(90)), Kind: sim.EventUsage})
	r := measured("a", 50, 60)
	r.LastToken = record.Some(at(1 + 75))
	var tally Tally
	tally.Observe(r)
	if l := tally.Against(map[string]*sim.Truth{"a": truth}); l.E2EError.Max != 0 || l.EventErrors != 0 {
		t.Errorf("%+v", l)
	}
}

func TestReadTruth(t *testing.T) {
	line, err := json.Marshal(truthOf("a", 50))
	if err != nil {
		t.Fatal(err)
	}
	truth, err := ReadTruth(strings.NewReader(string(line) + "\n"))
	if err != nil || len(truth["a"].Events) != 2 {
		t.Fatalf("%v, %v", truth, err)
	}
	for name, text := range map[string]string{"empty": "", "cut": string(line[:20])} {
		if _, err := ReadTruth(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTook(t *testing.T) {
	run := results.MeasuredRun{Window: new(stats.Window)}
	run.Window.Observe(measured("a", 50, 60))
	run.Self.Wall, run.Self.CPU, run.Self.Events = 10*time.Second, 4*time.Second, 1000
	run.Self.Lag.Add(3)
	var l Level
	l.Took(run, 2*time.Second, record.Some(0.5), 2)
	for name, v := range map[string]struct{ got, want float64 }{
		"events per CPU-second": {l.EventsPerCPUS.Or(-1), 250},
		"our share":             {l.ClientCPU.Or(-1), 0.2},
		"the simulator's":       {l.SimCPU.Or(-1), 0.1},
		"the others'":           {l.OtherCPU.Or(-1), 0.2},
		"lateness":              {l.Lateness.Max, 1},
		"lag":                   {l.Lag.Max, 3},
	} {
		if !near(v.got, v.want) {
			t.Errorf("%s is %v, want %v", name, v.got, v.want)
		}
	}
	run.Self.CPU = 0
	var untold Level
	untold.Took(run, 0, record.Opt[float64]{}, 2)
	if untold.EventsPerCPUS.Ok() || untold.ClientCPU.Ok() || untold.SimCPU.Ok() || untold.OtherCPU.Ok() {
		t.Errorf("what the system does not tell is there: %+v", untold)
	}
}
