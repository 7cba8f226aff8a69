package stats

import (
	"fmt"
	"slices"
	"strings"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// Figure is one number of a Summary, with a name: a rate, such as
// "output_tok_s", or a statistic of a distribution, such as "ttft_p99".
type Figure struct {
	Name           string
	Unit           string // "ms", "tok/s", "1/s", "" of a share
	HigherIsBetter bool
	of             func(*Summary) (float64, bool)
}

// Resolution is the share of itself by which the figure may be off: percentiles
// are of a sketch, where there are many samples, and those that are equal may be
// only of one of its bins.
func (f Figure) Resolution() float64 {
	if i := strings.LastIndex(f.Name, "_p"); i >= 0 && f.Name[i+2] >= '0' && f.Name[i+2] <= '9' {
		return sketch.RelativeError
	}
	return 0
}

// Of is the figure's value; not ok where it has no data.
func (f Figure) Of(s *Summary) (v float64, ok bool) { return f.of(s) }

// rates are the figures of a whole run.
var rates = []Figure{
	{"output_tok_s", "tok/s", true, opt(func(s *Summary) record.Opt[float64] { return s.OutputTokS })},
	{"input_tok_s", "tok/s", true, opt(func(s *Summary) record.Opt[float64] { return s.InputTokS })},
	{"total_tok_s", "tok/s", true, opt(func(s *Summary) record.Opt[float64] { return s.TotalTokS })},
	{"steady_state_tok_s", "tok/s", true, opt(func(s *Summary) record.Opt[float64] { return s.SteadyTokS })},
	{"max_output_tok_s", "tok/s", true, opt(func(s *Summary) record.Opt[float64] { return s.MaxTokS })},
	{"requests_per_s", "1/s", true, opt(func(s *Summary) record.Opt[float64] { return s.RequestsPS })},
	{"goodput_rps", "1/s", true, opt(func(s *Summary) record.Opt[float64] { return s.GoodputRPS })},
	{"goodput_ratio", "", true, opt(func(s *Summary) record.Opt[float64] { return s.GoodRatio })},
	{"failed_ratio", "", false, opt(func(s *Summary) record.Opt[float64] {
		return ratio(float64(s.Failed), float64(s.Issued()))
	})},
}

func opt(of func(*Summary) record.Opt[float64]) func(*Summary) (float64, bool) {
	return func(s *Summary) (float64, bool) { return of(s).Get() }
}

// distributions have the figures of their statistics.
var distributions = []struct {
	name, unit     string
	higherIsBetter bool
	of             func(*Summary) *Quantiles
}{
	{"ttft", "ms", false, func(s *Summary) *Quantiles { return s.TTFT }},
	{"ttfo", "ms", false, func(s *Summary) *Quantiles { return s.TTFO }},
	{"tpot", "ms", false, func(s *Summary) *Quantiles { return s.TPOT }},
	{"gap", "ms", false, func(s *Summary) *Quantiles { return s.Gap }},
	{"itl", "ms", false, func(s *Summary) *Quantiles { return s.ITL }},
	{"e2e", "ms", false, func(s *Summary) *Quantiles { return s.E2E }},
	{"ttft_sched", "ms", false, func(s *Summary) *Quantiles { return s.TTFTSched }},
	{"ttfo_sched", "ms", false, func(s *Summary) *Quantiles { return s.TTFOSched }},
	{"e2e_sched", "ms", false, func(s *Summary) *Quantiles { return s.E2ESched }},
	{"client_queue", "ms", false, func(s *Summary) *Quantiles { return s.ClientQueue }},
	{"engine_queue", "ms", false, func(s *Summary) *Quantiles { return s.EngineQueue }},
	{"engine_load", "ms", false, func(s *Summary) *Quantiles { return s.EngineLoad }},
	{"engine_prefill", "ms", false, func(s *Summary) *Quantiles { return s.EnginePrefill }},
	{"engine_decode", "ms", false, func(s *Summary) *Quantiles { return s.EngineDecode }},
	{"engine_compute", "ms", false, func(s *Summary) *Quantiles { return s.EngineCompute }},
	{"engine", "ms", false, func(s *Summary) *Quantiles { return s.EngineTime }},
	{"outside_engine", "ms", false, func(s *Summary) *Quantiles { return s.OutsideEngine }},
	{"request_output_tok_s", "tok/s", true, func(s *Summary) *Quantiles { return s.RequestTokS }},
	{"request_decode_tok_s", "tok/s", true, func(s *Summary) *Quantiles { return s.DecodeTokS }},
}

// statistics are what a distribution is told by.
var statistics = []struct {
	name string
	of   func(*Quantiles) (float64, bool)
}{
	{"mean", func(q *Quantiles) (float64, bool) { return q.Mean, true }},
	{"min", func(q *Quantiles) (float64, bool) { return q.Min, true }},
	{"p50", func(q *Quantiles) (float64, bool) { return q.P50, true }},
	{"p90", func(q *Quantiles) (float64, bool) { return q.P90, true }},
	{"p95", func(q *Quantiles) (float64, bool) { return q.P95, true }},
	{"p99", func(q *Quantiles) (float64, bool) { return q.P99, true }},
	{"p99_9", func(q *Quantiles) (float64, bool) { return q.P999.Get() }},
	{"max", func(q *Quantiles) (float64, bool) { return q.Max, true }},
}

// FigureNamed finds a figure by its name.
func FigureNamed(name string) (Figure, error) {
	if i := slices.IndexFunc(rates, func(f Figure) bool { return f.Name == name }); i >= 0 {
		return rates[i], nil
	}
	for _, d := range distributions {
		for _, st := range statistics {
			if name == d.name+"_"+st.name {
				return Figure{name, d.unit, d.higherIsBetter, func(s *Summary) (float64, bool) {
					q := d.of(s)
					if q == nil {
						return 0, false
					}
					return st.of(q)
				}}, nil
			}
		}
	}
	return Figure{}, fmt.Errorf("there is no figure %q: there are %s", name, figureNames())
}

// figureNames tells what FigureNamed knows.
func figureNames() string {
	var single, distributed, of []string
	for _, f := range rates {
		single = append(single, f.Name)
	}
	for _, d := range distributions {
		distributed = append(distributed, d.name)
	}
	for _, st := range statistics {
		of = append(of, st.name)
	}
	return fmt.Sprintf("%s, and %s of %s (as in ttft_p99)", strings.Join(single, ", "), strings.Join(of, ", "), strings.Join(distributed, ", "))
}
