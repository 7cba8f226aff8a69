package report

import (
	"strconv"
	"strings"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// column is a figure of a point in a table of results files.
type column struct {
	key        string // in CSV: the results file's key, and for a distribution the statistic
	head, unit string // for people
	short      bool   // it is in the tables for people too
	of         func(*results.Point) cell
}

// cell is a value in a table; its zero value is absent.
type cell struct {
	text   string
	number record.Opt[float64]
}

func numberCell(v record.Opt[float64]) cell { return cell{number: v} }
func intCell(n int) cell                    { return cell{number: record.Some(float64(n))} }

func countCell(c record.Count) cell {
	n, ok := c.Get()
	if !ok {
		return cell{}
	}
	return cell{number: record.Some(float64(n))}
}

func statisticCell(q *stats.Quantiles, s statistic) cell {
	if q == nil {
		return cell{}
	}
	return cell{number: record.Some(s.of(q))}
}

// exact is the cell for programs: counts whole, other figures to nine digits,
// which is more than a clock has, and nothing where it is absent.
func (c cell) exact() string {
	v, ok := c.number.Get()
	switch {
	case ok && v == float64(int64(v)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case ok:
		return strconv.FormatFloat(v, 'g', 9, 64)
	}
	return c.text
}

// rounded is the cell for people.
func (c cell) rounded() string {
	v, ok := c.number.Get()
	switch {
	case ok && v == float64(int64(v)): // counts are not measured to three digits
		return strconv.FormatFloat(v, 'f', 0, 64)
	case ok:
		return number(v, true)
	case c.text == "":
		return absent
	}
	return c.text
}

// pointColumns are in reading order, as those of the terminal's table.
var pointColumns = func() []column {
	type point = *results.Point
	list := []column{
		{"requests", "requests", "", true, func(p point) cell { return intCell(p.Requests) }},
		{"succeeded", "succeeded", "", false, func(p point) cell { return intCell(p.Succeeded) }},
		{"failed", "failed", "", true, func(p point) cell { return intCell(p.Failed) }},
		{"aborted", "aborted", "", false, func(p point) cell { return intCell(p.Aborted) }},
		{"input_tokens", "input", "tokens", true, func(p point) cell { return countCell(p.InputTokens) }},
		{"output_tokens", "output", "tokens", true, func(p point) cell { return countCell(p.OutputTokens) }},
		{"cached_tokens", "cached", "tokens", false, func(p point) cell { return countCell(p.CachedTokens) }},
		{"elapsed_time", "elapsed", "s", false, func(p point) cell { return numberCell(p.ElapsedTime) }},
		{"requests_per_s", "requests", "per s", true, func(p point) cell { return numberCell(p.RequestsPerS) }},
		{"input_tok_s", "input", "tok/s", false, func(p point) cell { return numberCell(p.InputTokS) }},
		{"output_tok_s", "system", "tok/s", true, func(p point) cell { return numberCell(p.OutputTokS) }},
		{"total_tok_s", "total", "tok/s", false, func(p point) cell { return numberCell(p.TotalTokS) }},
		{"steady_state_tok_s", "steady", "tok/s", false, func(p point) cell { return numberCell(p.SteadyTokS) }},
		{"max_output_tok_s", "most", "tok/s", false, func(p point) cell { return numberCell(p.MaxTokS) }},
		{"goodput_rps", "goodput", "per s", false, func(p point) cell { return numberCell(p.GoodputRPS) }},
		{"goodput_ratio", "goodput", "ratio", false, func(p point) cell { return numberCell(p.GoodputRatio) }},
		{"request_output_tok_s_mean", "request", "tok/s", true, func(p point) cell { return statisticCell(p.RequestOutputTokS, statistics[0]) }},
		{"request_decode_tok_s_mean", "decode", "tok/s", false, func(p point) cell { return statisticCell(p.RequestDecodeTokS, statistics[0]) }},
	}
	for _, f := range figures {
		for _, s := range statistics {
			short := (f.name == "ttft" || f.name == "tpot" || f.name == "e2e") && (s.name == "p50" || s.name == "p99")
			list = append(list, column{f.key + "_" + s.name, f.title + " " + s.name, "ms", short,
				func(p point) cell { return statisticCell(f.of(&p.Figures), s) }})
		}
	}
	return append(list,
		column{"per_million_input_tokens", "cost", "per 1M input", false, func(p point) cell {
			return costCell(p, func(c *results.Cost) record.Opt[float64] { return c.PerMillionInput })
		}},
		column{"per_million_output_tokens", "cost", "per 1M output", false, func(p point) cell {
			return costCell(p, func(c *results.Cost) record.Opt[float64] { return c.PerMillionOutput })
		}},
		column{"doubts", "doubts", "", false, func(p point) cell { return cell{text: strings.Join(doubts(p), "; ")} }},
	)
}()

func costCell(p *results.Point, of func(*results.Cost) record.Opt[float64]) cell {
	if p.Cost == nil {
		return cell{}
	}
	return numberCell(of(p.Cost))
}
