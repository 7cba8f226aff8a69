package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
	"tokenomics/loadgen"
)

// findFlags say what is looked for.
type findFlags struct {
	find     string
	slo      string
	from     float64
	most     float64
	within   float64
	maxFails float64
}

// What --find takes.
const (
	findConcurrency = "max-concurrency"
	findRate        = "max-rate"
)

func (f *findFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.find, "find", "", "search for the highest load that meets --slo: max-concurrency or max-rate")
	fs.StringVar(&f.slo, "slo", "", "with --find: what a load must meet, a `list` such as ttft_p99=500ms,tpot_p99=50ms")
	fs.Float64Var(&f.from, "find-from", 1, "with --find: the `load` that is tried first")
	fs.Float64Var(&f.most, "find-most", 4096, "with --find: the `load` above which nothing is tried")
	fs.Float64Var(&f.within, "find-within", 0.05, "with --find: how near the result is to be, as a `share` of it")
	fs.Float64Var(&f.maxFails, "max-failed", 0.01, "with --find: `share` of requests that may fail at a load that is still good")
}

// search is the search that was asked for; nil where there is none.
func (f *findFlags) search(given func(string) bool) (*loadgen.Find, error) {
	if f.find == "" {
		for _, name := range []string{"slo", "find-from", "find-most", "find-within", "max-failed"} {
			if given(name) {
				return nil, fmt.Errorf("--%s is for a search: add --find max-concurrency or --find max-rate", name)
			}
		}
		return nil, nil
	}
	whole := f.find == findConcurrency
	switch {
	case !whole && f.find != findRate:
		return nil, fmt.Errorf("--find %q: give max-concurrency or max-rate", f.find)
	case f.slo == "":
		return nil, errors.New("--find needs to know what a load must meet: add --slo, such as --slo ttft_p99=500ms,tpot_p99=50ms")
	case !(f.from > 0) || !(f.most >= f.from) || f.most > maxBatchSize || whole && (f.from != float64(int(f.from)) || f.most != float64(int(f.most))):
		return nil, fmt.Errorf("--find-from %v and --find-most %v: give loads above 0, the first not above the other and none above %d; a concurrency is a whole number", f.from, f.most, maxBatchSize)
	case !(f.within > 0 && f.within < 1):
		return nil, fmt.Errorf("--find-within %v: give a share between 0 and 1, such as 0.05", f.within)
	case !(f.maxFails >= 0 && f.maxFails < 1):
		return nil, fmt.Errorf("--max-failed %v: give a share from 0 up to below 1, such as 0.01", f.maxFails)
	}
	bounds, err := stats.ParseBounds(f.slo)
	if err != nil {
		return nil, fmt.Errorf("--slo: %w", err)
	}
	return &loadgen.Find{Whole: whole, From: f.from, Most: f.most, Within: f.within, MaxFails: f.maxFails, Bounds: bounds}, nil
}

// showKnee says what the search came to. One that was stopped has no knee: the
// highest load that was good may not be the highest that is.
func showKnee(w io.Writer, f *loadgen.Find, done []results.Measured, whole bool) {
	if !whole {
		fmt.Fprintln(w, "\nThe search was stopped before it had found the knee.")
		return
	}
	unit := "requests a second"
	if f.Whole {
		unit = "requests in flight"
	}
	none, atLeast, more := "No load meets the service level.", "", ""
	if !f.Bound(done) { // by this machine, then, and not by the engine
		none = "No load was seen to meet the service level."
		atLeast, more = "at least ", " Whether more would do is not known: this machine could not measure it."
	}
	knee, ok := f.Knee(done)
	if !ok {
		fmt.Fprintf(w, "\n%s", none)
	} else {
		s := knee.Summary()
		fmt.Fprintf(w, "\nThe knee: %s%s %s", atLeast, knee.Name, unit)
		if rate, ok := s.OutputTokS.Get(); ok {
			fmt.Fprintf(w, ", %.0f output tok/s", rate)
		}
		for _, b := range f.Bounds {
			if v, ok := b.Of(s); ok {
				fmt.Fprintf(w, ", %s %.4g ms (at most %s)", b.Judged(s), v, strconv.FormatFloat(b.Limit, 'f', -1, 64))
			}
		}
		fmt.Fprintf(w, ".%s", more)
	}
	for _, m := range done {
		switch good, why := f.Good(m); {
		case f.Doubted(m):
			fmt.Fprintf(w, "\n  %s could not be measured: %s", m.Name, why)
		case !good:
			fmt.Fprintf(w, "\n  %s is too much: %s", m.Name, why)
		}
	}
	fmt.Fprintln(w)
}
