package stats

import (
	"math"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// flying is a stream of so many tokens, sent at start ms with inFlight others
// before it and itself.
func flying(start, ttft, e2e float64, tokens int64, inFlight int) *record.Record {
	r := stream(start, ttft, e2e, 10, tokens)
	r.InFlight = inFlight
	return r
}

func TestSeconds(t *testing.T) {
	w := Window{Begin: epoch}
	w.Observe(flying(0, 500, 2500, 21, 1))  // 1 token at 0.5 s, 20 until 2.5 s
	w.Observe(flying(1000, 200, 900, 8, 2)) // 8 tokens within the second second
	failed := flying(4000, 100, 300, 0, 1)
	failed.Outcome, failed.FirstToken = record.Error, record.Offset{}
	w.Observe(failed)
	list := w.Seconds(epoch)
	want := []Second{
		{T: 0, Sent: 1, InFlight: 1, OutputTokens: 6, TTFT: record.Some(500.0)},
		{T: 1, Sent: 1, Done: 1, InFlight: 2, OutputTokens: 18, TTFT: record.Some(200.0)},
		{T: 2, Done: 1, InFlight: 1, OutputTokens: 5},
		{T: 3},
		{T: 4, Sent: 1, Failed: 1, InFlight: 1},
	}
	if len(list) != len(want) {
		t.Fatalf("%d seconds, want %d", len(list), len(want))
	}
	for i, s := range list {
		if s.T != want[i].T || s.Sent != want[i].Sent || s.Done != want[i].Done || s.Failed != want[i].Failed ||
			s.InFlight != want[i].InFlight || math.Abs(s.OutputTokens-want[i].OutputTokens) > 0.1 || s.TTFT != want[i].TTFT {
			t.Errorf("second %d: %+v, want %+v", i, s, want[i])
		}
	}
	sum := w.Summary()
	if sum.PeakInFlight != 2 {
		t.Errorf("peak %d", sum.PeakInFlight)
	}
	if v := sum.MaxTokS.Or(0); math.Abs(v-18) > 0.6 { // 10/s of one and 8 of the other
		t.Errorf("most tokens in a second %v", v)
	}
}

// TestLongRunsStayBounded: a day of requests has as many seconds as two hours.
func TestLongRunsStayBounded(t *testing.T) {
	var w Window
	const n = 24 * 60
	for i := range n {
		w.Observe(flying(float64(i)*60_000, 500, 1500, 11, 1))
	}
	list := w.Seconds(epoch)
	sent, tokens := 0, 0.0
	for i, s := range list {
		sent, tokens = sent+s.Sent, tokens+s.OutputTokens
		if s.Width != 16 || s.T != 16*float64(i) {
			t.Fatalf("step %d begins at %v and is %v wide", i, s.T, s.Width)
		}
	}
	if len(w.timeline.cells) > maxCells || len(list) > maxSeconds || len(w.blocks.cells) > maxBlocks {
		t.Errorf("%d cells, %d seconds, %d blocks", len(w.timeline.cells), len(list), len(w.blocks.cells))
	}
	if sent != n || math.Abs(tokens-11*n) > 1e-6*n {
		t.Errorf("%d requests and %v tokens are left of %d and %d", sent, tokens, n, 11*n)
	}
	if v := w.Summary().MaxTokS.Or(0); v < 11.0/4 || v > 11 {
		t.Errorf("most tokens in a second: %v", v)
	}
}

// TestArrivals: where tokens are put when the Record has their timeline, and
// when it has none.
func TestArrivals(t *testing.T) {
	event := func(ms, tokens int) record.Event {
		return record.Event{At: time.Duration(ms) * time.Millisecond, Tokens: tokens}
	}
	for _, c := range []struct {
		name   string
		change func(*record.Record)
		want   [3]float64 // tokens of the first three seconds
	}{
		{"spread evenly after the first event", func(*record.Record) {}, [3]float64{11, 20, 0}},
		{"five tokens in the first event", func(r *record.Record) { r.FirstTokens = record.Some(int64(5)) }, [3]float64{5 + 26.0/3, 52.0 / 3, 0}},
		{"counted events", func(r *record.Record) { r.Timeline = []record.Event{event(100, 1), event(2100, 30)} }, [3]float64{1, 0, 30}},
		{"events that are not counted", func(r *record.Record) {
			r.Timeline = []record.Event{event(100, 0), event(1100, 3), event(2100, 0)}
		}, [3]float64{31.0 / 3, 31.0 / 3, 31.0 / 3}},
		{"counted events, and a total of nobody", func(r *record.Record) {
			r.Timeline, r.Usage = []record.Event{event(100, 2), event(1100, 3)}, record.Usage{}
		}, [3]float64{2, 3, 0}},
		{"in one piece", func(r *record.Record) { r.Stream = false }, [3]float64{0, 0, 31}},
		{"a single instant", func(r *record.Record) { r.LastToken = r.FirstToken }, [3]float64{31, 0, 0}},
		{"tokens that nobody told", func(r *record.Record) { r.Usage = record.Usage{} }, [3]float64{}},
	} {
		r := flying(0, 499, 1998, 31, 1) // the first token at 0.5 s, the last at 2 s
		c.change(r)
		w := Window{Begin: epoch}
		w.Observe(r)
		var got [3]float64
		for i, s := range w.Seconds(epoch) {
			got[i] = s.OutputTokens
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 0.4 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// TestSteadyState: 4 streams of 10 tokens/s each, kept going by a new one for
// each that ends, and a ramp on either side that does not count.
func TestSteadyState(t *testing.T) {
	run := func(target, n int) *Window {
		w := &Window{Target: target}
		for i := range n {
			// one every 500 ms, each 2 s long
			w.Observe(flying(float64(i)*500, 100, 2000, 20, min(i+1, 4)))
		}
		return w
	}
	s := run(4, 40).Summary()
	if v, ok := s.SteadyTokS.Get(); !ok || math.Abs(v-40) > 1 {
		t.Errorf("steady state %v, %v; want 40 tok/s", v, ok)
	}
	if v := s.OutputTokS.Or(0); v > 39 {
		t.Errorf("over all of it %v tok/s: the ramps are not in it", v)
	}
	if v := Pool(run(4, 40), run(4, 20)).Summary().SteadyTokS.Or(0); math.Abs(v-40) > 1 {
		t.Errorf("pooled: %v tok/s", v)
	}
	for name, w := range map[string]*Window{
		"a burst": run(0, 40), "a target never reached": run(5, 40), "a span shorter than the requests": run(4, 7),
	} {
		if v, ok := w.Summary().SteadyTokS.Get(); ok {
			t.Errorf("%s has a steady state, of %v tok/s", name, v)
		}
	}
}
