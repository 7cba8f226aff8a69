package loadgen

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// Find looks for the highest load that still meets a service level and can be
// sustained: it doubles the load until one is too much, and then halves the
// bracket between the highest that was good and the lowest that was not.
type Find struct {
	Make     func(load float64) Point
	Whole    bool    // loads are whole numbers
	From     float64 // tried first
	Least    float64 // nothing below is tried; 0 means that From decides
	Most     float64 // tried at the most
	Within   float64 // the bracket's width at the end, as a share of it
	Bounds   []stats.Bound
	MaxFails float64 // share of requests that may fail
	Runs     int     // of a load near the edge
	// Doubts are reasons why what was measured can't be trusted, which makes a
	// load too much: nobody knows whether it is. nil means that there are none.
	Doubts func(m results.Measured) []string
}

// edge is how near to a bound, as a share of it, one run does not settle on
// which side of it a load is.
const edge = 0.1

// Next is the load to be tried next: a Route.
func (f *Find) Next(done []results.Measured) (Point, bool) {
	load, ok := f.next(done)
	if !ok {
		return Point{}, false
	}
	return f.Make(load), true
}

func (f *Find) next(done []results.Measured) (load float64, ok bool) {
	if len(done) == 0 {
		return f.From, true
	}
	lo, hi := f.bracket(done)
	switch {
	case math.IsInf(hi, 1):
		return min(2*lo, f.Most), lo < f.Most
	case lo == 0 && single(done, hi):
		return 0, false
	case lo == 0:
		load = hi / 2
	default:
		load = math.Sqrt(lo * hi)
	}
	switch {
	case f.Whole && lo > 0: // between the two, even where they are small
		load = math.Round((lo + hi) / 2)
	case f.Whole:
		load = math.Round(load)
	default:
		load = roundRate(load)
	}
	wide := lo > 0 && hi-lo > f.Within*lo || lo == 0 && (f.Whole || load >= max(f.Least, f.From/mostHalved))
	// What is no other load once it is rounded would be tried for ever.
	return load, wide && load > lo && load < hi
}

// mostHalved is how far below the first load a rate is looked for.
const mostHalved = 1024

// roundRate keeps three digits: more say nothing about a load.
func roundRate(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// bracket is the highest load below the lowest that was too much, and that; 0
// and infinity where there is none.
func (f *Find) bracket(done []results.Measured) (lo, hi float64) {
	hi = math.Inf(1)
	for _, m := range done {
		if good, _ := f.Good(m); !good {
			hi = min(hi, LoadOf(m))
		}
	}
	for _, m := range done {
		if load := LoadOf(m); load < hi {
			lo = max(lo, load)
		}
	}
	return lo, hi
}

// single says whether no request of a load ran beside another: one that is too
// much all the same leaves nothing to look for below it.
func single(done []results.Measured, load float64) bool {
	for _, m := range done {
		if LoadOf(m) == load {
			return m.Summary().PeakInFlight <= 1
		}
	}
	return false
}

// LoadOf is the load of what was measured, as one number.
func LoadOf(m results.Measured) float64 {
	if m.Load.Shape == ShapeRate {
		return float64(m.Load.RequestRate)
	}
	return float64(m.Load.MaxConcurrency)
}

// Good says whether a load meets the service level, and if not, why.
func (f *Find) Good(m results.Measured) (ok bool, why string) {
	why = strings.Join(append(f.misses(m), f.doubts(m)...), ", ")
	return why == "", why
}

// Doubted says whether nothing but Doubts speaks against a load.
func (f *Find) Doubted(m results.Measured) bool {
	return len(f.misses(m)) == 0 && len(f.doubts(m)) > 0
}

func (f *Find) doubts(m results.Measured) []string {
	if f.Doubts == nil {
		return nil
	}
	return f.Doubts(m)
}

func (f *Find) misses(m results.Measured) (misses []string) {
	s := m.Summary()
	issued := float64(max(1, s.Issued()))
	if share := float64(s.Failed) / issued; share > f.MaxFails {
		misses = append(misses, fmt.Sprintf("%.1f %% of requests failed", 100*share))
	}
	if share := float64(s.BrokenOff) / issued; share > f.MaxFails { // the slowest ones: the figures lack them
		misses = append(misses, fmt.Sprintf("%.1f %% of requests had not ended when the grace period was over", 100*share))
	}
	for _, b := range f.Bounds {
		switch v, ok := b.Of(s); {
		case !ok:
			misses = append(misses, "there is no "+b.Name)
		case v > b.Limit:
			misses = append(misses, fmt.Sprintf("%s is %.4g ms", b.Judged(s), v))
		}
	}
	switch u := m.Sustainable(); {
	case u != nil && !u.OK:
		misses = append(misses, u.Reason)
	case u == nil && m.Load.Shape == ShapeRate && s.PeakInFlight > 1: // one at a time leaves nothing behind
		misses = append(misses, "its runs were too short to tell whether it can be sustained")
	}
	return misses
}

// Enough says whether the runs of a load settle on which side of the service
// level it is: one does, unless it came out near the edge.
func (f *Find) Enough(m results.Measured) bool {
	n := len(m.Runs) - m.SetAside()
	return n >= f.Runs || n > 0 && !f.near(m.Summary())
}

func (f *Find) near(s stats.Summary) bool {
	near := false
	for _, b := range f.Bounds {
		v, ok := b.Of(s)
		if ok && v > b.Limit*(1+edge) {
			return false // whatever the others come to
		}
		near = near || ok && v > b.Limit*(1-edge)
	}
	return near
}

// Bound says whether what ended the search was the engine, and not Doubts: the
// lowest load that was too much, where there is one, missed the service level.
func (f *Find) Bound(done []results.Measured) bool {
	_, hi := f.bracket(done)
	for _, m := range done {
		if LoadOf(m) == hi {
			return !f.Doubted(m)
		}
	}
	return true
}

// Knee is the highest load that was good while none below it was not; not ok
// where there is none.
func (f *Find) Knee(done []results.Measured) (m results.Measured, ok bool) {
	lo, _ := f.bracket(done)
	for _, m := range done {
		if LoadOf(m) == lo {
			return m, true
		}
	}
	return results.Measured{}, false
}
