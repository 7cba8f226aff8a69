package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// figure is a column of the table: what it is called, and which lines of the
// measurements have it.
type figure struct {
	name, unit string
	line       *regexp.Regexp // its groups are the target and the value
	decimals   int
	ratio      bool // also as a ratio to nginx
}

var figures = append([]figure{
	{"CPU per event, paced", "CPU-s per million", regexp.MustCompile(`^paced c=\S+\s+(\S+)\s+events/s=\s*\S+ cpu-s/million=\s*(\S+)`), 2, true},
	{"CPU per event, saturated", "CPU-s per million", regexp.MustCompile(`^sat\s+c=\S+\s+(\S+)\s+events/s=\s*\S+ cpu-s/million=\s*(\S+)`), 2, true},
	{"memory per silent stream", "KB", regexp.MustCompile(`^idle\s+c=\S+\s+(\S+)\s+open=\S+ memory .* = (\S+) KB/stream`), 1, false},
	{"added TTFB, 1 stream", "us, p50", regexp.MustCompile(`^ttfb c=1\s+(\S+)\s+.*added p50=\s*\+?(-?\d+)us`), 0, false},
	{"added TTFB, 64 streams", "us, p50", regexp.MustCompile(`^ttfb c=64\s+(\S+)\s+.*added p50=\s*\+?(-?\d+)us`), 0, false},
}, append(clientFigures("200"), clientFigures("1000")...)...)

// clientFigures are those of load generators with so many streams.
func clientFigures(streams string) []figure {
	of := func(key, unit string) *regexp.Regexp {
		return regexp.MustCompile(`^client c=` + streams + `\s+(\S+)\s.*` + key + `=\s*\+?(-?[\d.]+|NaN)` + unit)
	}
	at := streams + " streams: "
	return []figure{
		{at + "events per CPU-second", "more is better", of(" events/cpu-s", ""), 0, false},
		{at + "CPU of the client", "% of a core", of(" share", "%"), 1, false},
		{at + "CPU of the simulator", "% of a core", of(" server", "%"), 1, false},
		{at + "TTFT above the truth, median", "ms", of(" ttft-error p50", "ms"), 2, false},
		{at + "TTFT above the truth, p99", "ms", of("ms p99", "ms"), 2, false},
		{at + "error of a gap, p99", "ms", of(" gap-error p99", "ms"), 2, false},
		{at + "gap p99, measured", "ms", of(" gap p99", "ms"), 2, false},
		{at + "gap p99, true", "ms", of(" true", "ms"), 2, false},
	}
}

var failures = regexp.MustCompile(`^\S+\s+c=\S+\s+(\S+)\s.*errors=([1-9]\d*)`)

// table reads lines of measurements and writes their medians as a table.
func table(in io.Reader, out io.Writer) error {
	values := make([]map[string][]float64, len(figures))
	var targets []string
	var failed []string
	var grown growth
	scan := bufio.NewScanner(in)
	for scan.Scan() {
		if m := failures.FindStringSubmatch(scan.Text()); m != nil {
			failed = append(failed, m[1]+": "+m[2]+" errors in: "+scan.Text())
		}
		if err := grown.take(scan.Text()); err != nil {
			return err
		}
		for i, f := range figures {
			m := f.line.FindStringSubmatch(scan.Text())
			if m == nil {
				continue
			}
			v, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				return fmt.Errorf("reading %q: %w", scan.Text(), err)
			}
			if values[i] == nil {
				values[i] = map[string][]float64{}
			}
			values[i][m[1]] = append(values[i][m[1]], v)
			if !slices.Contains(targets, m[1]) {
				targets = append(targets, m[1])
			}
		}
	}
	if err := scan.Err(); err != nil {
		return err
	}
	if len(targets) > 0 {
		writeMedians(out, values, targets)
	}
	grown.write(out)
	for _, line := range failed {
		fmt.Fprintln(out, line)
	}
	return nil
}

// writeMedians writes the medians of each figure.
func writeMedians(out io.Writer, values []map[string][]float64, targets []string) {
	targets = slices.DeleteFunc(targets, func(t string) bool { return t == "direct" })
	fmt.Fprintf(out, "\n| median | %s |\n|---|%s\n", strings.Join(targets, " | "), strings.Repeat("---|", len(targets)))
	for i, f := range figures {
		if values[i] == nil {
			continue
		}
		fmt.Fprintf(out, "| %s (%s) |", f.name, f.unit)
		for _, t := range targets {
			fmt.Fprintf(out, " %s |", f.cell(values[i], t))
		}
		fmt.Fprintln(out)
	}
}

// cell is a target's median, and what it is of nginx's.
func (f figure) cell(values map[string][]float64, target string) string {
	v, ok := median(values[target])
	if !ok {
		return ""
	}
	text := strconv.FormatFloat(v, 'f', f.decimals, 64)
	if n, ok := median(values["nginx"]); ok && f.ratio && n > 0 {
		text += fmt.Sprintf(" = %.2f", v/n)
	}
	return text
}

func median(v []float64) (float64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2, true
	}
	return v[len(v)/2], true
}
