package loadgen

import (
	"math"
	"testing"
	"time"
)

func TestPacers(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name    string
		pacer   Pacer
		sent    int
		elapsed time.Duration
		due     time.Duration // on the run's clock
		stop    bool
	}{
		{"burst: first", Burst{N: 4}, 0, 0, 0, false},
		{"burst: last", Burst{N: 4}, 3, 0, 0, false},
		{"burst: all sent", Burst{N: 4}, 4, 0, 0, true},
		{"burst: a late one is still due at the beginning", Burst{N: 4}, 2, 5 * time.Millisecond, 0, false},
		{"burst: none at all", Burst{N: 0}, 0, 0, 0, true},
		{"steady: due when it is asked for", Steady{N: 9}, 5, 3 * s, 3 * s, false},
		{"steady: the first at the beginning", Steady{N: 9}, 1, 0, 0, false},
		{"steady: all sent", Steady{N: 9}, 9, 3 * s, 3 * s, true},
		{"steady: time is up", Steady{For: 3 * s}, 100, 3 * s, 3 * s, true},
		{"steady: time is not up", Steady{For: 3 * s}, 100, 2 * s, 2 * s, false},
		{"schedule: to come", Schedule{0, s, 3 * s}, 2, s, 3 * s, false},
		{"schedule: late", Schedule{0, s, 3 * s}, 1, 2 * s, s, false},
		{"schedule: over", Schedule{0, s, 3 * s}, 3, 2 * s, 2 * s, true},
	}
	for _, tt := range tests {
		wait, stop := tt.pacer.Pace(tt.elapsed, tt.sent)
		if tt.elapsed+wait != tt.due || stop != tt.stop {
			t.Errorf("%s: due %v, stop %v; want %v, %v", tt.name, tt.elapsed+wait, stop, tt.due, tt.stop)
		}
	}
}

// TestArrivals holds arrivals to what they are asked for: their rate, how they
// scatter, and that the seed decides alone.
func TestArrivals(t *testing.T) {
	const n, rate = 10_000, 50.0
	// dispersion is the variance of the arrivals in each of many windows, over
	// their mean: 1 for Poisson, 0 for even ones, for gamma 1/shape in windows
	// of many gaps.
	dispersion := func(s Schedule, window time.Duration) float64 {
		counts := make([]float64, int(s[len(s)-1]/window)+1)
		for _, at := range s {
			counts[at/window]++
		}
		counts = counts[:len(counts)-1]
		mean, variance := 0.0, 0.0
		for _, c := range counts {
			mean += c / float64(len(counts))
		}
		for _, c := range counts {
			variance += (c - mean) * (c - mean) / float64(len(counts)-1)
		}
		return variance / mean
	}
	for _, tt := range []struct {
		name        string
		a           Arrivals
		window      time.Duration
		from, until float64
	}{
		{"constant", Arrivals{Kind: Constant}, 100 * time.Millisecond, 0, 0.05},
		{"poisson", Arrivals{Kind: Poisson}, 100 * time.Millisecond, 0.95, 1.05},
		{"bursty", Arrivals{Kind: Gamma, Shape: 0.25}, 2 * time.Second, 2.8, 4.6},
		{"even", Arrivals{Kind: Gamma, Shape: 4}, 2 * time.Second, 0.17, 0.35},
		{"gamma of shape 1 is Poisson", Arrivals{Kind: Gamma, Shape: 1}, 100 * time.Millisecond, 0.95, 1.05},
	} {
		tt.a.N, tt.a.Rate = n, rate
		mean := 0.0
		const seeds = 20
		for seed := range uint64(seeds) {
			tt.a.Seed = seed
			s := tt.a.Schedule()
			if got := n / s[n-1].Seconds(); math.Abs(got/rate-1) > 0.005 {
				t.Errorf("%s: rate %v", tt.name, got)
			}
			for i := range s[1:] {
				if s[i+1] < s[i] {
					t.Fatalf("%s: request %d is due before the one before", tt.name, i+1)
				}
			}
			mean += dispersion(s, tt.window) / seeds
		}
		if mean < tt.from || mean > tt.until {
			t.Errorf("%s: dispersion %.3f, want %v to %v", tt.name, mean, tt.from, tt.until)
		}
		if again := tt.a.Schedule(); again[n/2] != tt.a.Schedule()[n/2] {
			t.Errorf("%s: it is not the same again", tt.name)
		}
	}
}

// TestArrivalsRamp: half the rate in the middle of the ramp, all of it behind.
func TestArrivalsRamp(t *testing.T) {
	a := Arrivals{Kind: Constant, Rate: 100, Ramp: 10 * time.Second}
	a.N = a.CountFor(20 * time.Second)
	if a.N != 1500 {
		t.Errorf("%d requests in 20 s", a.N)
	}
	if n := a.CountFor(4 * time.Second); n != 80 {
		t.Errorf("%d requests in 4 s", n)
	}
	s := a.Schedule()
	in := func(from, to time.Duration) (n int) {
		for _, at := range s {
			if from <= at && at < to {
				n++
			}
		}
		return n
	}
	for _, tt := range []struct {
		from, to time.Duration
		want     int
	}{{0, time.Second, 5}, {4500 * time.Millisecond, 5500 * time.Millisecond, 50}, {15 * time.Second, 16 * time.Second, 100}} {
		if n := in(tt.from, tt.to); n < tt.want-1 || n > tt.want+1 {
			t.Errorf("%d requests from %v to %v, want %d", n, tt.from, tt.to, tt.want)
		}
	}
	for i, at := range (Arrivals{Kind: Poisson, Rate: math.Inf(1), N: 5}).Schedule() {
		if at != 0 {
			t.Errorf("request %d of all at once is due at %v", i, at)
		}
	}
}
