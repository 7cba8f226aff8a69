package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"tokenomics/internal/record"
)

// Verdict is what a comparison comes to.
type Verdict string

const (
	// Better and Worse: the difference is significant and more than the threshold.
	Better Verdict = "better"
	Worse  Verdict = "worse"
	// Same: all of the interval of the difference lies within the threshold.
	Same Verdict = "same"
	// CantTell: none of these, which more runs may mend.
	CantTell Verdict = "can't tell"
)

// Difference is one figure of two sides, each measured in several runs.
type Difference struct {
	Base, New float64
	Share     record.Opt[float64] // (New - Base) / Base; absent where Base is 0
	// Low to High is the confidence interval of Share. It takes Base for known
	// where it divides by it. Absent where there is none.
	Low, High record.Opt[float64]
	P         record.Opt[float64] // how likely sides without a difference differ so much; absent where it can't be told
	N         int                 // runs of the side that has fewer, or pairs
	Method    string
}

// Welch compares two sides by their runs, each a replicate, with Welch's t:
// their noise need not be the same. With fewer than two runs on a side there is
// no knowing how much runs differ by themselves, so that there is no interval
// and no P: one within a run would take what changes from run to run for a
// difference.
func Welch(base, other []float64) Difference {
	d := differenceOf(base, other)
	d.N, d.Method = min(len(base), len(other)), "welch-t over runs"
	if d.N < 2 {
		return d
	}
	a, b := stat.Variance(base, nil)/float64(len(base)), stat.Variance(other, nil)/float64(len(other))
	freedom := (a + b) * (a + b) / (a*a/float64(len(base)-1) + b*b/float64(len(other)-1))
	d.judgeBy(math.Sqrt(a+b), freedom)
	return d
}

// Paired compares two sides that were measured in turns, block by block, with
// a paired t over the blocks' differences: what drifts over all of them cancels
// out. base and other are as long as each other; below two pairs there is no
// interval and no P.
func Paired(base, other []float64) Difference {
	d := differenceOf(base, other)
	d.N, d.Method = min(len(base), len(other)), "paired t over blocks"
	if d.N < 2 {
		return d
	}
	var between []float64
	for i := range d.N {
		between = append(between, other[i]-base[i])
	}
	d.judgeBy(stat.StdDev(between, nil)/math.Sqrt(float64(d.N)), float64(d.N-1))
	return d
}

// Fisher compares how many of each side's requests were counted, failed ones
// for instance, with Fisher's exact test. It has no interval.
func Fisher(base, ofBase, other, ofOther int) Difference {
	d := Difference{N: min(ofBase, ofOther), Method: "fisher's exact test"}
	if d.N == 0 {
		return d
	}
	d.Base, d.New = float64(base)/float64(ofBase), float64(other)/float64(ofOther)
	d.Share = ratio(d.New-d.Base, d.Base)
	// How likely k of all those counted fall to base, by the hypergeometric
	// distribution; all that are no likelier than what was seen are as far off.
	all := base + other
	likely := func(k int) float64 {
		return math.Exp(logChoose(ofBase, k) + logChoose(ofOther, all-k) - logChoose(ofBase+ofOther, all))
	}
	p, seen := 0.0, likely(base)
	for k := max(0, all-ofOther); k <= min(all, ofBase); k++ {
		if q := likely(k); q <= seen*(1+1e-9) {
			p += q
		}
	}
	d.P = record.Some(min(1, p))
	return d
}

func logChoose(n, k int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return lg(n) - lg(k) - lg(n-k)
}

func differenceOf(base, other []float64) (d Difference) {
	if len(base) == 0 || len(other) == 0 {
		return d
	}
	d.Base, d.New = stat.Mean(base, nil), stat.Mean(other, nil)
	if d.Base != 0 {
		d.Share = record.Some((d.New - d.Base) / math.Abs(d.Base))
	}
	return d
}

// judgeBy sets P and the interval from the difference's standard error.
func (d *Difference) judgeBy(se, freedom float64) {
	diff, half := d.New-d.Base, 0.0
	switch {
	case se > 0:
		d.P = record.Some(beyondT(diff/se, freedom))
		half = studentT(freedom) * se
	case diff == 0:
		d.P = record.Some(1.0)
	default:
		d.P = record.Some(0.0) // runs that do not differ at all on either side
	}
	if d.Base != 0 {
		d.Low, d.High = record.Some((diff-half)/math.Abs(d.Base)), record.Some((diff+half)/math.Abs(d.Base))
	}
}

// Verdict judges the difference. It is significant where P is at most level,
// which is 0.05 for one comparison and Level's for one of many.
func (d Difference) Verdict(higherIsBetter bool, threshold, level float64) Verdict {
	p, told := d.P.Get()
	share, known := d.Share.Get()
	beyond := !known && d.New != d.Base || math.Abs(share) > threshold
	switch {
	case !told:
		return CantTell
	case d.New == d.Base && p == 1:
		return Same
	case p <= level && beyond:
		if (d.New > d.Base) == higherIsBetter {
			return Better
		}
		return Worse
	case d.Low.Ok() && -threshold <= d.Low.Or(0) && d.High.Or(0) <= threshold:
		return Same
	}
	return CantTell
}

// Level is the greatest P of those that are significant together, by Benjamini
// and Hochberg: where nothing differs, 5 % of files have any false alarm, and
// not 5 % of comparisons.
func Level(ps []float64) (level float64) {
	ps = slices.SortedFunc(slices.Values(ps), cmp.Compare)
	for i, p := range ps {
		if p <= (1-Confidence)*float64(i+1)/float64(len(ps)) {
			level = p
		}
	}
	return level
}
