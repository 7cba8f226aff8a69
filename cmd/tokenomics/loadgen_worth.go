package main

import (
	"fmt"
	"io"

	"tokenomics/internal/results"
)

// showWorth says how much of each point was good, and what its tokens cost,
// where that was asked for.
func (s *loadgenSession) showWorth(w io.Writer, measured []results.Measured) {
	for _, m := range measured {
		f := results.Of(m, s.plan.planned()).Figures
		rate, known := f.GoodputRPS.Get()
		if share, ok := f.GoodputRatio.Get(); ok && known && s.plan.load.goodput != "" {
			fmt.Fprintf(w, "\n%s %s: goodput %.3g requests a second, %.3g %% of all\n", s.what(), m.Name, rate, 100*share)
		}
		if s.plan.costPerHour <= 0 {
			continue
		}
		c := results.CostOf(s.plan.costPerHour, f)
		if total, ok := c.PerMillionTotal.Get(); ok {
			fmt.Fprintf(w, "\n%s %s: a million tokens cost %.3g", s.what(), m.Name, total)
			if out, ok := c.PerMillionOutput.Get(); ok {
				fmt.Fprintf(w, "; put on the output alone, %.3g", out)
			}
			fmt.Fprintln(w)
		}
	}
}
