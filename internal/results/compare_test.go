package results

import (
	"math/rand/v2"
	"strings"
	"testing"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// sweepOf is a results file of four points with so many runs each. Runs differ
// by 2 % from each other, and latencies by 4 %. Every figure is factor times
// worse than that of a factor of 1.
func sweepOf(seed uint64, runs int, factor float64) *Results {
	rng := rand.New(rand.NewPCG(8, seed))
	r := &Results{SchemaVersion: SchemaVersion}
	for i, name := range []string{"1", "2", "4", "8"} {
		p := Point{Name: name, Load: &Load{Shape: "batch", BatchSize: 1 << i}}
		for n := range runs {
			slow := factor * (1 + 0.02*rng.NormFloat64()) // all figures of a run together
			latency := func(ms float64) *stats.Quantiles {
				own := func() float64 { return ms * slow * (1 + 0.04*rng.NormFloat64()) }
				return &stats.Quantiles{N: 100, P50: own(), P99: 3 * own()}
			}
			f := Figures{Requests: 100, Succeeded: 100, TTFT: latency(100), TPOT: latency(10), E2E: latency(1000)}
			f.OutputTokS = record.Some(1000 * float64(i+1) / slow)
			f.RequestsPerS = record.Some(f.OutputTokS.Or(0) / 100)
			p.Runs = append(p.Runs, Run{Run: n + 1, Figures: f})
		}
		r.Results = append(r.Results, p)
	}
	return r
}

func named(t *testing.T, names ...string) (figures []stats.Figure) {
	t.Helper()
	for _, name := range names {
		f, err := stats.FigureNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		figures = append(figures, f)
	}
	return figures
}

// verdicts counts those of a figure.
func verdicts(c *Comparison, figure string) map[stats.Verdict]int {
	m := make(map[stats.Verdict]int)
	for _, p := range c.Points {
		for _, f := range p.Figures {
			if f.Figure == figure {
				m[f.Verdict]++
			}
		}
	}
	return m
}

// TestCompareOverSeeds: where nothing differs 32 comparisons together raise an
// alarm in 5 % of cases at the most, whatever the threshold; and 10 % less
// throughput is found, of three runs not at every point. (With 2 % less the
// latencies' own noise takes some of them past the threshold: rightly, in part.)
func TestCompareOverSeeds(t *testing.T) {
	const sims = 400
	figures := named(t, "output_tok_s", "requests_per_s", "ttft_p50", "ttft_p99", "tpot_p50", "tpot_p99", "e2e_p50", "e2e_p99")
	for _, c := range []struct {
		name      string
		runs      int
		factor    float64
		threshold float64
		alarms    [2]float64 // share of comparisons with any figure better or worse
		found     [2]float64 // share of points whose throughput is said to be worse
	}{
		{"no difference", 5, 1, 0.05, [2]float64{0, 0.05}, [2]float64{0, 0.02}},
		{"no difference, no threshold", 5, 1, 0, [2]float64{0, 0.07}, [2]float64{0, 0.05}},
		{"no difference, three runs", 3, 1, 0, [2]float64{0, 0.07}, [2]float64{0, 0.05}},
		{"10 % slower", 5, 1.1, 0.05, [2]float64{1, 1}, [2]float64{0.95, 1}},
		{"10 % slower, three runs", 3, 1.1, 0.05, [2]float64{0.85, 1}, [2]float64{0.60, 1}},
		{"2 % slower is within the threshold", 5, 1.02, 0.05, [2]float64{0, 0.12}, [2]float64{0, 0.03}},
	} {
		alarms, found := 0, 0
		for seed := range uint64(sims) {
			got := Compare(sweepOf(2*seed, c.runs, 1), sweepOf(2*seed+1, c.runs, c.factor), figures, c.threshold)
			any := 0
			for _, f := range figures {
				v := verdicts(got, f.Name)
				any += v[stats.Better] + v[stats.Worse]
			}
			if any > 0 {
				alarms++
			}
			found += verdicts(got, "output_tok_s")[stats.Worse]
		}
		alarmed, share := float64(alarms)/sims, float64(found)/sims/4
		t.Logf("%s: alarms in %.3f, throughput worse in %.3f", c.name, alarmed, share)
		if alarmed < c.alarms[0] || alarmed > c.alarms[1] || share < c.found[0] || share > c.found[1] {
			t.Errorf("%s: want alarms in %v, throughput worse in %v", c.name, c.alarms, c.found)
		}
	}
}

func TestCompareMatchesPoints(t *testing.T) {
	base, other := sweepOf(1, 3, 1), sweepOf(2, 3, 1)
	base.Results[0].Name = "16"
	other.Results[1].Load = &Load{Shape: "concurrency", MaxConcurrency: 2}
	other.Results[3].Runs[0].Partial = true
	c := Compare(base, other, named(t, "output_tok_s", "goodput_rps"), 0.05)
	if len(c.Points) != 2 || c.Points[0].Name != "4" || c.Points[1].Name != "8" {
		t.Fatalf("compared are %+v", c.Points)
	}
	if strings.Join(c.OnlyBase, " ") != "16 2" || strings.Join(c.OnlyNew, " ") != "1 2" {
		t.Errorf("only in base %q, only in new %q", c.OnlyBase, c.OnlyNew)
	}
	if w := strings.Join(c.Warnings, "\n"); !strings.Contains(w, "2 is another load") {
		t.Errorf("warnings %q", w)
	}
	if n := len(c.Points[0].Figures); n != 1 {
		t.Errorf("%d figures: goodput is in neither", n)
	}
	if n := c.Points[1].Figures[0].N; n != 2 {
		t.Errorf("%d runs, want those that were not stopped", n)
	}
}

func TestCompareWarns(t *testing.T) {
	base, other := sweepOf(1, 3, 1), sweepOf(2, 3, 1)
	if c := Compare(base, other, named(t, "output_tok_s"), 0.05); len(c.Warnings) != 0 {
		t.Errorf("warnings of two that are alike: %q", c.Warnings)
	}
	base.Metadata = Metadata{Model: "a", Engine: "vllm", DatasetDigest: "1", MaxTokens: 10, Stream: true, Scenario: "D(9,9)", IgnoreEOS: true}
	other.Metadata = Metadata{Model: "b", Engine: "sglang", DatasetDigest: "2", MaxTokens: 20, SimulatedBy: "tokenomics", Seed: 3, Scenario: "D(9,8)", Temperature: 1, LoRAs: []string{"x", "y"}}
	other.Partial = true
	other.Results[0].Instrument = &Instrument{Invalid: []string{"the client was late"}}
	base.Results[3].Sustainable = &Sustainable{Reason: "the backlog grew"}
	text := strings.Join(Compare(base, other, named(t, "output_tok_s"), 0.05).Warnings, "\n")
	for _, want := range []string{
		"model: a and b", "engine: vllm and sglang", "dataset: 1 and 2", "max_tokens: 10 and 20", "simulator: none and tokenomics",
		"scenario: D(9,9) and D(9,8)", "ignore_eos: true and false", "temperature: 0 and 1", "loras: none and x,y",
		"seed: 0 and 3", "stream: true and false", "new was stopped", "new: 1 is invalid: the client was late", "base: the load of 8 can't go on",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no warning says %q:\n%s", want, text)
		}
	}
}

// TestCompareFailures: what fails more often is worse, however fast the rest.
func TestCompareFailures(t *testing.T) {
	base, other := sweepOf(1, 3, 1), sweepOf(2, 3, 1)
	for i, failed := range []int{0, 1, 0} {
		other.Results[1].Runs[i].Failed = failed
	}
	for i, failed := range []int{5, 3, 6} {
		other.Results[2].Runs[i].Failed = failed
	}
	base.Results[3].Runs[0].Aborted = 10 // by Ctrl-C: nobody's failures
	slow := &other.Results[3].Runs[0]
	slow.Aborted, slow.BrokenOff = 20, 20
	c := Compare(base, other, named(t, "failed_ratio"), 0.05)
	if n := c.Points[3].Figures[0].N; n != 290 {
		t.Errorf("failures of %d requests, want 290", n)
	}
	for i, want := range []stats.Verdict{stats.Same, stats.CantTell, stats.Worse, stats.Same} {
		if got := c.Points[i].Figures[0].Verdict; got != want {
			t.Errorf("point %d: %s, want %s", i, got, want)
		}
	}
	if c.Regressions != 1 {
		t.Errorf("%d regressions", c.Regressions)
	}
}

// TestComparePairedCancelsDrift: two sides that drift together by far more than
// they differ are told apart by their pairs, and not without them.
func TestComparePairedCancelsDrift(t *testing.T) {
	side := func(factor float64) *Results {
		p := Point{Name: "8"}
		for n := range 8 {
			drift := 1 + 0.1*float64(n) + 0.002*float64(n%3)*factor
			p.Runs = append(p.Runs, Run{Run: n + 1, Figures: Figures{Requests: 10, Succeeded: 10, OutputTokS: record.Some(1000 * drift * factor)}})
		}
		return &Results{SchemaVersion: SchemaVersion, Results: Points{p}}
	}
	figures := named(t, "output_tok_s")
	for _, tt := range []struct {
		name    string
		compare func(base, other *Results, figures []stats.Figure, threshold float64) *Comparison
		factor  float64
		want    stats.Verdict
	}{
		{"in turns, slower", ComparePaired, 0.9, stats.Worse},
		{"in turns, faster", ComparePaired, 1.1, stats.Better},
		{"in turns, alike", ComparePaired, 1, stats.Same},
		{"not in turns", Compare, 0.9, stats.CantTell},
	} {
		if v := verdicts(tt.compare(side(1), side(tt.factor), figures, 0.05), "output_tok_s"); v[tt.want] != 1 {
			t.Errorf("%s: %v, want %s", tt.name, v, tt.want)
		}
	}
}
