package export

import (
	"io"
	"math"
	"testing"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sketch"
)

// sketchOf is the gaps of a Timeline, as the reader of a stream sums them.
func sketchOf(r *record.Record) *sketch.Sketch {
	s := new(sketch.Sketch)
	for _, gap := range gaps(r) {
		s.Add(ms(gap))
	}
	return s
}

func TestVLLM(t *testing.T) {
	in := measured()
	f := in.Run.Figures
	v := decoded(t, func(w io.Writer) error { return VLLM(w, in) })
	check(t, v, map[string]any{
		"date": "20260102-030405", "endpoint_type": "openai-chat", "backend": "openai-chat", "label": "d", "model_id": "m", "tokenizer_id": nil,
		"num_prompts": 4.0, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 2.0,
		"duration": f.ElapsedTime.Or(0), "completed": 2.0, "failed": 2.0, "total_input_tokens": 200.0, "total_output_tokens": 32.0,
		"request_throughput": f.RequestsPerS.Or(0), "request_goodput": f.GoodputRPS.Or(0), "output_throughput": f.OutputTokS.Or(0),
		"total_token_throughput": f.TotalTokS.Or(0), "max_output_tokens_per_s": f.MaxTokS.Or(0), "max_concurrent_requests": float64(f.PeakInFlight),

		"mean_ttft_ms": f.TTFT.Mean, "median_ttft_ms": f.TTFT.P50, "p99_ttft_ms": f.TTFT.P99, "p90_ttft_ms": f.TTFT.P90, "std_ttft_ms": math.Sqrt(2.0/3) * 100,
		"mean_tpot_ms": f.TPOT.Mean, "p50_tpot_ms": f.TPOT.P50, "p99_tpot_ms": f.TPOT.P99, "std_tpot_ms": 10.0,
		"mean_itl_ms": f.Gap.Mean, "median_itl_ms": f.Gap.P50, "p95_itl_ms": f.Gap.P95, "std_itl_ms": math.Sqrt(800.0 / 9),
		"mean_e2el_ms": f.E2E.Mean, "median_e2el_ms": f.E2E.P50, "p99_e2el_ms": f.E2E.P99, "std_e2el_ms": 100.0,

		"input_lens": []int{100, 100, 0, 0}, "output_lens": []int{21, 11, 0, 0}, "ttfts": []float64{0.1, 0.2, 0.3, 0},
		"start_times": []float64{0.001, 0.201, 0.501, 0.601}, "generated_texts": []string{"", "", "", ""},
		"errors": []string{"", "", "the stream ended without [DONE]", "client_abort"},
	})
	itls := under(t, v, "itls").([]any)
	for i, n := range []int{20, 10, 4, 0} {
		if list := itls[i].([]any); len(list) != n {
			t.Errorf("request %d has %d gaps, want %d", i, len(list), n)
		}
	}
	if first := itls[1].([]any)[0]; first != 0.03 {
		t.Errorf("a gap of %v s, want 0.03", first)
	}
}

func TestVLLMTraffic(t *testing.T) {
	in := measured()
	for _, tt := range []struct {
		name string
		load results.Load
		want map[string]any
	}{
		{"poisson", results.Load{Shape: "rate", RequestRate: 2.5, Arrival: "poisson"}, map[string]any{"request_rate": 2.5, "burstiness": 1.0, "max_concurrency": nil}},
		{"gamma", results.Load{Shape: "rate", RequestRate: 5, Arrival: "gamma", Burstiness: 0.5}, map[string]any{"request_rate": 5.0, "burstiness": 0.5}},
		{"evenly spaced", results.Load{Shape: "rate", RequestRate: 5, Arrival: "constant"}, map[string]any{"burstiness": nil}},
		{"all at once", results.Load{Shape: "batch", BatchSize: 4}, map[string]any{"request_rate": "inf", "burstiness": 1.0, "max_concurrency": nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in.Point.Load = &tt.load
			check(t, decoded(t, func(w io.Writer) error { return VLLM(w, in) }), tt.want)
		})
	}
}

// TestChoicesHaveNoGaps: the events of several choices interleave, so what
// lies between two of them is no gap of either.
func TestChoicesHaveNoGaps(t *testing.T) {
	r := stream("a", 0, 100, 10, 20)
	r.Choices = make([]record.Choice, 2)
	if list := gaps(r); len(list) != 0 {
		t.Errorf("%d gaps", len(list))
	}
}
