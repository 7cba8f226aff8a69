package main

import (
	"os"
	"strconv"
	"strings"

	"tokenomics/internal/record"
)

// coreTime is what the machine's cores have done since it started, in ticks.
type coreTime struct{ busy, all float64 }

// readCoreTime is not ok where the system does not tell: only Linux has the file.
func readCoreTime() (coreTime, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return coreTime{}, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return parseCoreTime(line)
}

// parseCoreTime reads "cpu user nice system idle iowait irq softirq steal ...".
// What follows is part of user and nice already.
func parseCoreTime(line string) (t coreTime, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return t, false
	}
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return t, false
		}
		t.all += ticks
		if idle := i == 3 || i == 4; !idle {
			t.busy += ticks
		}
	}
	return t, true
}

// watchCores watches until what it returns is called, which says what share of
// all cores was busy, whoever kept them so.
func watchCores() (stop func() record.Opt[float64]) {
	before, ok := readCoreTime()
	return func() (share record.Opt[float64]) {
		after, still := readCoreTime()
		if all := after.all - before.all; ok && still && all > 0 {
			share = record.Some((after.busy - before.busy) / all)
		}
		return share
	}
}
