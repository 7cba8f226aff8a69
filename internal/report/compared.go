package report

import (
	"fmt"
	"math"
	"slices"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// comparison is one load in every file.
type comparison struct {
	Load    string
	Columns int
	Rows    []comparedRow
}

// comparedRow is one figure, with a value for every file.
type comparedRow struct {
	Title  string
	Values []comparedValue
}

type comparedValue struct{ Value, Change string }

// comparedFigures are what people look at first when they compare.
var comparedFigures = []struct {
	title string
	of    func(*results.Point) record.Opt[float64]
}{
	{"system tok/s", func(p *results.Point) record.Opt[float64] { return p.OutputTokS }},
	{"TTFT p50, ms", func(p *results.Point) record.Opt[float64] { return statisticCell(p.TTFT, statistics[1]).number }},
	{"TTFT p99, ms", func(p *results.Point) record.Opt[float64] { return statisticCell(p.TTFT, statistics[4]).number }},
	{"TPOT p50, ms", func(p *results.Point) record.Opt[float64] { return statisticCell(p.TPOT, statistics[1]).number }},
	{"E2E p99, ms", func(p *results.Point) record.Opt[float64] { return statisticCell(p.E2E, statistics[4]).number }},
}

// compared sets the files side by side at the loads that at least two of them
// have. Changes are against the first that has the load; whether they mean
// anything is for the compare command to say, which knows the intervals.
func compared(files []Named, a axis) []comparison {
	var out []comparison
	for _, at := range a.Loads {
		points := make([]*results.Point, len(files))
		have := 0
		for i, f := range files {
			j := slices.IndexFunc(f.Results.Results, func(p results.Point) bool { return a.at(&p) == at })
			if j >= 0 {
				points[i] = &f.Results.Results[j]
				have++
			}
		}
		if have > 1 {
			out = append(out, comparison{Load: at, Columns: 1 + len(files), Rows: comparedAt(points)})
		}
	}
	return out
}

func comparedAt(points []*results.Point) []comparedRow {
	var out []comparedRow
	for _, f := range comparedFigures {
		row := comparedRow{Title: f.title}
		var base record.Opt[float64]
		for _, p := range points {
			if p == nil {
				row.Values = append(row.Values, comparedValue{Value: absent})
				continue
			}
			v := f.of(p)
			row.Values = append(row.Values, comparedValue{numberCell(v).rounded(), change(base, v)})
			if !base.Ok() {
				base = v
			}
		}
		if base.Ok() {
			out = append(out, row)
		}
	}
	return out
}

// change is how much v differs from base, as text.
func change(base, v record.Opt[float64]) string {
	a, known := base.Get()
	b, ok := v.Get()
	if !known || !ok || a == 0 {
		return ""
	}
	pct := 100 * (b/a - 1)
	if math.Abs(pct) < 0.05 {
		return "±0 %"
	}
	return fmt.Sprintf("%+.1f %%", pct)
}
