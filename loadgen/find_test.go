package loadgen

import (
	"fmt"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// planted is what a server with a knee would be measured as at a load.
func planted(l results.Load, ttft time.Duration) results.Measured {
	r := &record.Record{Outcome: record.Complete, Start: time.Unix(0, 0), Sent: record.Some(time.Duration(0)), FirstToken: record.Some(ttft), LastToken: record.Some(2 * ttft), End: record.Some(2 * ttft)}
	r.Stream = true
	if ttft > 500*time.Millisecond {
		r.InFlight = 2 // it was late because it waited for another
	}
	m := results.Measured{Name: fmt.Sprint(LoadOf(results.Measured{Load: l})), Load: l, Runs: []results.MeasuredRun{{Number: 1, Window: new(stats.Window)}}}
	m.Runs[0].Window.Observe(r)
	return m
}

// TestFindsThePlantedKnee: latency grows with the load, and the search ends at
// the highest that is allowed.
func TestFindsThePlantedKnee(t *testing.T) {
	bounds, err := stats.ParseBounds("ttft_p99=500ms")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		find   Find
		ttft   func(load float64) float64 // ms
		lo, hi float64                    // where the knee must be found; 0 = nowhere
		tries  int
	}{
		{"whole loads", Find{Whole: true, From: 1, Most: 1024}, func(l float64) float64 { return 5 * l }, 95, 100, 14},
		{"few", Find{Whole: true, From: 1, Most: 1024}, func(l float64) float64 { return 170 * l }, 2, 2, 4},
		{"one", Find{Whole: true, From: 8, Most: 1024}, func(l float64) float64 { return 400 * l }, 1, 1, 6},
		{"not even one", Find{Whole: true, From: 4, Most: 1024}, func(float64) float64 { return 600 }, 0, 0, 5},
		{"all", Find{Whole: true, From: 1, Most: 100}, func(float64) float64 { return 1 }, 100, 100, 9},
		{"rates", Find{From: 1, Most: 1e4}, func(l float64) float64 { return 10 * l }, 47, 50, 14},
		{"rates below the first", Find{From: 1, Most: 1e4}, func(l float64) float64 { return 2000 * l }, 0.23, 0.25, 9},
		{"no rate", Find{From: 1, Most: 1e4}, func(float64) float64 { return 600 }, 0, 0, 12},
		{"rates no nearer than three digits tell", Find{From: 1, Most: 1e4, Within: 1e-6}, func(l float64) float64 { return 10 * l }, 50, 50, 30},
		{"no rate below the least", Find{From: 1, Most: 1e4, Least: 0.2}, func(float64) float64 { return 600 }, 0, 0, 3},
	} {
		tt.find.Bounds = bounds
		if tt.find.Within == 0 {
			tt.find.Within = 0.05
		}
		tt.find.Make = func(load float64) Point {
			if tt.find.Whole {
				return Point{Load: results.Load{Shape: ShapeConcurrency, MaxConcurrency: int(load)}}
			}
			return Point{Load: results.Load{Shape: ShapeRate, RequestRate: results.Rate(load)}}
		}
		var done []results.Measured
		for p, ok := tt.find.Next(done); ok; p, ok = tt.find.Next(done) {
			load := LoadOf(results.Measured{Load: p.Load})
			done = append(done, planted(p.Load, time.Duration(tt.ttft(load)*float64(time.Millisecond))))
			if len(done) > tt.tries {
				t.Fatalf("%s: more than %d tries, the last %v", tt.name, tt.tries, load)
			}
		}
		knee, ok := tt.find.Knee(done)
		if load := LoadOf(knee); ok != (tt.hi > 0) || load < tt.lo || load > tt.hi {
			t.Errorf("%s: found %v, %v; want %v to %v", tt.name, load, ok, tt.lo, tt.hi)
		}
	}
}

func TestFindRepeatsNearTheEdge(t *testing.T) {
	bounds, err := stats.ParseBounds("ttft_p99=500ms,e2e_max=5s")
	if err != nil {
		t.Fatal(err)
	}
	f := Find{Bounds: bounds, Runs: 3}
	for ms, want := range map[int]bool{300: true, 470: false, 520: false, 600: true} {
		if got := f.Enough(planted(results.Load{}, time.Duration(ms)*time.Millisecond)); got != want {
			t.Errorf("%d ms: enough %v", ms, got)
		}
	}
}

// TestFindNeedsSuccess: a server that fails quickly has no good latency.
func TestFindNeedsSuccess(t *testing.T) {
	f := Find{MaxFails: 0.01}
	m := planted(results.Load{}, time.Millisecond)
	m.Runs[0].Window.Observe(&record.Record{Outcome: record.Error, Error: "full"})
	if ok, why := f.Good(m); ok || why != "50.0 % of requests failed" {
		t.Errorf("%v, %q", ok, why)
	}
}

// TestFindTrustsNoDoubtfulPoint, however good its figures are.
func TestFindTrustsNoDoubtfulPoint(t *testing.T) {
	f := Find{Doubts: func(results.Measured) []string { return []string{"the tool was too slow"} }}
	if ok, why := f.Good(planted(results.Load{}, time.Millisecond)); ok || why != "the tool was too slow" {
		t.Errorf("%v, %q", ok, why)
	}
}

// TestFindTellsWhatEndedIt: where the load above the knee was but doubted, the
// engine may do more.
func TestFindTellsWhatEndedIt(t *testing.T) {
	bounds, err := stats.ParseBounds("ttft_p99=500ms")
	if err != nil {
		t.Fatal(err)
	}
	doubted := func(m results.Measured) []string {
		if LoadOf(m) > 2 {
			return []string{"the tool was too slow"}
		}
		return nil
	}
	for _, tt := range []struct {
		name           string
		ttft           time.Duration // of 4 in flight; 2 are good
		doubts         func(results.Measured) []string
		doubted, bound bool
	}{
		{"nothing too much", 100 * time.Millisecond, nil, false, true},
		{"by the engine", time.Second, nil, false, true},
		{"by the engine, and doubted", time.Second, doubted, false, true},
		{"by doubts alone", 100 * time.Millisecond, doubted, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Find{Bounds: bounds, Doubts: tt.doubts}
			done := []results.Measured{
				planted(results.Load{Shape: ShapeConcurrency, MaxConcurrency: 2}, 100*time.Millisecond),
				planted(results.Load{Shape: ShapeConcurrency, MaxConcurrency: 4}, tt.ttft),
			}
			if got := f.Doubted(done[1]); got != tt.doubted {
				t.Errorf("doubted %v", got)
			}
			if got := f.Bound(done); got != tt.bound {
				t.Errorf("bound %v", got)
			}
		})
	}
}

// TestFindWantsWholeAnswers: what was broken off because it took too long is in
// no latency, and what a user stopped says nothing.
func TestFindWantsWholeAnswers(t *testing.T) {
	f := Find{MaxFails: 0.01}
	m := planted(results.Load{}, time.Millisecond)
	m.Runs[0].Window.Observe(&record.Record{Outcome: record.ClientAbort})
	if ok, why := f.Good(m); !ok {
		t.Errorf("stopped: %q", why)
	}
	m.Runs[0].Window.Observe(&record.Record{Outcome: record.ClientAbort, ErrorType: record.BrokenOff})
	if ok, why := f.Good(m); ok || why != "50.0 % of requests had not ended when the grace period was over" {
		t.Errorf("broken off: %v, %q", ok, why)
	}
}

// TestFindTrustsNoShortRun of an open loop: that its queue did not grow in a
// moment says nothing. Where it never had more than one request there was none.
func TestFindTrustsNoShortRun(t *testing.T) {
	f := Find{}
	for inFlight, good := range map[int]bool{1: true, 2: false} {
		m := planted(results.Load{Shape: ShapeRate, RequestRate: 100}, time.Millisecond)
		m.Runs[0].Window.Observe(&record.Record{Outcome: record.Complete, Start: time.Unix(1, 0), Sent: record.Some(time.Duration(0)), InFlight: inFlight, End: record.Some(time.Millisecond)})
		if ok, why := f.Good(m); ok != good || !ok && why != "its runs were too short to tell whether it can be sustained" {
			t.Errorf("%d in flight: %v, %q", inFlight, ok, why)
		}
	}
}

// TestFindLooksForNothingBelowASingleRequest, which is as fast as it gets.
func TestFindLooksForNothingBelowASingleRequest(t *testing.T) {
	bounds, err := stats.ParseBounds("ttft_p99=500ms")
	if err != nil {
		t.Fatal(err)
	}
	f := Find{From: 1, Most: 8, Within: 0.05, Bounds: bounds}
	m := results.Measured{Load: results.Load{Shape: ShapeRate, RequestRate: 1}, Runs: []results.MeasuredRun{{Number: 1, Window: new(stats.Window)}}}
	m.Runs[0].Window.Observe(&record.Record{Outcome: record.Complete, Start: time.Unix(0, 0), Sent: record.Some(time.Duration(0)), End: record.Some(time.Second)})
	if load, ok := f.next([]results.Measured{m}); ok {
		t.Errorf("%v is tried", load)
	}
}
