package calibration

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Schema is of the calibration file.
const Schema = 1

// Calibration is what the tool's errors were on one machine, at several loads.
type Calibration struct {
	SchemaVersion int       `json:"schema_version"`
	Time          time.Time `json:"time"`
	ToolVersion   string    `json:"tool_version"`
	Machine       Machine   `json:"machine"`
	DurationS     float64   `json:"duration_s"`          // of each level
	EventsPerS    float64   `json:"stream_events_per_s"` // token events, of each stream
	Levels        []Level   `json:"levels"`              // ordered by their streams
}

// Machine is what a calibration holds for.
type Machine struct {
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	CPUs     int    `json:"cpus"`
	CPUModel string `json:"cpu_model,omitempty"` // "" where it is not known
}

// ThisMachine is the one that we run on.
func ThisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	// Only Linux has the file; elsewhere the model stays unknown.
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			m.CPUModel = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// New is a calibration of this machine, without levels yet.
func New(now time.Time, toolVersion string) *Calibration {
	return &Calibration{SchemaVersion: Schema, Time: now.UTC(), ToolVersion: toolVersion, Machine: ThisMachine()}
}

// Add puts a level in its place.
func (c *Calibration) Add(l Level) {
	c.Levels = append(c.Levels, l)
	slices.SortStableFunc(c.Levels, func(a, b Level) int { return cmp.Compare(a.Streams, b.Streams) })
}

// At is the smallest level that has as many streams and events per second as a
// load. Where there is none covered is false, and the level is the largest.
func (c *Calibration) At(streams int, eventsPerS float64) (l Level, covered bool) {
	for _, l = range c.Levels {
		if l.Streams >= streams && l.EventsPerS.Or(0) >= eventsPerS {
			return l, true
		}
	}
	return l, false
}

// Best is the largest level up to which all are measured well; not ok where
// the smallest is not.
func (c *Calibration) Best() (best Level, ok bool) {
	for _, l := range c.Levels {
		if !Well(l) {
			break
		}
		best, ok = l, true
	}
	return best, ok
}

// Write writes the calibration as indented JSON.
func (c *Calibration) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return fmt.Errorf("writing the calibration: %w", err)
	}
	return nil
}

// Read reads a calibration file. A file that is not there is fs.ErrNotExist.
func Read(path string) (*Calibration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the calibration: %w", err)
	}
	c := new(Calibration)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("reading %q as a file of tokenomics calibrate: %w; calibrate anew", path, err)
	}
	if c.SchemaVersion != Schema || len(c.Levels) == 0 {
		return nil, fmt.Errorf("%q has no calibration that this tokenomics reads: calibrate anew", path)
	}
	return c, nil
}
