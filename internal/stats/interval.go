package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is how far a figure can be trusted: Mean and half the width of its
// confidence interval, in the figure's unit.
type Interval struct {
	Mean       float64 `json:"mean"`
	Half       float64 `json:"half"`
	N          int     `json:"n"`          // runs, or batches or blocks of one run
	Method     string  `json:"method"`     // "student-t over runs", "batch means", "block bootstrap"
	Confidence float64 `json:"confidence"` // 0.95
}

// Confidence is that of every interval and verdict.
const Confidence = 0.95

// An interval over runs is shown from three of them up, and five are the least
// to stop measuring on: two or three may agree by luck.
const (
	runsToShow = 3
	runsToStop = 5
)

// studentT is the two-sided quantile of Student's t.
func studentT(freedom float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(1 - (1-Confidence)/2)
}

// beyondT is the two-sided probability of a t as far from 0 as this one.
func beyondT(t, freedom float64) float64 {
	return 2 * distuv.StudentsT{Sigma: 1, Nu: freedom}.CDF(-math.Abs(t))
}

// meanOf is the interval of the mean of independent values; there are two or
// more.
func meanOf(values []float64, method string) Interval {
	mean, sd := stat.MeanStdDev(values, nil)
	n := float64(len(values))
	return Interval{Mean: mean, Half: studentT(n-1) * sd / math.Sqrt(n), N: len(values), Method: method, Confidence: Confidence}
}

// OverRuns is the interval of a figure over runs, each one a replicate; not ok
// below three.
func OverRuns(values []float64) (iv Interval, ok bool) {
	if len(values) < runsToShow {
		return Interval{}, false
	}
	return meanOf(values, "student-t over runs"), true
}

// Tight says whether a figure's interval over the runs is as tight as within,
// a share of its mean: 0.02 for 2 %. Below five runs it never is.
func Tight(figure string, runs []Summary, within float64) (ok bool, iv Interval) {
	f, err := FigureNamed(figure)
	if err != nil {
		return false, Interval{}
	}
	var values []float64
	for i := range runs {
		if v, has := f.Of(&runs[i]); has {
			values = append(values, v)
		}
	}
	iv, shown := OverRuns(values)
	iv.Half = max(iv.Half, f.Resolution()*math.Abs(iv.Mean))
	return shown && len(values) >= runsToStop && iv.Half <= within*math.Abs(iv.Mean), iv
}
