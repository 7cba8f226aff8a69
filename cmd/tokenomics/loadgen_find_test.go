package main

import (
	"strings"
	"testing"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
	"tokenomics/loadgen"
)

// TestShowKneeDoubted: a load that this machine could not measure is not one that
// the engine could not bear.
func TestShowKneeDoubted(t *testing.T) {
	var done []results.Measured
	for _, n := range []int{2, 4} {
		done = append(done, results.Measured{
			Name: map[int]string{2: "2", 4: "4"}[n], Load: results.Load{Shape: loadgen.ShapeConcurrency, MaxConcurrency: n},
			Runs: []results.MeasuredRun{{Number: 1, Window: &stats.Window{}}},
		})
	}
	for _, tt := range []struct {
		name        string
		good        float64 // the highest load without doubts
		want, never string
	}{
		{"above the knee", 2, "The knee: at least 2 requests in flight. Whether more would do is not known: this machine could not measure it.\n  4 could not be measured: the tool was late\n", "too much"},
		{"all of them", 0, "No load was seen to meet the service level.\n  2 could not be measured: the tool was late\n", "too much"},
		{"none", 4, "The knee: 4 requests in flight.\n", "not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			showKnee(&b, &loadgen.Find{Whole: true, Doubts: func(m results.Measured) []string {
				if loadgen.LoadOf(m) > tt.good {
					return []string{"the tool was late"}
				}
				return nil
			}}, done, true)
			if got := b.String(); !strings.Contains(got, tt.want) || strings.Contains(got, tt.never) {
				t.Errorf("%q, want %q and no %q", got, tt.want, tt.never)
			}
		})
	}
}
