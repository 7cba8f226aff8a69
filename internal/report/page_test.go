package report

import (
	"slices"
	"testing"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sketch"
	"tokenomics/internal/stats"
)

func TestPercentiles(t *testing.T) {
	var s sketch.Sketch
	for i := range 100 {
		s.Add(float64(i + 1))
	}
	at := func(list []*float64, rank float64) float64 {
		if v := list[slices.Index(ranks, rank)]; v != nil {
			return *v
		}
		return -1
	}
	few, all := percentiles(stats.QuantilesOf(&s), nil), percentiles(stats.QuantilesOf(&s), &s)
	for _, tt := range []struct{ rank, few, all float64 }{
		{0, 1, 1}, {0.3, -1, 30}, {0.5, 50, 50}, {0.9, 90, 90}, {0.97, -1, 97}, {0.99, 99, 99},
		{0.995, -1, -1}, // of 100 samples none is above it alone
		{0.999, -1, -1},
	} {
		if a, b := at(few, tt.rank), at(all, tt.rank); a != tt.few || b != tt.all {
			t.Errorf("p%v: %v from the file's figures and %v from the sketch, want %v and %v", 100*tt.rank, a, b, tt.few, tt.all)
		}
	}
}

func TestCoarse(t *testing.T) {
	short := make([]results.Second, maxSeconds)
	if every, got := coarse(short); every != 1 || len(got) != maxSeconds {
		t.Errorf("%d seconds became %d of %v s", len(short), len(got), every)
	}
	var long []results.Second
	for i := range maxSeconds + 1 {
		long = append(long, results.Second{T: float64(i), Sent: 1, Done: 2, Failed: 3, InFlight: i % 2, OutputTokens: 4, TTFT: record.Some(1.0)})
	}
	every, got := coarse(long)
	want := results.Second{T: 2, Sent: 2, Done: 4, Failed: 6, InFlight: 1, OutputTokens: 8}
	if every != 2 || len(got) != maxSeconds/2+1 || got[1] != want {
		t.Errorf("%d entries of %v s, the second %+v, want %+v", len(got), every, got[1], want)
	}
}

func TestSpent(t *testing.T) {
	mean := func(v float64) *stats.Quantiles { return &stats.Quantiles{Mean: v} }
	of := func(n, v float64) *stats.Quantiles { return &stats.Quantiles{N: n, Mean: v} }
	engine := &results.EngineSide{Queue: some(10), Prefill: some(20), Decode: some(60)}
	for _, tt := range []struct {
		name  string
		point results.Point
		want  map[string]float64
	}{
		{"told by the engine", results.Point{Figures: results.Figures{ClientQueue: mean(1), TTFT: mean(35), E2E: mean(100)}, EngineSide: engine},
			map[string]float64{partClient: 1, partQueue: 10, partPrefill: 20, partDecode: 60, partOther: 10}},
		{"an engine that counts more than the client saw", results.Point{Figures: results.Figures{E2E: mean(80)}, EngineSide: engine},
			map[string]float64{partQueue: 10, partPrefill: 20, partDecode: 60}},
		{"seen from outside", results.Point{Figures: results.Figures{TTFT: mean(35), E2E: mean(100)}},
			map[string]float64{partToFirst: 35, partToLast: 65}},
		{"through a proxy", results.Point{Figures: results.Figures{TTFT: mean(35), E2E: mean(100)}, Hop: &results.Hop{HopE2E: some(3)}},
			map[string]float64{partHop: 3, partToFirst: 32, partToLast: 65}},
		{"through a proxy, told by the engine", results.Point{Figures: results.Figures{E2E: mean(100)}, EngineSide: engine, Hop: &results.Hop{HopE2E: some(3)}},
			map[string]float64{partQueue: 10, partPrefill: 20, partDecode: 60, partHop: 3, partOther: 7}},
		{"not streamed", results.Point{Figures: results.Figures{E2E: mean(100)}}, map[string]float64{partWhole: 100}},
		{"told by answers, which come before metrics", results.Point{Figures: results.Figures{E2E: mean(100), EngineTimes: stats.EngineTimes{
			EngineQueue: of(4, 5), EnginePrefill: of(4, 25), EngineDecode: of(4, 50), EngineTime: of(4, 80), OutsideEngine: of(4, 20)}}, EngineSide: engine, Hop: &results.Hop{HopE2E: some(3)}},
			map[string]float64{partQueue: 5, partPrefill: 25, partDecode: 50, partHop: 3, partOther: 17}},
		{"told by answers, prefill by half of them, and a total", results.Point{Figures: results.Figures{E2E: mean(100), EngineTimes: stats.EngineTimes{
			EngineLoad: of(4, 1), EnginePrefill: of(2, 20), EngineDecode: of(4, 50), EngineTime: of(4, 90), OutsideEngine: of(4, 10)}}},
			map[string]float64{partLoad: 1, partPrefill: 10, partDecode: 50, partEngine: 29, partOther: 10}},
		{"told by answers that do not tell prefill and decode apart", results.Point{Figures: results.Figures{E2E: mean(100), EngineTimes: stats.EngineTimes{
			EngineQueue: of(4, 5), EngineCompute: of(4, 70), EngineTime: of(4, 80), OutsideEngine: of(4, 20)}}},
			map[string]float64{partQueue: 5, partCompute: 70, partEngine: 5, partOther: 20}},
		{"told by answers, but a total alone", results.Point{Figures: results.Figures{TTFT: mean(35), E2E: mean(100), EngineTimes: stats.EngineTimes{
			EngineTime: of(4, 80), OutsideEngine: of(4, 20)}}}, map[string]float64{partToFirst: 35, partToLast: 65}},
		{"told by answers, in a file that lacks what they come to", results.Point{Figures: results.Figures{E2E: mean(100), EngineTimes: stats.EngineTimes{
			EngineCompute: of(4, 70), OutsideEngine: of(4, 20)}}}, map[string]float64{partWhole: 100}},
		{"all failed", results.Point{}, map[string]float64{}},
	} {
		s := spentAt(&tt.point)
		total := 0.0
		for _, p := range s.Parts {
			total += p.MS
			if p.MS != tt.want[p.Name] {
				t.Errorf("%s: %s is %v, want %v", tt.name, p.Name, p.MS, tt.want[p.Name])
			}
		}
		if len(s.Parts) != len(tt.want) || s.Total != total {
			t.Errorf("%s: %d parts of %v ms, want %d", tt.name, len(s.Parts), s.Total, len(tt.want))
		}
	}
}

// TestSpentLine: a line says whose account it is, and there is none without one.
func TestSpentLine(t *testing.T) {
	of := func(v float64) *stats.Quantiles { return &stats.Quantiles{N: 3, Mean: v} }
	figures := results.Figures{Succeeded: 4, TTFT: of(35), E2E: of(100)}
	side := &results.EngineSide{Queue: some(10), Prefill: some(20), Decode: some(60)}
	told := figures
	told.EngineTimes = stats.EngineTimes{EnginePrefill: of(25), EngineDecode: of(50), EngineTime: of(75), OutsideEngine: of(25)}
	for _, tt := range []struct {
		name  string
		point results.Point
		want  string
	}{
		{"by answers", results.Point{Figures: told, EngineSide: side},
			"where the mean request's 100 ms went: prefill 25.0, decode 50.0, queue, network and rest 25.0 (as the engine's answers tell, 3 of 4 requests)"},
		{"by metrics", results.Point{Figures: figures, EngineSide: side},
			"where the mean request's 100 ms went: engine queue 10.0, prefill 20.0, decode 60.0, network and rest 10.0 (by the engine's metrics, over all its clients)"},
		{"by nobody", results.Point{Figures: figures}, ""},
		{"of nothing", results.Point{}, ""},
	} {
		if got := SpentLine(&tt.point); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestLabels(t *testing.T) {
	named := func(name, description string) Named {
		return Named{name, &results.Results{Metadata: results.Metadata{Description: description}}}
	}
	for _, tt := range []struct {
		name  string
		files []Named
		want  []string
	}{
		{"descriptions of their own", []Named{named("a", "x"), named("b", "y")}, []string{"x", "y"}},
		{"the same description", []Named{named("a", "x"), named("b", "x")}, []string{"a", "b"}},
		{"one without", []Named{named("a", "x"), named("b", "")}, []string{"a", "b"}},
	} {
		if got := labels(tt.files); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAxis(t *testing.T) {
	at := func(loads ...*results.Load) Named {
		r := new(results.Results)
		for _, l := range loads {
			r.Results = append(r.Results, results.Point{Name: "7", Load: l})
		}
		return Named{"r", r}
	}
	var inf results.Rate
	if err := inf.UnmarshalJSON([]byte(`"inf"`)); err != nil {
		t.Fatal(err)
	}
	rate := func(r results.Rate) *results.Load { return &results.Load{Shape: "rate", RequestRate: r} }
	for _, tt := range []struct {
		name  string
		files []Named
		title string
		want  []string
	}{
		{"rates, the infinite one last", []Named{at(rate(inf), rate(2.5)), at(rate(10))}, "requests per second", []string{"2.5", "10", "inf"}},
		{"of an older file", []Named{at(nil)}, "batch size", []string{"7"}},
		{"batches", []Named{at(&results.Load{Shape: "batch", BatchSize: 8})}, "batch size", []string{"8"}},
		{"a trace", []Named{at(&results.Load{Shape: "trace"})}, "trace", []string{"7"}},
		{"mixed", []Named{at(rate(1)), at(&results.Load{Shape: "concurrency", MaxConcurrency: 4})}, "load", []string{"concurrency 4", "requests per second 1"}},
	} {
		if a := axisOf(tt.files); a.Title != tt.title || !slices.Equal(a.Loads, tt.want) {
			t.Errorf("%s: %+v, want %s %q", tt.name, a, tt.title, tt.want)
		}
	}
}

// TestSLOsOfOpenLoops: a bound is drawn where it is judged.
func TestSLOsOfOpenLoops(t *testing.T) {
	closed := results.Point{Name: "1", Figures: results.Figures{TTFT: &stats.Quantiles{P99: 1}}}
	open := closed
	open.TTFTSched = &stats.Quantiles{P99: 100}
	bounds := bounded(t, "ttft_p99=50ms,tpot_p99_9=5ms")
	for _, tt := range []struct {
		name   string
		points results.Points
		want   []slo
	}{
		{"closed", results.Points{closed}, []slo{{"ttft_ms", "p99", 50, "ttft_p99=50ms"}, {"tpot_ms", "p99_9", 5, "tpot_p99_9=5ms"}}},
		{"open", results.Points{open}, []slo{{"ttft_sched_ms", "p99", 50, "ttft_p99=50ms"}, {"tpot_ms", "p99_9", 5, "tpot_p99_9=5ms"}}},
		{"both", results.Points{closed, open}, []slo{{"ttft_ms", "p99", 50, "ttft_p99=50ms"}, {"ttft_sched_ms", "p99", 50, "ttft_p99=50ms"}, {"tpot_ms", "p99_9", 5, "tpot_p99_9=5ms"}}},
	} {
		if got := slosOf(bounds, []Named{{"r", &results.Results{Results: tt.points}}}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if met(&open, bounds[:1]) || !met(&closed, bounds[:1]) {
		t.Error("an open loop is not judged from the moment requests were due")
	}
}
