package trace

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tableFormat is a CSV trace, known by its header's columns; others it may
// have are not looked at.
type tableFormat struct {
	at, input, output string // columns
	time              func(string) (time.Duration, error)
}

// tableFormats are the CSV traces that are read.
func tableFormats() []tableFormat {
	return []tableFormat{
		// AzureLLMInferenceDataset2023.md and ...2024.md of
		// Azure/AzurePublicDataset; the files of 2024 give a zone.
		{"TIMESTAMP", "ContextTokens", "GeneratedTokens", wallTime},
		// README.md of HPMLL/BurstGPT; BurstGPT_3 has Session ID and Elapsed
		// time besides. A row with 0 response tokens is a failed request.
		{"Timestamp", "Request tokens", "Response tokens", seconds},
	}
}

// table takes a CSV file's header and returns what takes its rows.
func (c *collector) table(header []byte) (func(line []byte) error, error) {
	names, err := fields(header)
	if err != nil {
		return nil, err
	}
	for _, f := range tableFormats() {
		at, input, output := column(names, f.at), column(names, f.input), column(names, f.output)
		if at < 0 || input < 0 || output < 0 {
			continue
		}
		return func(line []byte) error {
			row, err := fields(line)
			if err != nil {
				return err
			}
			if len(row) != len(names) {
				return fmt.Errorf("%d fields where the header names %d", len(row), len(names))
			}
			var r Request
			if r.At, err = f.time(row[at]); err != nil {
				return err
			}
			if r.Input, err = tokens(f.input, row[input]); err != nil {
				return err
			}
			if r.Output, err = tokens(f.output, row[output]); err != nil {
				return err
			}
			return c.add(r)
		}, nil
	}
	return nil, errors.New("no trace begins like this: " + known)
}

// column finds a column by its name without regard to case.
func column(names []string, want string) int {
	return slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), want) })
}

// fields cuts a line. Traces of millions of rows have no quotes; a line that
// has one goes the long way.
func fields(line []byte) ([]string, error) {
	if s := string(line); !strings.Contains(s, `"`) {
		return strings.Split(s, ","), nil
	} else if row, err := csv.NewReader(strings.NewReader(s)).Read(); err == nil {
		return row, nil
	}
	return nil, errors.New("bad quoting")
}

func tokens(name, field string) (int, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(field), 64) // tables saved by pandas have 12.0
	if err != nil || n != float64(int(n)) {
		return 0, fmt.Errorf("%s is %q where a whole number belongs", name, field)
	}
	return int(n), nil
}

// seconds reads BurstGPT's time, which counts from its first midnight.
func seconds(field string) (time.Duration, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
	if err != nil {
		return 0, fmt.Errorf("time %q is no number of seconds", field)
	}
	return instant(n, time.Second)
}

// wallTime reads Azure's time of day and date, to 100 ns.
func wallTime(field string) (time.Duration, error) {
	field = strings.TrimSpace(field)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", time.RFC3339} {
		if t, err := time.Parse(layout, field); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
			return time.Duration(t.UnixNano()), nil
		}
	}
	return 0, fmt.Errorf("time %q is no time as in 2023-11-16 18:17:03.9799600", field)
}
