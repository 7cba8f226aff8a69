package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// comparePlan is what the command line asks of a comparison.
type comparePlan struct {
	base, other string
	figures     []stats.Figure
	named       bool // the figures were
	threshold   float64
	json        bool
}

// defaultMetrics are compared where both files have them.
const defaultMetrics = "output_tok_s,requests_per_s,steady_state_tok_s,goodput_rps,ttft_p50,ttft_p99,tpot_p50,tpot_p99,e2e_p50,e2e_p99,ttft_sched_p99,e2e_sched_p99,failed_ratio"

func newCompareCmd(e *env) *cobra.Command {
	var metrics, threshold string
	p := new(comparePlan)
	cmd := &cobra.Command{
		Use:   "compare BASE NEW",
		Short: "Compare two results files: what became better, worse, or stayed the same",
		Long: `compare sets two results files of 'tokenomics loadgen' beside each other, point
by point: those of the same name and load.

Each run is one sample. A difference is better or worse when it is significant
(Welch's t over the runs; Fisher's exact test for failed_ratio) and larger than
--threshold; same when all of its 95 % interval is within the threshold. Anything
else can't be told, as with one run on a side: there is no knowing then how much
runs differ by themselves. Measure with --num-runs 3 or more.

Many figures are compared at once. What is significant is decided for all of them
together, so that where nothing differs 5 % of comparisons raise any alarm.

The exit code is 1 when a figure is worse, 2 for wrong use, as with a file that is
not there or is none of loadgen's, 3 when nothing in the two can be compared.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError(fmt.Errorf("compare takes two results files, BASE and NEW, and was given %d; see 'tokenomics compare --help'", len(args)))
			}
			p.base, p.other, p.named = args[0], args[1], metrics != defaultMetrics
			var err error
			if p.figures, err = parseMetrics(metrics); err != nil {
				return usageError(fmt.Errorf("--metrics: %w", err))
			}
			if p.threshold, err = parseShare(threshold); err != nil {
				return usageError(fmt.Errorf("--threshold: %w", err))
			}
			return p.do(e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&metrics, "metrics", defaultMetrics, "figures to compare, with commas between: rates, or statistics such as ttft_p99 or e2e_mean")
	f.StringVar(&threshold, "threshold", "5%", "differences up to this are no matter: a percentage, or a share of BASE such as 0.05")
	f.BoolVar(&p.json, "json", false, "write JSON in place of the table")
	return cmd
}

// parseMetrics reads names of figures.
func parseMetrics(list string) (figures []stats.Figure, err error) {
	for name := range strings.SplitSeq(list, ",") {
		f, err := stats.FigureNamed(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// parseShare reads a percentage, or a share below 1.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	switch {
	case err != nil || math.IsNaN(v) || v < 0 || math.IsInf(v, 0):
		return 0, fmt.Errorf("%q is no percentage: write 5%% or 0.05", text)
	case !percent && v >= 1:
		return 0, fmt.Errorf("%q is a share of 1 or more: write %s%% if it is a percentage", text, text)
	}
	return v, nil
}

func (p *comparePlan) do(e *env) error {
	base, err := results.Read(p.base)
	if err != nil {
		return usageError(err)
	}
	other, err := results.Read(p.other)
	if err != nil {
		return usageError(err)
	}
	c := results.Compare(base, other, p.figures, p.threshold)
	c.Base, c.New = p.base, p.other
	if len(c.Points) == 0 {
		return runError(fmt.Errorf("%q and %q have no point in common, of the same name and load: %s and %s",
			p.base, p.other, pointNames(base.Results), pointNames(other.Results)))
	}
	if p.named {
		c.Warnings = append(c.Warnings, withoutData(c, p.figures)...)
	}
	c.Warnings = append(c.Warnings, tooFewRuns(c)...)
	if p.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(c)
	} else {
		err = printComparison(e.stdout, c)
	}
	if err != nil {
		return runError(fmt.Errorf("writing the comparison: %w", err))
	}
	if c.Regressions > 0 {
		return failError(errors.New("worse than BASE: " + strings.Join(regressions(c), ", ")))
	}
	return nil
}

func pointNames(points results.Points) string {
	var names []string
	for _, p := range points {
		name := p.Name
		if p.Load != nil {
			name = p.Load.Shape + " " + name
		}
		names = append(names, name)
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// withoutData are the figures that were asked for and that no point has.
func withoutData(c *results.Comparison, figures []stats.Figure) (warnings []string) {
	has := make(map[string]bool)
	for _, p := range c.Points {
		for _, f := range p.Figures {
			has[f.Figure] = true
		}
	}
	for _, f := range figures {
		if !has[f.Name] {
			warnings = append(warnings, "no point has "+f.Name+" in both files")
		}
	}
	return warnings
}

// tooFewRuns says why nothing can be told of points with a single run.
func tooFewRuns(c *results.Comparison) (warnings []string) {
	var names []string
	for _, p := range c.Points {
		for _, f := range p.Figures {
			if f.N < 2 {
				names = append(names, p.Name)
				break
			}
		}
	}
	if names != nil {
		warnings = append(warnings, fmt.Sprintf("a single run on a side tells nothing of how much runs differ, so that no verdict is given on %s: measure with --num-runs 3 or more",
			strings.Join(names, ", ")))
	}
	return warnings
}

func regressions(c *results.Comparison) (list []string) {
	for _, p := range c.Points {
		for _, f := range p.Figures {
			if f.Verdict == stats.Worse {
				list = append(list, fmt.Sprintf("%s of %s (%s)", f.Figure, p.Name, differenceText(f)))
			}
		}
	}
	return list
}
