package stats

import "tokenomics/internal/record"

type tokens struct{ prompt, cached, completion, reasoning total }

// total sums counts and knows how many there were, so that none is not 0.
type total struct {
	sum int64
	n   int // requests that told
}

func (t *total) add(c record.Count) {
	if v, ok := c.Get(); ok {
		t.sum += v
		t.n++
	}
}

func (t *total) merge(o total) {
	t.sum += o.sum
	t.n += o.n
}

func (t total) count() record.Count {
	if t.n == 0 {
		return record.Count{}
	}
	return record.Some(t.sum)
}

func (t total) mean() record.Opt[float64] { return ratio(float64(t.sum), float64(t.n)) }

// ratio is a/b, absent where there is nothing to divide by.
func ratio(a, b float64) record.Opt[float64] {
	if b <= 0 {
		return record.Opt[float64]{}
	}
	return record.Some(a / b)
}
