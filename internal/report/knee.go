package report

import (
	"math"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// knee is the index of the point up to which more load is worth its latency;
// not ok where there is none to name. Points in doubt are never it.
//
// With bounds it is the point of the highest throughput that meets all of them.
// Without, it is where the curve of latency (TTFT p99, else E2E p99) over
// throughput bends most: the point farthest below the straight line between
// its ends, both axes scaled to 1 (Satopaa et al., Kneedle, 2011).
func knee(points results.Points, bounds []stats.Bound) (index int, ok bool) {
	if len(bounds) > 0 {
		return bestWithin(points, bounds)
	}
	var curve []place
	for i := range points {
		if at, ok := placeOf(&points[i]); ok {
			at.index = i
			curve = append(curve, at)
		}
	}
	return bend(curve)
}

// bestWithin is the point with the highest throughput that meets all bounds.
func bestWithin(points results.Points, bounds []stats.Bound) (best int, ok bool) {
	most := math.Inf(-1)
	for i := range points {
		p := &points[i]
		rate, known := p.OutputTokS.Get()
		if known && len(doubts(p)) == 0 && met(p, bounds) && rate > most {
			best, most, ok = i, rate, true
		}
	}
	return best, ok
}

// place is a point of the curve of latency over throughput.
type place struct {
	index         int
	rate, latency float64
}

func placeOf(p *results.Point) (place, bool) {
	rate, known := p.OutputTokS.Get()
	if !known || len(doubts(p)) > 0 {
		return place{}, false
	}
	switch {
	case p.TTFT != nil:
		return place{rate: rate, latency: p.TTFT.P99}, true
	case p.E2E != nil:
		return place{rate: rate, latency: p.E2E.P99}, true
	}
	return place{}, false
}

// bends is how much latency has to grow over a sweep before its curve is said
// to have a knee: below that it is flat, and what looks like a bend is noise.
const bends = 1.5

func bend(curve []place) (index int, ok bool) {
	if len(curve) < 3 {
		return 0, false
	}
	low, high := curve[0], curve[0]
	for _, c := range curve {
		low.rate, high.rate = min(low.rate, c.rate), max(high.rate, c.rate)
		low.latency, high.latency = min(low.latency, c.latency), max(high.latency, c.latency)
	}
	if high.rate <= low.rate || high.latency < bends*low.latency {
		return 0, false
	}
	most := 0.0
	for _, c := range curve {
		below := (c.rate-low.rate)/(high.rate-low.rate) - (c.latency-low.latency)/(high.latency-low.latency)
		if below > most {
			index, most, ok = c.index, below, true
		}
	}
	return index, ok
}
