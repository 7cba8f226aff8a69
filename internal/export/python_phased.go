package export

import (
	"slices"
	"time"

	"tokenomics/internal/record"
)

// pyPhased is the Python tool's account of a run over time: tokens and active
// requests in buckets, and the median rate while most of the requests were
// decoding.
type pyPhased struct {
	Steady     pyMedian `json:"steady_state_tps"`
	PeakActive int      `json:"peak_active_requests"`
	Series     pySeries `json:"time_series"` // of the last run
}

type pyMedian struct {
	Median    record.Opt[float64] `json:"median"`
	MedianStd float64             `json:"median_std"`
}

type pySeries struct {
	Tokens []int `json:"output_tokens_per_bucket"`
	Active []int `json:"active_requests_per_bucket"`
}

// Its own bucket, and the share of the requests that must be decoding in one
// for it to count as steady.
const (
	pyBucket = 50 * time.Millisecond
	pySteady = 0.8
)

// pyPhasedOf is nil where no Timelines were kept.
func pyPhasedOf(runs []Run) *pyPhased {
	var out *pyPhased
	var medians dist
	for _, run := range runs {
		series := pySeriesOf(run.Records)
		if len(series.Tokens) == 0 {
			continue
		}
		if out == nil {
			out = new(pyPhased)
		}
		peak := slices.Max(series.Active)
		out.Series, out.PeakActive = series, max(out.PeakActive, peak)
		reference := peak
		if l := run.load(); l.MaxConcurrency > 0 {
			reference = l.MaxConcurrency
		}
		if median, ok := series.steady(reference); ok {
			medians.add(median)
		}
	}
	if medians.count() > 0 {
		out.Steady = pyMedian{record.Some(medians.mean()), medians.std()}
	}
	return out
}

// pySeriesOf counts, bucket by bucket since the first request was sent, the
// tokens that arrived and the requests between their first and last token.
func pySeriesOf(records []*record.Record) (s pySeries) {
	var good []*record.Record
	var first, last time.Time
	for _, r := range records {
		sent, ok := r.Sent.Get()
		if r.Outcome != record.Complete || !ok || len(r.Timeline) == 0 {
			continue
		}
		good = append(good, r)
		if at := r.Start.Add(sent); first.IsZero() || at.Before(first) {
			first = at
		}
		if at := r.Start.Add(r.Timeline[len(r.Timeline)-1].At); at.After(last) {
			last = at
		}
	}
	if len(good) == 0 {
		return s
	}
	n := int(last.Sub(first)/pyBucket) + 1
	s.Tokens, s.Active = make([]int, n), make([]int, n)
	for _, r := range good {
		bucket := func(at time.Duration) int { return int(r.Start.Add(at).Sub(first) / pyBucket) }
		for _, e := range r.Timeline {
			s.Tokens[bucket(e.At)] += max(1, e.Tokens) // an event of unknown tokens is taken for one
		}
		for b := bucket(r.Timeline[0].At); b <= bucket(r.Timeline[len(r.Timeline)-1].At); b++ {
			s.Active[b]++
		}
	}
	return s
}

// steady is the median tok/s of the buckets in which tokens came and most of
// the requests were decoding.
func (s pySeries) steady(reference int) (median float64, ok bool) {
	var rates []float64
	for i, tokens := range s.Tokens {
		if tokens > 0 && float64(s.Active[i]) >= pySteady*float64(reference) {
			rates = append(rates, float64(tokens)/pyBucket.Seconds())
		}
	}
	if len(rates) == 0 {
		return 0, false
	}
	slices.Sort(rates)
	middle := len(rates) / 2
	if len(rates)%2 == 1 {
		return rates[middle], true
	}
	return (rates[middle-1] + rates[middle]) / 2, true
}
