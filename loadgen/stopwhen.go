package loadgen

import (
	"fmt"
	"strconv"
	"strings"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// StopWhen ends the runs of a point when a figure is known closely enough.
type StopWhen struct {
	Figure string  // "output_tok_s"
	Within float64 // half the width of its interval, as a share of it
	Most   int     // runs, whatever it has come to
}

// ParseStopWhen reads "output_tok_s=2%".
func ParseStopWhen(text string) (s StopWhen, err error) {
	name, share, ok := strings.Cut(text, "=")
	if !ok {
		return s, fmt.Errorf("%q: give a figure and how closely it is to be known, such as output_tok_s=2%%", text)
	}
	if _, err := stats.FigureNamed(name); err != nil {
		return s, err
	}
	number, percent := strings.CutSuffix(share, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		return s, fmt.Errorf("%q: %q is no share between 0 and 1; give one such as 2%% or 0.02", text, share)
	}
	return StopWhen{Figure: name, Within: v}, nil
}

// Enough says whether there is to be no further run.
func (s StopWhen) Enough(m results.Measured) bool {
	return len(m.Runs) >= s.Most || s.Known(m)
}

// Known says whether the figure is known closely enough.
func (s StopWhen) Known(m results.Measured) bool {
	var runs []stats.Summary
	for _, r := range m.Runs {
		runs = append(runs, r.Window.Summary())
	}
	ok, _ := stats.Tight(s.Figure, runs, s.Within)
	return ok
}
