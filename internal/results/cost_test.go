package results

import (
	"testing"

	"tokenomics/internal/record"
)

func TestCost(t *testing.T) {
	c := CostOf(3.6, Figures{InputTokS: record.Some(1000.0), OutputTokS: record.Some(250.0), TotalTokS: record.Some(1250.0)})
	for name, tt := range map[string]struct {
		got  record.Opt[float64]
		want float64
	}{"input": {c.PerMillionInput, 1}, "output": {c.PerMillionOutput, 4}, "total": {c.PerMillionTotal, 0.8}} {
		if v, ok := tt.got.Get(); !ok || v < tt.want-1e-9 || v > tt.want+1e-9 {
			t.Errorf("%s: %v, want %v", name, v, tt.want)
		}
	}
	if c := CostOf(1, Figures{}); c.PerMillionOutput.Ok() {
		t.Error("tokens that nobody counted have a price")
	}
}
