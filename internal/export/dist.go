package export

import (
	"time"

	"gonum.org/v1/gonum/stat"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// dist is the samples of one figure. Its quantiles are a sketch's, as those of
// the results file are; its spread is of the samples themselves.
type dist struct {
	values []float64
	sketch sketch.Sketch
}

func (d *dist) add(v float64) {
	d.values = append(d.values, v)
	d.sketch.Add(v)
}

// quantile is 0, and the mean not a number, for no samples: count is asked first.
func (d *dist) quantile(q float64) float64 {
	v, _ := d.sketch.Quantile(q)
	return v
}

func (d *dist) count() int    { return len(d.values) }
func (d *dist) mean() float64 { return d.sketch.Sum() / d.sketch.Count() }
func (d *dist) sum() float64  { return d.sketch.Sum() }

// std is the standard deviation of the samples as a whole population.
func (d *dist) std() float64 { return stat.PopStdDev(d.values, nil) }

// dists are the figures of a run, each over the requests that it is taken of
// in the results file: TTFT and TTFO of all that got a token, the others of successes.
// Times are in milliseconds.
type dists struct {
	ttft, ttfo, tpot, gap, e2e dist
	input, output              dist // tokens
	decodeRate                 dist // tokens/s
	inputRate                  dist // input tokens/s until the first token
	decodeTime                 dist // first to last token
	cached, reasoning          dist // tokens, of requests that were told of them
}

func distsOf(records []*record.Record) *dists {
	d := new(dists)
	for _, r := range records {
		addMS(&d.ttft, r.TTFT)
		addMS(&d.ttfo, r.TTFO)
		if r.Outcome != record.Complete {
			continue
		}
		addMS(&d.tpot, r.TPOT)
		addMS(&d.e2e, r.E2E)
		addCount(&d.input, r.Usage.Prompt)
		addCount(&d.output, r.Usage.Completion)
		addCount(&d.cached, r.Usage.Cached)
		addCount(&d.reasoning, r.Usage.Reasoning)
		if v, ok := r.DecodeTokensPerSecond(); ok {
			d.decodeRate.add(v)
		}
		if ttft, ok := r.TTFT(); ok {
			if n, told := r.Usage.Prompt.Get(); told && ttft > 0 {
				d.inputRate.add(float64(n) / ttft.Seconds())
			}
			if e2e, ok := r.E2E(); ok {
				d.decodeTime.add(ms(e2e - ttft))
			}
		}
		if !r.Buffered {
			for _, gap := range gaps(r) {
				d.gap.add(ms(gap))
			}
		}
	}
	return d
}

func addMS(d *dist, figure func() (time.Duration, bool)) {
	if v, ok := figure(); ok {
		d.add(ms(v))
	}
}

func addCount(d *dist, c record.Count) {
	if n, ok := c.Get(); ok {
		d.add(float64(n))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
