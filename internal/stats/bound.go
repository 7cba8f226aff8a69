package stats

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bound is one demand of a service level on a whole run, such as a TTFT whose
// 99th percentile is at most 500 ms.
type Bound struct {
	Name  string  // of the figure: "ttft_p99"
	Limit float64 // ms
}

// bounded are the distributions of latencies.
var bounded = []string{"ttft", "ttfo", "tpot", "itl", "gap", "e2e"}

// ParseBounds reads "ttft_p99=500ms,tpot_p99=50ms". A plain number is in
// milliseconds.
func ParseBounds(text string) (bounds []Bound, err error) {
	for _, part := range strings.Split(text, ",") {
		name, limit, ok := strings.Cut(strings.TrimSpace(part), "=")
		of, _, named := strings.Cut(name, "_")
		_, err := FigureNamed(name)
		if !ok || !named || err != nil || !slices.Contains(bounded, of) {
			return nil, fmt.Errorf("%q is no bound: give a list such as ttft_p99=500ms,tpot_p99=50ms, of %s with _mean, _p50, _p90, _p95, _p99, _p99_9 or _max",
				part, strings.Join(bounded, ", "))
		}
		b := Bound{Name: name}
		if b.Limit, err = milliseconds(limit); err != nil {
			return nil, fmt.Errorf("%q is no bound: %w", part, err)
		}
		bounds = append(bounds, b)
	}
	return bounds, nil
}

// longest is a year, in ms: more than any bound, and still a time.Duration.
const longest = 365 * 24 * 3600 * 1000

// milliseconds reads "500ms", "1.5s" or, in milliseconds, "500".
func milliseconds(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if d, e := time.ParseDuration(text); e == nil {
		v, err = float64(d)/float64(time.Millisecond), nil
	}
	if err != nil || !(v > 0 && v <= longest) {
		return 0, fmt.Errorf("%q is no time above 0, such as 500ms or 1.5s", text)
	}
	return v, nil
}

// Of is the bounded figure of a run, in ms; not ok where it has none.
func (b Bound) Of(s Summary) (ms float64, ok bool) {
	f, err := FigureNamed(b.Judged(s))
	if err != nil {
		return 0, false
	}
	return f.Of(&s)
}

// Judged is the name of the figure that is held to the bound: in an open loop
// latencies count from the moment that requests were due.
func (b Bound) Judged(s Summary) string {
	of, stat, _ := strings.Cut(b.Name, "_")
	if s.TTFTSched != nil && (of == "ttft" || of == "ttfo" || of == "e2e") {
		return of + "_sched_" + stat
	}
	return b.Name
}

// String is the bound as it is written.
func (b Bound) String() string {
	return b.Name + "=" + strconv.FormatFloat(b.Limit, 'f', -1, 64) + "ms"
}
