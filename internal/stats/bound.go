package stats

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tokenomics/internal/record"
)

// Bound is one demand of a service level on a whole run, such as a TTFT whose
// 99th percentile is at most 500 ms.
type Bound struct {
	Figure string  // "ttft", "ttfo", "tpot", "itl", "gap", "e2e"
	Stat   string  // "p50", "p90", "p95", "p99", "p99_9", "mean", "max"
	Limit  float64 // ms
}

const boundsSyntax = "give bounds such as ttft_p99=500ms,tpot_p99=50ms: ttft, ttfo, tpot, itl, gap or e2e, with _p50, _p90, _p95, _p99, _p99_9, _mean or _max"

// ParseBounds reads "ttft_p99=500ms,tpot_p99=50ms". A plain number is in
// milliseconds.
func ParseBounds(text string) (bounds []Bound, err error) {
	for _, part := range strings.Split(text, ",") {
		name, limit, ok := strings.Cut(strings.TrimSpace(part), "=")
		figure, stat, named := strings.Cut(name, "_")
		if !ok || !named {
			return nil, fmt.Errorf("%q is no bound: %s", part, boundsSyntax)
		}
		b := Bound{Figure: figure, Stat: stat}
		if b.Limit, err = milliseconds(limit); err != nil {
			return nil, fmt.Errorf("%q is no bound: %w", part, err)
		}
		if !b.known() {
			return nil, fmt.Errorf("%q is of no figure that is bounded: %s", part, boundsSyntax)
		}
		bounds = append(bounds, b)
	}
	return bounds, nil
}

// milliseconds reads "500ms", "1.5s" or, in milliseconds, "500".
func milliseconds(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if d, e := time.ParseDuration(text); e == nil {
		v, err = float64(d)/float64(time.Millisecond), nil
	}
	if err != nil || !(v > 0) {
		return 0, fmt.Errorf("%q is no time above 0, such as 500ms or 1.5s", text)
	}
	return v, nil
}

// known says whether the bound is of something that can be measured.
func (b Bound) known() bool {
	_, figure := b.figure(Summary{})
	_, stat := b.stat(&Quantiles{P999: record.Some(1.0)})
	return figure && stat
}

// Of is the bounded figure of a run, in ms; not ok where it has none.
func (b Bound) Of(s Summary) (ms float64, ok bool) {
	q, _ := b.figure(s)
	if q == nil {
		return 0, false
	}
	return b.stat(q)
}

func (b Bound) figure(s Summary) (q *Quantiles, known bool) {
	switch b.Figure {
	case "ttft":
		return s.TTFT, true
	case "ttfo":
		return s.TTFO, true
	case "tpot":
		return s.TPOT, true
	case "itl":
		return s.ITL, true
	case "gap":
		return s.Gap, true
	case "e2e":
		return s.E2E, true
	}
	return nil, false
}

func (b Bound) stat(q *Quantiles) (v float64, ok bool) {
	switch b.Stat {
	case "p50":
		return q.P50, true
	case "p90":
		return q.P90, true
	case "p95":
		return q.P95, true
	case "p99":
		return q.P99, true
	case "p99_9":
		return q.P999.Get()
	case "mean":
		return q.Mean, true
	case "max":
		return q.Max, true
	}
	return 0, false
}

// String is the bound as it is written.
func (b Bound) String() string {
	return b.Figure + "_" + b.Stat + "=" + strconv.FormatFloat(b.Limit, 'f', -1, 64) + "ms"
}
