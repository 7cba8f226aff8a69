package stats

import (
	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// Quantiles describes one distribution, in the unit of its samples. N is the
// samples' total weight: requests for a figure of requests, gaps or tokens for
// those of events.
type Quantiles struct {
	N    float64             `json:"n"`
	Mean float64             `json:"mean"`
	Min  float64             `json:"min"`
	P50  float64             `json:"p50"`
	P90  float64             `json:"p90"`
	P95  float64             `json:"p95"`
	P99  float64             `json:"p99"`
	P999 record.Opt[float64] `json:"p99_9,omitzero"` // absent below samplesForP999
	Max  float64             `json:"max"`
}

// samplesForP999 is the least number of samples of which one lies above the
// 99.9th percentile.
const samplesForP999 = 1000

// QuantilesOf describes the samples of s; nil when it has none.
func QuantilesOf(s *sketch.Sketch) *Quantiles {
	if s.Count() == 0 {
		return nil
	}
	q := &Quantiles{N: s.Count()}
	// A sketch that is not empty answers each of these.
	q.Mean, _ = s.Mean()
	q.Min, _ = s.Min()
	q.P50, _ = s.Quantile(0.50)
	q.P90, _ = s.Quantile(0.90)
	q.P95, _ = s.Quantile(0.95)
	q.P99, _ = s.Quantile(0.99)
	q.Max, _ = s.Max()
	if q.N >= samplesForP999 {
		if v, ok := s.Quantile(0.999); ok {
			q.P999 = record.Some(v)
		}
	}
	return q
}
