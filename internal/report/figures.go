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
