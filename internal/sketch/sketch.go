// Package sketch holds the one quantile sketch of the house: samples in,
// quantiles out, mergeable, bounded in memory. It is exact while it holds few
// samples and has a relative error of at most RelativeError after that.
package sketch

import (
	"cmp"
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// RelativeError bounds the error of a quantile once the sketch has more than
// ExactSamples distinct entries: |estimate - true| <= RelativeError * true.
const RelativeError = 0.005

// ExactSamples is how many entries are kept as they are. It covers the events
// of most requests, so a request's own quantiles are usually exact.
const ExactSamples = 128

// maxBins bounds the memory of the spilled form. With 0.5 % relative error
// 2,048 bins span nine decades: 1 us to 1,000 s.
const maxBins = 2048

// Sketch is a weighted set of non-negative samples. The zero value is an empty
// sketch, ready to use. It is not safe for concurrent use.
type Sketch struct {
	ones     []float64 // the samples while all of them have weight 1, as most have: half the memory
	exact    []sample  // the samples once one has another
	spilled  *ddsketch.DDSketch
	sorted   bool
	count    float64
	sum      float64
	min, max float64
}

type sample struct{ value, weight float64 }

// Add counts one sample. Samples that are negative or not a number are not
// samples of a duration or a rate; they are ignored.
func (s *Sketch) Add(v float64) { s.AddN(v, 1) }

// AddN counts the sample v with weight n (> 0).
func (s *Sketch) AddN(v, n float64) {
	if !(v >= 0) || !(n > 0) || math.IsInf(v, 0) || math.IsInf(n, 0) {
		return
	}
	if s.count == 0 || v < s.min {
		s.min = v
	}
	if v > s.max {
		s.max = v
	}
	s.count += n
	s.sum += v * n
	switch {
	case s.spilled != nil || len(s.ones)+len(s.exact) == ExactSamples:
		s.spill()
		s.addSpilled(v, n)
		return
	case n == 1 && s.exact == nil:
		s.ones = append(s.ones, v)
	default:
		s.weigh()
		s.exact = append(s.exact, sample{v, n})
	}
	s.sorted = false
}

// weigh gives the samples their weights.
func (s *Sketch) weigh() {
	if s.ones == nil {
		return
	}
	s.exact = make([]sample, 0, len(s.ones)+1)
	for _, v := range s.ones {
		s.exact = append(s.exact, sample{v, 1})
	}
	s.ones = nil
}

func (s *Sketch) spill() {
	if s.spilled != nil {
		return
	}
	s.spilled = ddsketch.NewDDSketch(newMapping(), store.NewCollapsingLowestDenseStore(maxBins), store.NewCollapsingLowestDenseStore(1))
	s.weigh()
	for _, e := range s.exact {
		s.addSpilled(e.value, e.weight)
	}
	s.exact = nil
}

func (s *Sketch) addSpilled(v, n float64) {
	// The mapping indexes at most about 1e308 and AddN has refused the rest;
	// an error here would be a sample out of its range.
	if err := s.spilled.AddWithCount(v, n); err != nil {
		s.count -= n
		s.sum -= v * n
	}
}

// Merge adds all of o's samples. o is not changed.
func (s *Sketch) Merge(o *Sketch) {
	if o == nil || o.count == 0 {
		return
	}
	if o.spilled == nil {
		for _, v := range o.ones {
			s.Add(v)
		}
		for _, e := range o.exact {
			s.AddN(e.value, e.weight)
		}
		return
	}
	if s.count == 0 || o.min < s.min {
		s.min = o.min
	}
	s.max = max(s.max, o.max)
	s.count += o.count
	s.sum += o.sum
	s.spill()
	// Both have the same constant mapping, so merging can't fail.
	if err := s.spilled.MergeWith(o.spilled); err != nil {
		panic(err)
	}
}

// Count is the total weight of the samples.
func (s *Sketch) Count() float64 {
	if s == nil {
		return 0
	}
	return s.count
}

// Mean is the weighted mean; not ok for an empty sketch.
func (s *Sketch) Mean() (v float64, ok bool) {
	if s == nil || s.count == 0 {
		return 0, false
	}
	return s.sum / s.count, true
}

// Sum is the weighted sum of the samples.
func (s *Sketch) Sum() float64 {
	if s == nil {
		return 0
	}
	return s.sum
}

// Max is the largest sample, exact; not ok for an empty sketch.
func (s *Sketch) Max() (v float64, ok bool) {
	if s == nil || s.count == 0 {
		return 0, false
	}
	return s.max, true
}

// Min is the smallest sample, exact; not ok for an empty sketch.
func (s *Sketch) Min() (v float64, ok bool) {
	if s == nil || s.count == 0 {
		return 0, false
	}
	return s.min, true
}

// Sort makes reading quantiles quick. Who has added the last sample calls it;
// from then on the sketch may be read by several goroutines.
func (s *Sketch) Sort() {
	if !s.sorted {
		slices.Sort(s.ones)
		sortSamples(s.exact)
		s.sorted = true
	}
}

func sortSamples(list []sample) {
	slices.SortFunc(list, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
}

// Quantile is the sample of nearest rank: the smallest one that at least the
// fraction q (0 to 1) of the total weight does not exceed. Not ok for an empty
// sketch.
func (s *Sketch) Quantile(q float64) (v float64, ok bool) {
	if s == nil || s.count == 0 {
		return 0, false
	}
	if q <= 0 {
		return s.min, true
	}
	if q >= 1 {
		return s.max, true
	}
	if s.spilled != nil {
		// The library asks for rank q*(count-1) counted from 0; half a rank
		// more keeps rounding from landing on the sample below.
		v, err := s.spilled.GetValueAtQuantile(min(1, (math.Ceil(q*s.count)-0.5)/(s.count-1)))
		if err != nil {
			return 0, false
		}
		return min(max(v, s.min), s.max), true
	}
	if !s.sorted { // reading a sketch must not change it
		sorted := Sketch{ones: slices.Clone(s.ones), exact: slices.Clone(s.exact)}
		sorted.Sort()
		return sorted.atRank(q*s.count, s.max), true
	}
	return s.atRank(q*s.count, s.max), true
}

// atRank is the sample of a rank among those that are sorted, last where there
// is none.
func (s *Sketch) atRank(rank, last float64) float64 {
	rank *= 1 - 1e-12 // for a rank a rounding error above a whole one
	seen := 0.0
	for _, v := range s.ones {
		if seen++; seen >= rank {
			return v
		}
	}
	for _, e := range s.exact {
		if seen += e.weight; seen >= rank {
			return e.value
		}
	}
	return last
}
