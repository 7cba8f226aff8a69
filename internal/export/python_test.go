package export

import (
	"io"
	"slices"
	"testing"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

func TestTokenomicsPy(t *testing.T) {
	in := measured()
	f := in.Run.Figures
	v := decoded(t, func(w io.Writer) error { return TokenomicsPy(w, []Run{in}) })
	check(t, v, map[string]any{
		"metadata/model": "m", "metadata/num_runs": 1.0, "metadata/execution_mode": "sustained", "metadata/concurrency_levels": []int{2}, "metadata/bucket_size_seconds": 0.05,
		"metadata/timestamp": "2026-01-02T03:04:05Z", "sweep_value": 2.0,
		"result/tokens/input_per_request": map[string]any{"mean": 100, "std": 0}, "result/tokens/output_per_request": map[string]any{"mean": 16, "std": 5},
		"result/prefill_metrics/ttft/mean": f.TTFT.Mean / 1000, "result/prefill_metrics/ttfo/mean": f.TTFO.Mean / 1000,
		"result/prefill_metrics/input_throughput": map[string]any{"mean": 750, "std": 250},
		"result/decode_metrics/tpot/mean":         f.TPOT.Mean / 1000, "result/decode_metrics/output_throughput/mean": f.RequestDecodeTokS.Mean, "result/decode_metrics/decode_time/mean": 0.25,
		"result/batch_metrics/e2e_tps": map[string]any{"mean": f.OutputTokS.Or(0), "std": 0}, "result/batch_metrics/wall_time": map[string]any{"mean": f.ElapsedTime.Or(0), "std": 0},
		"result/reliability":  map[string]int{"total_requests": 4, "successful": 2, "failed": 2},
		"result/usage_extras": map[string]any{"cached_tokens": map[string]any{"mean": 10, "std": 0}},
	})
	if tokens := under(t, v, "result/phased_metrics/time_series/output_tokens_per_bucket").([]any); len(tokens) != 15 {
		t.Errorf("%d buckets of 50 ms from the first sending to the last token at 700 ms, want 15", len(tokens))
	}
}

// TestTokenomicsPyOverRuns: figures of a run are averaged over the runs.
func TestTokenomicsPyOverRuns(t *testing.T) {
	a, b := measured(), measured()
	b.Run.OutputTokS = record.Some(a.Run.OutputTokS.Or(0) + 20)
	v := decoded(t, func(w io.Writer) error { return TokenomicsPy(w, []Run{a, b}) })
	check(t, v, map[string]any{
		"result/batch_metrics/e2e_tps/mean": a.Run.OutputTokS.Or(0) + 10, "result/batch_metrics/e2e_tps/std": 10.0, "result/reliability/total_requests": 8.0,
	})
}

// TestTokenomicsPyCountsNoRunSetAside where there is another.
func TestTokenomicsPyCountsNoRunSetAside(t *testing.T) {
	a, b := measured(), measured()
	a.Run.SetAside = []string{"the tool was late"}
	for _, tt := range []struct {
		name string
		runs []Run
	}{{"done again", []Run{a, b}}, {"alone", []Run{a}}} {
		v := decoded(t, func(w io.Writer) error { return TokenomicsPy(w, tt.runs) })
		t.Run(tt.name, func(t *testing.T) { check(t, v, map[string]any{"result/reliability/total_requests": 4.0}) })
	}
}

func TestPySeries(t *testing.T) {
	// The first sends at 1 ms and gets a token every 10 ms from 101 ms on, the
	// other from 351 ms on. 100 ms after the first sending is the third bucket.
	s := pySeriesOf([]*record.Record{stream("a", 0, 100, 10, 30), stream("b", 250, 100, 10, 10), {Outcome: record.Error}})
	if !slices.Equal(s.Tokens, []int{0, 0, 5, 5, 5, 5, 5, 10, 5}) || !slices.Equal(s.Active, []int{0, 0, 1, 1, 1, 1, 1, 2, 1}) {
		t.Errorf("tokens %v, active %v", s.Tokens, s.Active)
	}
	if median, ok := s.steady(1); !ok || median != 100 {
		t.Errorf("steady at %v, want 100: 5 tokens in 50 ms", median)
	}
	if median, ok := s.steady(2); !ok || median != 200 {
		t.Errorf("steady at %v with both, want 200", median)
	}
	if _, ok := s.steady(3); ok {
		t.Error("steady with three of two requests")
	}
}

func TestPySweepValue(t *testing.T) {
	in := measured()
	for _, tt := range []struct {
		name string
		load *results.Load
		want any
	}{
		{"batch", &results.Load{Shape: "batch", BatchSize: 8}, 8},
		{"concurrency", &results.Load{Shape: "concurrency", MaxConcurrency: 4}, 4},
		{"rate with a cap", &results.Load{Shape: "rate", RequestRate: 2.5, MaxConcurrency: 4}, results.Rate(2.5)},
		{"not told", nil, "2"},
	} {
		in.Point.Load = tt.load
		if got := pySweepValue(in); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
