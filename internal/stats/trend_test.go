package stats

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// simulated is a queue in front of servers: n requests arrive at a rate of
// load times what the servers can do, each served for a second on average.
type simulated struct {
	servers  int
	load     float64
	n        int
	constant bool // arrivals at equal intervals, else Poisson
	even     bool // every service takes the same time, else exponential
}

// run observes the requests of one run in a Window.
func (q simulated) run(seed uint64) *Window {
	rng := rand.New(rand.NewPCG(3, seed))
	w := &Window{Open: true}
	free := make([]float64, q.servers) // when each server is free
	now := 0.0
	for range q.n {
		gap, service := 1.0, 1.0
		if !q.constant {
			gap = rng.ExpFloat64()
		}
		if !q.even {
			service = rng.ExpFloat64()
		}
		now += gap / (q.load * float64(q.servers))
		next := slices.Index(free, slices.Min(free))
		free[next] = max(now, free[next]) + service
		r := &record.Record{Start: epoch.Add(secs(now)), Outcome: record.Complete, Scheduled: at(0), Sent: at(0)}
		r.End = record.Some(secs(free[next] - now))
		w.Observe(r)
	}
	return w
}

func secs(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func TestTrend(t *testing.T) {
	const seeds = 100
	for _, c := range []struct {
		name  string
		queue simulated
		runs  int     // of a point
		least float64 // of points that are told to grow
		most  float64
	}{
		{"M/M/1 at 0.7", simulated{servers: 1, load: 0.7, n: 500}, 1, 0, 0.02},
		{"M/M/1 at 0.7, short", simulated{servers: 1, load: 0.7, n: 100}, 1, 0, 0.04},
		{"M/M/1 at 0.7, long", simulated{servers: 1, load: 0.7, n: 2000}, 1, 0, 0.02},
		{"M/M/1 at 0.9", simulated{servers: 1, load: 0.9, n: 1000}, 1, 0, 0.03},
		{"M/M/64 at 0.7", simulated{servers: 64, load: 0.7, n: 2000}, 1, 0, 0.02},
		{"M/D/64 at 0.7, four services long", simulated{servers: 64, load: 0.7, n: 180, even: true}, 1, 0, 0.05},
		{"M/M/64 at 0.7, four services long", simulated{servers: 64, load: 0.7, n: 180}, 1, 0, 0.05},
		{"M/D/16 at 0.9", simulated{servers: 16, load: 0.9, n: 1000, even: true}, 1, 0, 0.02},
		{"D/D/16 at 0.95", simulated{servers: 16, load: 0.95, n: 1000, even: true, constant: true}, 1, 0, 0.01},
		{"M/M/1 at 1", simulated{servers: 1, load: 1, n: 1000}, 1, 0, 0.10},
		{"M/M/64 at 0.7, four services long, three runs", simulated{servers: 64, load: 0.7, n: 180}, 3, 0, 0.05},
		{"M/M/64 at 0.9, three runs", simulated{servers: 64, load: 0.9, n: 2000}, 3, 0, 0.02},
		{"M/M/64 at 1.1, three runs", simulated{servers: 64, load: 1.1, n: 2000}, 3, 0.95, 1},
		{"M/D/16 at 1.05, three runs", simulated{servers: 16, load: 1.05, n: 2000, even: true}, 3, 0.80, 1},
		{"M/M/1 at 1.3", simulated{servers: 1, load: 1.3, n: 1000}, 1, 0.95, 1},
		{"M/M/64 at 1.2", simulated{servers: 64, load: 1.2, n: 2000}, 1, 0.95, 1},
		{"M/M/1 at 1.5, short", simulated{servers: 1, load: 1.5, n: 400}, 1, 0.95, 1},
		{"M/M/1 at 3", simulated{servers: 1, load: 3, n: 300}, 1, 0.99, 1},
		{"M/D/16 at 1.15", simulated{servers: 16, load: 1.15, n: 2000, even: true}, 1, 0.95, 1},
		{"D/D/16 at 1.05", simulated{servers: 16, load: 1.05, n: 1000, even: true, constant: true}, 1, 0.99, 1},
	} {
		grew := 0
		points := uint64(seeds / c.runs)
		for seed := range points {
			var runs []*Window
			for k := range uint64(c.runs) {
				runs = append(runs, c.queue.run(seed+k*points))
			}
			trend, ok := TrendOf(runs...)
			if !ok {
				t.Fatalf("%s: no verdict", c.name)
			}
			if trend.Grows {
				grew++
			}
		}
		share := float64(grew) / float64(points)
		t.Logf("%s: %.3f grow", c.name, share)
		if share < c.least || share > c.most {
			t.Errorf("%s: %.3f of the points grow, want %v to %v", c.name, share, c.least, c.most)
		}
	}
}

// TestTrendOfQueues of several kinds, from some time after their beginning.
func TestTrendOfQueues(t *testing.T) {
	looks := func(n int, at func(i int) float64) (queue []float64) {
		for i := range n {
			queue = append(queue, at(i))
		}
		return queue
	}
	for _, c := range []struct {
		name      string
		queue     []float64
		ok, grows bool
	}{
		{"none waits", looks(40, func(int) float64 { return 0 }), true, false},
		{"it grows evenly", looks(40, func(i int) float64 { return float64(i) }), true, true},
		{"it empties", looks(40, func(i int) float64 { return float64(40 - i) }), true, false},
		{"it fills and stays", looks(40, func(i int) float64 { return float64(min(i, 8)) }), true, false},
		{"it sways", looks(40, func(i int) float64 { return float64(i * i % 7) }), true, false},
		{"it grows by next to nothing", looks(40, func(i int) float64 { return float64(i) / 100 }), true, false},
		{"too few looks", looks(12, func(i int) float64 { return float64(i) }), false, false},
		{"no looks", nil, false, false},
	} {
		g, ok := growthOf(c.queue[len(c.queue)/4:], 75)
		if ok != c.ok || ok && trend([]growth{g}).Grows != c.grows {
			t.Errorf("%s: %+v, %v", c.name, g, ok)
		}
	}
	if _, ok := TrendOf(new(Window)); ok {
		t.Error("nothing has a trend")
	}
}
