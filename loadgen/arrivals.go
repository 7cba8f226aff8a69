package loadgen

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// The kinds of arrivals of an open loop.
const (
	Constant = "constant" // one every 1/Rate seconds
	Poisson  = "poisson"  // gaps are exponential: independent users
	Gamma    = "gamma"    // gaps are of a gamma distribution: burstier than Poisson below a shape of 1, more even above
)

// Arrivals is an open loop: N requests at a rate, whatever becomes of them.
type Arrivals struct {
	Rate  float64 // per second, above 0; infinity is all at once
	N     int
	Kind  string
	Shape float64       // of the gamma distribution, above 0
	Ramp  time.Duration // over which the rate grows evenly from 0 to Rate
	Seed  uint64
}

// CountFor is how many requests arrive in a time: at least one, however short it
// is, because a run of none says nothing.
func (a Arrivals) CountFor(d time.Duration) int {
	seconds, ramp := d.Seconds(), a.Ramp.Seconds()
	if seconds < ramp {
		seconds *= seconds / (2 * ramp)
	} else {
		seconds -= ramp / 2
	}
	return max(1, int(math.Round(a.Rate*seconds)))
}

// Schedule is when they arrive. Random gaps are stretched so that N of them
// take as long as N of 1/Rate: which N arrivals of a Poisson process in that
// time would be, and so that the rate that was asked for is the rate that was
// sent. With a ramp the same arrivals are spread over the growing rate.
func (a Arrivals) Schedule() Schedule {
	s := make(Schedule, a.N)
	if math.IsInf(a.Rate, 1) {
		return s
	}
	at, sum := make([]float64, a.N), 0.0 // in gaps of the mean
	gap := a.gaps()
	for i := range at {
		if a.Kind == Constant {
			at[i] = float64(i)
			continue
		}
		sum += gap()
		at[i] = sum
	}
	stretch := 1.0
	if a.Kind != Constant {
		stretch = float64(a.N) / (sum + gap())
	}
	for i, v := range at {
		s[i] = a.warp(v * stretch)
	}
	return s
}

// gaps draws gaps with a mean of 1.
func (a Arrivals) gaps() func() float64 {
	source := rand.NewPCG(a.Seed, 0x6172726976616c) // the word keeps it apart from other uses of the seed
	if a.Kind == Gamma {
		return distuv.Gamma{Alpha: a.Shape, Beta: a.Shape, Src: source}.Rand
	}
	return rand.New(source).ExpFloat64
}

// warp is the moment by which v requests are to have come.
func (a Arrivals) warp(v float64) time.Duration {
	seconds, ramp := v/a.Rate, a.Ramp.Seconds()
	switch {
	case ramp <= 0:
	case seconds < ramp/2:
		seconds = math.Sqrt(2 * ramp * seconds)
	default:
		seconds += ramp / 2
	}
	return time.Duration(seconds * float64(time.Second))
}
