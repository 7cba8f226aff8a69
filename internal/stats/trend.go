package stats

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/stat"
)

// Trend is what became of a queue over a point, its beginning left out, in
// which any load fills an idle engine.
type Trend struct {
	From, To float64 // requests
	P        float64 // how likely a queue that does not grow would have grown so much or more
	Grows    bool
}

// String says what became of it.
func (t Trend) String() string {
	return fmt.Sprintf("grew from %.0f to %.0f requests", t.From, t.To)
}

// A queue that grows has gained a share of the arrivals that is worth a word,
// and could hardly have done so by chance.
const (
	leastGrowth = 0.02
	growthByLot = 0.03
	fewestSteps = 10
	mostSteps   = 20
)

// trend tests a queue that was looked at at equal intervals, while so many
// arrived: the increments between a few looks, for a mean above zero. The
// queue's own values would not do: each depends on the one before, also in a
// queue that is stable, and a test that takes them for independent finds trends
// everywhere. The increments of a queue at its limit are independent, and those
// of a stable one cancel out, which makes the test more careful there.
func trend(queue []float64, arrivals float64) (t Trend, ok bool) {
	steps := min(mostSteps, len(queue)-1)
	if steps < fewestSteps || arrivals <= 0 {
		return Trend{}, false
	}
	look := func(i int) float64 { return queue[i*(len(queue)-1)/steps] }
	var increments []float64
	for i := range steps {
		increments = append(increments, look(i+1)-look(i))
	}
	t.From, t.To = look(0), look(steps)
	mean, sd := stat.MeanStdDev(increments, nil)
	switch {
	case sd > 0:
		t.P = beyondT(mean/sd*math.Sqrt(float64(steps)), float64(steps-1)) / 2
		if mean < 0 {
			t.P = 1 - t.P
		}
	case mean <= 0:
		t.P = 1
	}
	t.Grows = t.P < growthByLot && t.To-t.From >= leastGrowth*arrivals
	return t, true
}

// Trend tests the run's backlog, the requests that were due and had not ended,
// from the time that half the requests took (but at least the first quarter and
// at most the first half) to the last arrival. Not ok for a run of less than a
// few seconds or without arrivals in all that time, as in a burst.
func (w *Window) Trend() (t Trend, ok bool) {
	l := &w.timeline
	first, last := -1, -1
	for i, c := range l.cells {
		if c.due == 0 {
			continue
		}
		if last = i; first < 0 {
			first = i
		}
	}
	if first < 0 {
		return Trend{}, false
	}
	n := last - first
	typical, _ := w.e2e.Quantile(0.5)
	cut := first + min(n/2, max(n/4, int(typical*float64(time.Millisecond)/float64(l.width))))
	var queue []float64
	backlog, arrivals := 0, 0
	for i, c := range l.cells[:last] { // the last cell need not be filled
		backlog += int(c.due - c.over)
		if i >= cut {
			queue = append(queue, float64(backlog))
			arrivals += int(c.due)
		}
	}
	return trend(queue, float64(arrivals))
}
