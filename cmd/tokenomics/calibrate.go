package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tokenomics/internal/results"
	"tokenomics/loadgen/calibration"
)

// calibrateFlags are the options of "tokenomics calibrate" as they were given.
type calibrateFlags struct {
	streams    string
	eventsPerS float64
	duration   time.Duration
	file       string
	json       string
}

const calibrateExamples = `  # what this machine measures well, in half a minute
  tokenomics calibrate

  # as many streams, and as quick ones, as you mean to send
  tokenomics calibrate --streams 64,256 --events-per-second 60 --duration 30s`

// newCalibrateCmd is "tokenomics calibrate".
func newCalibrateCmd(e *env) *cobra.Command {
	f := new(calibrateFlags)
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure the load generator itself: its errors at loads whose truth is known",
		Long: `Starts a simulated engine in a process of its own, sends it streams as loadgen
does, and holds what was measured of each request against the simulator's own log
of when it wrote what. The result is how far loadgen's figures can be off on this
machine, by load. It is kept, and loadgen marks a point invalid whose load is more
than what was measured well.

Simulator and load generator share this machine's cores, and whatever else runs
takes its part: against an engine elsewhere the errors are smaller.

  TTFT, E2E, gap error   measured - true, absolute, in ms
  gap ratio              the measured p99 gap / the true one
  stamp                  from the simulator's write of an event to our stamp of it, in ms
  sent late, lag         how late requests left, and our own timers fired: p99, in ms
  events/CPU-s           events read per second of our own CPU time
  CPU                    share of all cores, of loadgen, the simulator and all others

A load is measured well where the TTFT error's median is at most 0.5 ms and its
p99 at most 5 ms, the gap ratio is within 10 % of 1, and all tokens are right.

Exit code: 0 every load was measured well, 1 one was not, 2 wrong use, 3 could not
run or was stopped.`,
		Example: calibrateExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return runError(fmt.Errorf("finding this program, to start the simulator: %w", err))
			}
			plan, err := f.plan(program)
			if err != nil {
				return usageError(err)
			}
			return plan.do(cmd.Context(), e)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.streams, "streams", "1,10,100,1000", "requests kept in flight, a `list` separated by commas")
	fs.Float64Var(&f.eventsPerS, "events-per-second", 20, "token events a second, of each stream")
	fs.Var(newSeconds(&f.duration, 10*time.Second), "duration", "`time` that each load is sent for, such as 30s")
	fs.StringVar(&f.file, "file", "", "`file` in which loadgen will look for the result\n(default tokenomics/calibration.json in the user's cache directory)")
	fs.StringVar(&f.json, "json", "", "`file` for the result once more, - for standard output")
	return cmd
}

// calibratePlan is a calibration whose options have been found to make sense.
type calibratePlan struct {
	*calibrateFlags
	program string // that is the simulator too
	levels  []int
}

// Bounds of what can be asked for. A stream faster than every millisecond would
// measure the simulator's timers; what is kept of long levels fills the memory.
const (
	maxStreamRate = 1000
	maxCalibrate  = 5 * time.Minute
)

func (f *calibrateFlags) plan(program string) (*calibratePlan, error) {
	p := &calibratePlan{calibrateFlags: f, program: program}
	var err error
	if p.levels, err = parseInts("streams", f.streams, "measures nothing", "a longer --duration measures more of it"); err != nil {
		return nil, err
	}
	switch {
	case !(f.eventsPerS > 0 && f.eventsPerS <= maxStreamRate):
		return nil, fmt.Errorf("--events-per-second %v: give more than 0 and at most %d, of one stream", f.eventsPerS, maxStreamRate)
	case f.duration < time.Second || f.duration > maxCalibrate:
		return nil, fmt.Errorf("--duration %v: give 1s to %v", f.duration, maxCalibrate)
	}
	if f.file == "" {
		if f.file, err = calibrationFile(); err != nil {
			return nil, fmt.Errorf("%w; say where the result goes with --file", err)
		}
	}
	return p, differentFiles(f.file, f.json)
}

// calibrationFile is where a calibration is kept that nobody gave a place.
func calibrationFile() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache directory: %w", err)
	}
	return filepath.Join(dir, "tokenomics", "calibration.json"), nil
}

func (p *calibratePlan) do(ctx context.Context, e *env) (err error) {
	outs, err := p.outputs()
	if err != nil {
		return runError(err)
	}
	dir, err := os.MkdirTemp("", "tokenomics-calibrate-")
	if err != nil {
		return runError(fmt.Errorf("making a directory for the truth: %w", err))
	}
	defer func() {
		if cerr := os.RemoveAll(dir); cerr != nil && err == nil {
			err = runError(fmt.Errorf("removing the truth: %w", cerr))
		}
	}()
	c := calibration.New(time.Now(), version)
	c.DurationS, c.EventsPerS = p.duration.Seconds(), p.eventsPerS
	for _, n := range p.levels {
		fmt.Fprintf(e.stderr, "%s, %g events/s each, for %v\n", streamCount(n), p.eventsPerS, p.duration)
		l, err := p.level(ctx, dir, n)
		switch {
		case ctx.Err() != nil:
			return runError(errors.New("stopped before every load was measured; nothing was written"))
		case err != nil:
			return runError(fmt.Errorf("%d streams: %w", n, err))
		}
		c.Add(l)
	}
	words := e.stdout
	if p.json == "-" {
		words = e.stderr
		if err := c.Write(e.stdout); err != nil {
			return runError(err)
		}
	}
	for _, out := range outs {
		if err := out.Write(c.Write); err != nil {
			return runError(err)
		}
	}
	if err := calibrateTable(words, c); err != nil {
		return runError(err)
	}
	fmt.Fprintf(words, "\nKept for loadgen in %s\n", p.file)
	return verdict(c)
}

// outputs are the files to write, found to be writable.
func (p *calibratePlan) outputs() (outs []*results.OutFile, err error) {
	if err := os.MkdirAll(filepath.Dir(p.file), 0o777); err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	add := func(flag, path string) error {
		out, err := results.NewOutFile(path)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
		outs = append(outs, out)
		return nil
	}
	err = add("file", p.file)
	if p.json != "" && p.json != "-" {
		err = errors.Join(err, add("json", p.json))
	}
	return outs, err
}

// verdict is nil where every load was measured well.
func verdict(c *calibration.Calibration) error {
	best, some := c.Best()
	for _, l := range c.Levels {
		missed := l.Shortfalls()
		if len(missed) == 0 {
			continue
		}
		well := "this machine measures none of these loads well"
		if some {
			well = fmt.Sprintf("this machine measures well up to %s at %.0f events/s", streamCount(best.Streams), best.EventsPerS.Or(0))
		}
		return failError(fmt.Errorf("%s; at %s: %s", well, streamCount(l.Streams), joinWords(missed)))
	}
	return nil
}
