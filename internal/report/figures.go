package report

import (
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// figure is a distribution that a point has.
type figure struct {
	name  string // "ttft"
	key   string // in results files: "ttft_ms"
	title string // for people
	of    func(*results.Figures) *stats.Quantiles
}

var figures = []figure{
	{"ttft", "ttft_ms", "TTFT", func(f *results.Figures) *stats.Quantiles { return f.TTFT }},
	{"ttfo", "ttfo_ms", "TTFO", func(f *results.Figures) *stats.Quantiles { return f.TTFO }},
	{"tpot", "tpot_ms", "TPOT", func(f *results.Figures) *stats.Quantiles { return f.TPOT }},
	{"itl", "itl_ms", "ITL", func(f *results.Figures) *stats.Quantiles { return f.ITL }},
	{"gap", "gap_ms", "event gap", func(f *results.Figures) *stats.Quantiles { return f.Gap }},
	{"e2e", "e2e_ms", "E2E", func(f *results.Figures) *stats.Quantiles { return f.E2E }},
	{"ttft_sched", "ttft_sched_ms", "TTFT since due", func(f *results.Figures) *stats.Quantiles { return f.TTFTSched }},
	{"ttfo_sched", "ttfo_sched_ms", "TTFO since due", func(f *results.Figures) *stats.Quantiles { return f.TTFOSched }},
	{"e2e_sched", "e2e_sched_ms", "E2E since due", func(f *results.Figures) *stats.Quantiles { return f.E2ESched }},
	{"client_queue", "client_queue_ms", "client queue", func(f *results.Figures) *stats.Quantiles { return f.ClientQueue }},
	{"engine_queue", "engine_queue_ms", "engine queue", func(f *results.Figures) *stats.Quantiles { return f.EngineQueue }},
	{"engine_load", "engine_load_ms", "engine load", func(f *results.Figures) *stats.Quantiles { return f.EngineLoad }},
	{"engine_prefill", "engine_prefill_ms", "engine prefill", func(f *results.Figures) *stats.Quantiles { return f.EnginePrefill }},
	{"engine_decode", "engine_decode_ms", "engine decode", func(f *results.Figures) *stats.Quantiles { return f.EngineDecode }},
	{"engine_compute", "engine_compute_ms", "engine compute", func(f *results.Figures) *stats.Quantiles { return f.EngineCompute }},
	{"engine", "engine_ms", "engine", func(f *results.Figures) *stats.Quantiles { return f.EngineTime }},
	{"outside_engine", "outside_engine_ms", "outside the engine", func(f *results.Figures) *stats.Quantiles { return f.OutsideEngine }},
}

// statistic is a number of a distribution.
type statistic struct {
	name string
	of   func(*stats.Quantiles) float64
}

var statistics = []statistic{
	{"mean", func(q *stats.Quantiles) float64 { return q.Mean }},
	{"p50", func(q *stats.Quantiles) float64 { return q.P50 }},
	{"p90", func(q *stats.Quantiles) float64 { return q.P90 }},
	{"p95", func(q *stats.Quantiles) float64 { return q.P95 }},
	{"p99", func(q *stats.Quantiles) float64 { return q.P99 }},
	{"max", func(q *stats.Quantiles) float64 { return q.Max }},
}
