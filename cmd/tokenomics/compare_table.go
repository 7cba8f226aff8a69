package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"tokenomics/internal/results"
)

// printComparison writes a table with one line per figure and point.
func printComparison(w io.Writer, c *results.Comparison) error {
	if _, err := fmt.Fprintf(w, "BASE %s\nNEW  %s\n\n", c.Base, c.New); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	lines := [][]string{{"point", "figure", "", "BASE", "NEW", "difference", "95 % interval", "runs", "verdict"}}
	for _, p := range c.Points {
		for _, f := range p.Figures {
			lines = append(lines, []string{p.Name, f.Figure, f.Unit, figureText(f.Base), figureText(f.New),
				differenceText(f), intervalText(f), runsText(f), string(f.Verdict)})
		}
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(tw, strings.Join(l, "\t")+"\t"); err != nil {
			return err
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	notes := c.Warnings
	if len(c.OnlyBase) > 0 {
		notes = append(notes, "not compared, because only BASE has them: "+strings.Join(c.OnlyBase, ", "))
	}
	if len(c.OnlyNew) > 0 {
		notes = append(notes, "not compared, because only NEW has them: "+strings.Join(c.OnlyNew, ", "))
	}
	for _, text := range notes {
		if _, err := fmt.Fprintf(w, "\nWarning: %s\n", text); err != nil {
			return err
		}
	}
	return nil
}

// figureText has four digits, and more only before the point.
func figureText(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := max(0, 3-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', min(digits, 6), 64)
}

func differenceText(f results.ComparedFigure) string {
	if share, ok := f.Difference.Get(); ok {
		return percentText(share)
	}
	if f.Base == f.New {
		return "0.0%"
	}
	return "from 0"
}

func intervalText(f results.ComparedFigure) string {
	low, ok := f.Low.Get()
	if !ok {
		return "-"
	}
	return percentText(low) + " to " + percentText(f.High.Or(0))
}

func percentText(share float64) string { return fmt.Sprintf("%+.1f%%", 100*share) }

// runsText leaves out requests, which Fisher's test counts.
func runsText(f results.ComparedFigure) string {
	if f.Figure == "failed_ratio" {
		return "-"
	}
	return strconv.Itoa(f.N)
}
