package stats

import (
	"testing"

	"tokenomics/internal/record"
)

// TestEngineTimes: of successes whose answers told, pooled over runs.
func TestEngineTimes(t *testing.T) {
	var first, second Window
	told := stream(0, 100, 1000, 10, 11)
	told.Engine = &record.EngineTimes{Queue: at(20), Prefill: at(60), Decode: at(890)}
	first.Observe(told)
	first.Observe(stream(0, 100, 1000, 10, 11)) // of which nothing is told
	failed := stream(0, 100, 1000, 10, 11)
	failed.Outcome, failed.Engine = record.Error, told.Engine
	first.Observe(failed)
	total := stream(5000, 100, 1000, 10, 11)
	total.Engine = &record.EngineTimes{Load: at(5), Compute: at(700), Total: at(800)}
	second.Observe(total)

	s := Pool(&first, &second).Summary()
	for _, tt := range []struct {
		name    string
		got     *Quantiles
		n, mean float64
	}{
		{"queue", s.EngineQueue, 1, 20},
		{"load", s.EngineLoad, 1, 5},
		{"prefill", s.EnginePrefill, 1, 60},
		{"decode", s.EngineDecode, 1, 890},
		{"compute", s.EngineCompute, 1, 700},
		{"engine", s.EngineTime, 2, (970 + 800) / 2.},
		{"outside", s.OutsideEngine, 2, (30 + 200) / 2.},
	} {
		if tt.got == nil || tt.got.N != tt.n || !near(tt.got.Mean, tt.mean) {
			t.Errorf("%s: %+v, want %v of mean %v", tt.name, tt.got, tt.n, tt.mean)
		}
	}
	f, err := FigureNamed("outside_engine_max")
	if v, ok := f.Of(&s); err != nil || !ok || !near(v, 200) {
		t.Errorf("outside_engine_max: %v, %v, %v", v, ok, err)
	}
	var none Window
	none.Observe(stream(0, 100, 1000, 10, 11))
	if s := none.Summary(); s.EngineTimes != (EngineTimes{}) {
		t.Errorf("of nothing told: %+v", s.EngineTimes)
	}
}
