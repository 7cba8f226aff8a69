package stats

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"tokenomics/internal/sketch"
)

// Within one run neighbouring requests are not independent, but stretches of
// it nearly are. These say how many there must be of them, and of samples.
const (
	leastBatches   = 10
	leastSamples   = 100
	leastBeyond    = 5 // samples beyond a percentile
	resamples      = 200
	bootstrapsSeed = 1
)

// batchMeans is the interval of the mean of all samples. Batches of equal time
// differ in samples, so it is that of a ratio of sums.
func batchMeans(batches []*sketch.Sketch) (iv Interval, ok bool) {
	var n, sum float64
	for _, b := range batches {
		n, sum = n+b.Count(), sum+b.Sum()
	}
	k := float64(len(batches))
	if len(batches) < leastBatches || n < leastSamples {
		return Interval{}, false
	}
	mean, squares := sum/n, 0.0
	for _, b := range batches {
		squares += math.Pow(b.Sum()-mean*b.Count(), 2)
	}
	se := math.Sqrt(squares/(k*(k-1))) / (n / k)
	return Interval{Mean: mean, Half: studentT(k-1) * se, N: len(batches), Method: "batch means", Confidence: Confidence}, true
}

// blockBootstrap are the intervals of percentiles: the run is put together
// anew from blocks drawn at random, always the same ones. A percentile with too
// few samples beyond it has none.
func blockBootstrap(blocks []*sketch.Sketch, percentiles []float64) (list []Interval, ok []bool) {
	list, ok = make([]Interval, len(percentiles)), make([]bool, len(percentiles))
	var all sketch.Sketch
	for _, b := range blocks {
		all.Merge(b)
	}
	if len(blocks) < leastBatches || all.Count() < leastSamples {
		return list, ok
	}
	rng := rand.New(rand.NewPCG(bootstrapsSeed, uint64(len(blocks))))
	drawn := make([][]float64, len(percentiles))
	for range resamples {
		var again sketch.Sketch
		for range blocks {
			again.Merge(blocks[rng.IntN(len(blocks))])
		}
		again.Sort()
		for i, p := range percentiles {
			v, _ := again.Quantile(p) // it is not empty
			drawn[i] = append(drawn[i], v)
		}
	}
	for i, p := range percentiles {
		v, _ := all.Quantile(p)
		half := max(studentT(float64(len(blocks)-1))*stat.StdDev(drawn[i], nil), sketch.RelativeError*v)
		list[i] = Interval{Mean: v, Half: half, N: len(blocks), Method: "block bootstrap", Confidence: Confidence}
		ok[i] = all.Count()*min(p, 1-p) >= leastBeyond
	}
	return list, ok
}

// steadyBatches is the interval of the steady state's tok/s.
func (w *Window) steadyBatches() (iv Interval, ok bool) {
	const batches = 20
	from, to, ok := w.steadySpan()
	if !ok || w.timeline.width*batches > to.Sub(from) {
		return Interval{}, false
	}
	step := to.Sub(from) / batches
	var rates []float64
	for range batches {
		rates = append(rates, w.timeline.tokensBetween(from, from.Add(step))/step.Seconds())
		from = from.Add(step)
	}
	return meanOf(rates, "batch means"), true
}

// withIntervals are the figures whose intervals are told: those that are means
// or ratios of sums, and percentiles. Failures are too rare to spread over runs.
var withIntervals = func() (names []string) {
	for _, f := range rates {
		if f.Name != "max_output_tok_s" && f.Name != "failed_ratio" {
			names = append(names, f.Name)
		}
	}
	for _, d := range []string{"ttft", "tpot", "e2e", "ttft_sched", "e2e_sched", "request_output_tok_s"} {
		for _, st := range []string{"mean", "p50", "p90", "p95", "p99"} {
			names = append(names, d+"_"+st)
		}
	}
	return names
}()

// Intervals are those of a point's figures by name, such as "ttft_p99": over
// its runs where there are three or more, each a replicate. With fewer they
// are from within the runs, and do not hold what changes from one run to the
// next: latencies, and the rate of a steady state, where there are enough
// requests over enough time. A burst, whose requests all begin at once, has
// none then.
func Intervals(runs []*Window) map[string]Interval {
	m := make(map[string]Interval)
	if len(runs) >= runsToShow {
		overRuns(m, runs)
		return m
	}
	for _, f := range blockFigures {
		var list []*sketch.Sketch
		for _, w := range runs {
			list = append(list, w.blocks.of(f.name)...)
		}
		if iv, ok := batchMeans(list); ok {
			m[f.name+"_mean"] = iv
		}
		percentiles, ok := blockBootstrap(list, []float64{0.50, 0.90, 0.95, 0.99})
		for i, name := range []string{"_p50", "_p90", "_p95", "_p99"} {
			if ok[i] {
				m[f.name+name] = percentiles[i]
			}
		}
	}
	if len(runs) == 1 {
		if iv, ok := runs[0].steadyBatches(); ok {
			m["steady_state_tok_s"] = iv
		}
	}
	return m
}

func overRuns(m map[string]Interval, runs []*Window) {
	var sums []Summary
	for _, w := range runs {
		sums = append(sums, w.Summary())
	}
	for _, name := range withIntervals {
		if _, iv := Tight(name, sums, 0); iv.N > 0 {
			m[name] = iv
		}
	}
}
