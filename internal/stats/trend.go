package stats

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/stat"
)

// Trend is what became of a queue over the runs of a point, the beginning of
// each left out, in which any load fills an idle engine.
type Trend struct {
	From, To float64 // requests, the mean over the runs
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

// TrendOf tests the backlog of a point's runs, the requests that were due and had
// not ended, for growth in all of them together: each for itself has more chances
// of a false alarm, and sees less. Not ok where none lasted a few seconds, or had
// arrivals in all that time, as in a burst.
//
// It is the increments between a few looks that are tested, for a mean above
// zero. The queue's own values would not do: each depends on the one before, also
// in a queue that is stable, and a test that takes them for independent finds
// trends everywhere. The increments of a queue at its limit are independent, and
// those of a stable one cancel out, which makes the test more careful there.
func TrendOf(runs ...*Window) (t Trend, ok bool) {
	var all []growth
	for _, w := range runs {
		if g, ok := w.growth(); ok {
			all = append(all, g)
		}
	}
	if len(all) == 0 {
		return Trend{}, false
	}
	return trend(all), true
}

// trend is that of one run or several.
func trend(runs []growth) (t Trend) {
	var increments []float64
	arrivals := 0.0
	for _, g := range runs {
		increments = append(increments, g.increments...)
		t.From += g.from / float64(len(runs))
		t.To += g.to / float64(len(runs))
		arrivals += g.arrivals / float64(len(runs))
	}
	mean, sd := stat.MeanStdDev(increments, nil)
	switch {
	case sd > 0:
		t.P = beyondT(mean/sd*math.Sqrt(float64(len(increments))), float64(len(increments)-1)) / 2
		if mean < 0 {
			t.P = 1 - t.P
		}
	case mean <= 0:
		t.P = 1
	}
	t.Grows = t.P < growthByLot && t.To-t.From >= leastGrowth*arrivals
	return t
}

// growth is how the backlog of one run changed, from look to look.
type growth struct {
	from, to   float64
	increments []float64
	arrivals   float64
}

// growthOf is that of a queue that was looked at at equal intervals, while so
// many arrived.
func growthOf(queue []float64, arrivals float64) (g growth, ok bool) {
	steps := min(mostSteps, len(queue)-1)
	if steps < fewestSteps || arrivals <= 0 {
		return growth{}, false
	}
	look := func(i int) float64 { return queue[i*(len(queue)-1)/steps] }
	g = growth{from: look(0), to: look(steps), arrivals: arrivals}
	for i := range steps {
		g.increments = append(g.increments, look(i+1)-look(i))
	}
	return g, true
}

// growth is that of the run's backlog, from the time that nine in ten requests
// took (but at least the first quarter and at most the first half) to the last
// arrival. The time that half of them took would not do: where times differ, an
// engine is still being filled then by those that take long.
func (w *Window) growth() (g growth, ok bool) {
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
		return growth{}, false
	}
	n := last - first
	long, _ := w.e2e.Quantile(0.9)
	cut := first + min(n/2, max(n/4, int(long*float64(time.Millisecond)/float64(l.width))))
	var queue []float64
	backlog, arrivals := 0, 0
	for i, c := range l.cells[:last] { // the last cell need not be filled
		backlog += int(c.due - c.over)
		if i >= cut {
			queue = append(queue, float64(backlog))
			arrivals += int(c.due)
		}
	}
	return growthOf(queue, float64(arrivals))
}
