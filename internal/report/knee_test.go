package report

import (
	"testing"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// curve is points of these rates and 99th percentiles of TTFT.
func curve(pairs ...[2]float64) results.Points {
	var points results.Points
	for _, p := range pairs {
		points = append(points, results.Point{Figures: results.Figures{OutputTokS: some(p[0]), TTFT: &stats.Quantiles{P99: p[1]}}})
	}
	return points
}

func TestKnee(t *testing.T) {
	bent := curve([2]float64{100, 50}, [2]float64{200, 52}, [2]float64{390, 60}, [2]float64{450, 300}, [2]float64{470, 900})
	unsustainable := append(results.Points(nil), bent...)
	unsustainable[2].Sustainable = &results.Sustainable{Reason: "the queue grew"}
	for _, tt := range []struct {
		name   string
		points results.Points
		slo    string
		want   int // -1 for none
	}{
		{"where it bends", bent, "", 2},
		{"the most within the bound", bent, "ttft_p99=400ms", 3},
		{"none within the bound", bent, "ttft_p99=10ms", -1},
		{"a bound on what is not known", bent, "tpot_p99=10s", -1},
		{"a point in doubt is not it", unsustainable, "ttft_p99=100ms", 1},
		{"flat", curve([2]float64{100, 50}, [2]float64{200, 51}, [2]float64{300, 52}, [2]float64{400, 50}), "", -1},
		{"too few points", bent[:2], "", -1},
		{"nothing", nil, "", -1},
	} {
		var bounds []stats.Bound
		if tt.slo != "" {
			bounds = bounded(t, tt.slo)
		}
		got, ok := knee(tt.points, bounds)
		if !ok {
			got = -1
		}
		if got != tt.want {
			t.Errorf("%s: knee at %d, want %d", tt.name, got, tt.want)
		}
	}
}
