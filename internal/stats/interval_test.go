package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

func TestOverRuns(t *testing.T) {
	// The interval of 1..5: 3 +- t(0.975, 4) * sd/sqrt(5), from a table of t.
	iv, ok := OverRuns([]float64{1, 2, 3, 4, 5})
	if want := 2.7764451 * math.Sqrt(2.5) / math.Sqrt(5); !ok || iv.Mean != 3 || math.Abs(iv.Half-want) > 1e-6 || iv.N != 5 || iv.Confidence != 0.95 {
		t.Errorf("%+v, %v; want 3 +- %v", iv, ok, want)
	}
	if _, ok := OverRuns([]float64{1, 2}); ok {
		t.Error("two runs have an interval")
	}
}

func TestTight(t *testing.T) {
	runs := func(values ...float64) (list []Summary) {
		for _, v := range values {
			list = append(list, Summary{OutputTokS: record.Some(v)})
		}
		return list
	}
	for _, c := range []struct {
		name   string
		figure string
		runs   []Summary
		within float64
		want   bool
	}{
		{"tight", "output_tok_s", runs(100, 101, 99, 100, 100), 0.02, true},
		{"not that tight", "output_tok_s", runs(100, 101, 99, 100, 100), 0.005, false},
		{"wide", "output_tok_s", runs(100, 120, 80, 100, 100), 0.02, false},
		{"too few runs to stop on", "output_tok_s", runs(100, 100, 100, 100), 0.02, false},
		{"a figure that runs don't have", "ttft_p99", runs(100, 100, 100, 100, 100), 0.02, false},
		{"no figure", "speed", runs(100, 100, 100, 100, 100), 0.02, false},
	} {
		if got, iv := Tight(c.figure, c.runs, c.within); got != c.want {
			t.Errorf("%s: %v, %+v", c.name, got, iv)
		}
	}
}

// TestCoverage: how often intervals hold the true value, for runs as replicates
// and within one run of a queue at 0.5, whose neighbouring requests wait
// together. The mean time in an M/M/1 queue is 1/(1-load) services, and its
// percentiles those of the exponential distribution. An interval that took
// requests for independent would hold the mean in some 60 % of runs.
func TestCoverage(t *testing.T) {
	const (
		sims = 100
		load = 0.5
		mean = 1000 / (1 - load)
	)
	held := map[string]int{}
	told := map[string]int{}
	hold := func(name string, iv Interval, ok bool, truth float64) {
		if ok {
			told[name]++
			if math.Abs(iv.Mean-truth) <= iv.Half {
				held[name]++
			}
		}
	}
	for seed := range uint64(sims) {
		w := simulated{servers: 1, load: load, n: 2000}.run(seed)
		m := Intervals([]*Window{w})
		for name, truth := range map[string]float64{"e2e_mean": mean, "e2e_p50": mean * math.Ln2, "e2e_p99": mean * math.Log(100)} {
			iv, ok := m[name]
			hold(name, iv, ok, truth)
		}
		rng := rand.New(rand.NewPCG(9, seed))
		var runs []float64
		for range 4 {
			runs = append(runs, 50+rng.NormFloat64())
		}
		iv, ok := OverRuns(runs)
		hold("runs", iv, ok, 50)
	}
	for name, least := range map[string]float64{"runs": 0.91, "e2e_mean": 0.85, "e2e_p50": 0.85, "e2e_p99": 0.75} {
		share := float64(held[name]) / sims
		t.Logf("%s: held in %.2f", name, share)
		if told[name] != sims || share < least {
			t.Errorf("%s: told in %d of %d, held in %.2f, want %.2f", name, told[name], sims, share, least)
		}
	}
}

func TestIntervals(t *testing.T) {
	w := func(seed uint64) *Window { return simulated{servers: 4, load: 0.5, n: 400}.run(seed) }
	one, again := Intervals([]*Window{w(1)}), Intervals([]*Window{w(1)})
	if one["e2e_p90"].Method != "block bootstrap" || one["e2e_mean"].Method != "batch means" || one["e2e_p90"] != again["e2e_p90"] {
		t.Errorf("within a run %+v, again %+v", one["e2e_p90"], again["e2e_p90"])
	}
	if _, ok := one["e2e_p99"]; ok {
		t.Error("a p99 with four samples beyond it has an interval")
	}
	three := Intervals([]*Window{w(1), w(2), w(3)})
	if iv := three["e2e_p99"]; iv.N != 3 || iv.Method != "student-t over runs" {
		t.Errorf("over runs %+v", iv)
	}
	if iv := three["requests_per_s"]; iv.N != 3 || iv.Half <= 0 {
		t.Errorf("a rate over runs %+v", iv)
	}
	burst := new(Window)
	for range 500 {
		burst.Observe(stream(0, 100, 1100, 10, 11))
	}
	if m := Intervals([]*Window{burst}); len(m) != 0 {
		t.Errorf("a burst has intervals: %v", m)
	}
	steady := &Window{Target: 4}
	for i := range 100 {
		steady.Observe(flying(float64(i)*500, 100, 2000, 20, min(i+1, 4)))
	}
	if iv, ok := Intervals([]*Window{steady})["steady_state_tok_s"]; !ok || math.Abs(iv.Mean-40) > 1 || iv.N != 20 {
		t.Errorf("steady state: %+v, %v", iv, ok)
	}
}

func TestFigureNamed(t *testing.T) {
	var w Window
	w.Observe(stream(0, 100, 1100, 10, 11))
	s := w.Summary()
	for name, want := range map[string]float64{
		"output_tok_s": 10, "total_tok_s": 21 / 1.1, "ttft_p99": 100, "e2e_mean": 1100, "request_output_tok_s_p50": 10, "failed_ratio": 0,
	} {
		f, err := FigureNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := f.Of(&s); !ok || !near(v, want) || f.HigherIsBetter != strings.Contains(name, "tok_s") {
			t.Errorf("%s = %v, %v; want %v", name, v, ok, want)
		}
	}
	for _, name := range []string{"goodput_rps", "itl_p50", "ttft_p99_9"} {
		f, err := FigureNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := f.Of(&s); ok {
			t.Errorf("%s has no data and is %v", name, v)
		}
	}
	if _, err := FigureNamed("ttft"); err == nil || !strings.Contains(err.Error(), "as in ttft_p99") {
		t.Errorf("error %v", err)
	}
	for _, name := range withIntervals {
		if _, err := FigureNamed(name); err != nil {
			t.Error(err)
		}
	}
	if !slices.Contains(withIntervals, "ttft_p99") {
		t.Error("ttft_p99 has no interval")
	}
}

// TestPercentilesAreNoCloserThanTheirSketch: runs that agree to the last digit
// may only have met in one bin.
func TestPercentilesAreNoCloserThanTheirSketch(t *testing.T) {
	var runs []Summary
	for range 6 {
		runs = append(runs, Summary{TPOT: &Quantiles{P50: 10, Mean: 10}})
	}
	if ok, iv := Tight("tpot_p50", runs, 0.001); ok || iv.Half != 0.05 {
		t.Errorf("p50: %v, half %v", ok, iv.Half)
	}
	if ok, iv := Tight("tpot_mean", runs, 0.001); !ok || iv.Half != 0 {
		t.Errorf("mean: %v, half %v", ok, iv.Half)
	}
	if ok, _ := Tight("tpot_p50", runs, 0.01); !ok {
		t.Error("1 % is more than the sketch is off by")
	}
}
