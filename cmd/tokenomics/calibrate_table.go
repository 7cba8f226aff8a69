package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
	"tokenomics/loadgen/calibration"
)

// calibrateColumns are in reading order: the load, the errors, then what they
// may come from.
var calibrateColumns = []struct {
	head, unit string
	cell       func(calibration.Level) string
}{
	{"streams", "", func(l calibration.Level) string { return fmt.Sprint(l.Streams) }},
	{"events", "/s", func(l calibration.Level) string { return figure("%.0f", l.EventsPerS) }},
	{"TTFT error", "p50 ms", func(l calibration.Level) string { return quantile(l.TTFTError, half) }},
	{"", "p99 ms", func(l calibration.Level) string { return quantile(l.TTFTError, most) }},
	{"gap error", "p50 ms", func(l calibration.Level) string { return quantile(l.GapError, half) }},
	{"", "p99 ms", func(l calibration.Level) string { return quantile(l.GapError, most) }},
	{"gap p99", "ratio", func(l calibration.Level) string { return figure("%.3f", l.GapRatio) }},
	{"E2E error", "p50 ms", func(l calibration.Level) string { return quantile(l.E2EError, half) }},
	{"", "p99 ms", func(l calibration.Level) string { return quantile(l.E2EError, most) }},
	{"stamp", "p99 ms", func(l calibration.Level) string { return quantile(l.Stamp, most) }},
	{"sent late", "p99 ms", func(l calibration.Level) string { return quantile(l.Lateness, most) }},
	{"lag", "p99 ms", func(l calibration.Level) string { return quantile(l.Lag, most) }},
	{"events", "/CPU-s", func(l calibration.Level) string { return figure("%.0f", l.EventsPerCPUS) }},
	{"CPU", "ours", func(l calibration.Level) string { return share(l.ClientCPU) }},
	{"", "sim's", func(l calibration.Level) string { return share(l.SimCPU) }},
	{"", "others'", func(l calibration.Level) string { return share(l.OtherCPU) }},
	{"wrong", "requests", func(l calibration.Level) string {
		return fmt.Sprint(l.Failed + l.Unjoined + l.TokenErrors + l.EventErrors)
	}},
	{"well?", "", func(l calibration.Level) string {
		if calibration.Well(l) {
			return "yes"
		}
		return "no"
	}},
}

// calibrateTable shows a line per level.
func calibrateTable(w io.Writer, c *calibration.Calibration) error {
	m := c.Machine
	fmt.Fprintf(w, "\n%d CPUs, %s/%s", m.CPUs, m.OS, m.Arch)
	if m.CPUModel != "" {
		fmt.Fprintf(w, ", %s", m.CPUModel)
	}
	fmt.Fprintf(w, "; load generator and simulator share them\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	var head, unit []string
	for _, col := range calibrateColumns {
		head, unit = append(head, col.head), append(unit, col.unit)
	}
	lines := [][]string{head, unit}
	for _, l := range c.Levels {
		var line []string
		for _, col := range calibrateColumns {
			line = append(line, col.cell(l))
		}
		lines = append(lines, line)
	}
	for _, line := range lines {
		fmt.Fprintln(tw, strings.Join(line, "\t")+"\t")
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	var others float64
	for _, l := range c.Levels {
		others = max(others, l.OtherCPU.Or(0))
	}
	if others > quietShare {
		fmt.Fprintf(w, "\nWarning: other processes used up to %.0f %% of the cores: on a quiet machine the errors are smaller.\n", 100*others)
	}
	return nil
}

// quietShare is how much of the cores others may use without a word: above it
// their work is what the errors come from.
const quietShare = 0.10

// noFigure stands where there is no data, so that it can't be read as zero.
const noFigure = "-"

func half(q *stats.Quantiles) float64 { return q.P50 }
func most(q *stats.Quantiles) float64 { return q.P99 }

func quantile(q *stats.Quantiles, of func(*stats.Quantiles) float64) string {
	if q == nil {
		return noFigure
	}
	return fmt.Sprintf("%.2f", of(q))
}

func figure(format string, v record.Opt[float64]) string {
	if x, ok := v.Get(); ok {
		return fmt.Sprintf(format, x)
	}
	return noFigure
}

func share(v record.Opt[float64]) string {
	if x, ok := v.Get(); ok {
		return fmt.Sprintf("%.0f%%", 100*x)
	}
	return noFigure
}

func streamCount(n int) string {
	if n == 1 {
		return "1 stream"
	}
	return fmt.Sprintf("%d streams", n)
}

func joinWords(list []string) string { return strings.Join(list, ", ") }
