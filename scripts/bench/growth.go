package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// growth is how the cost of an event depends on how many streams there are and
// how many events a second each has.
type growth struct {
	loads   []load
	targets []string
	values  map[load]map[string][]float64 // CPU-s per million events, by target
}

type load struct{ streams, rate int }

var growthLine = regexp.MustCompile(`^growth c=(\d+) rate=(\d+)\s+(\S+)\s+events/s=\s*\S+ cpu-s/million=\s*(\S+)`)

// take takes a line of a measurement, if it is of growth.
func (g *growth) take(line string) error {
	m := growthLine.FindStringSubmatch(line)
	if m == nil || m[3] == "direct" {
		return nil
	}
	v, err := strconv.ParseFloat(m[4], 64)
	if err != nil {
		return fmt.Errorf("reading %q: %w", line, err)
	}
	var at load
	at.streams, _ = strconv.Atoi(m[1]) // digits, by the pattern
	at.rate, _ = strconv.Atoi(m[2])
	if !slices.Contains(g.loads, at) {
		g.loads = append(g.loads, at)
	}
	if !slices.Contains(g.targets, m[3]) {
		g.targets = append(g.targets, m[3])
	}
	if g.values == nil {
		g.values = map[load]map[string][]float64{}
	}
	if g.values[at] == nil {
		g.values[at] = map[string][]float64{}
	}
	g.values[at][m[3]] = append(g.values[at][m[3]], v)
	return nil
}

// write writes the medians as a table, where there are any.
func (g *growth) write(out io.Writer) {
	if len(g.loads) == 0 {
		return
	}
	cost := figure{decimals: 2, ratio: true}
	fmt.Fprintf(out, "\n| streams | events/s of each | %s |\n|---|---|%s\n", strings.Join(g.targets, " | "), strings.Repeat("---|", len(g.targets)))
	for _, at := range g.loads {
		fmt.Fprintf(out, "| %d | %d |", at.streams, at.rate)
		for _, t := range g.targets {
			fmt.Fprintf(out, " %s |", cost.cell(g.values[at], t))
		}
		fmt.Fprintln(out)
	}
}
