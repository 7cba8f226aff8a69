package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
	"tokenomics/loadgen"
	"tokenomics/loadgen/trace"
)

// loadFlags say what load there is to be.
type loadFlags struct {
	batchSizes     string
	maxConcurrency string
	requestRate    string
	conversations  string
	trace          string
	traceSpeed     float64
	traceFrom      time.Duration
	traceTo        time.Duration
	arrival        string
	burstiness     float64
	rampUp         time.Duration
	numPrompts     int
	duration       time.Duration
	grace          time.Duration
	numRuns        int
	maxRuns        int
	stopWhen       string
	goodput        string
	warmup         int
	warmupTime     time.Duration
	findFlags
}

// loadPlan is the load that there is to be: loads of one shape, or a search for
// one.
type loadPlan struct {
	shape string
	loads []results.Load
	find  *loadgen.Find     // nil where the loads are given
	until *loadgen.StopWhen // nil where the number of runs is given
	slo   stats.SLO         // of goodput
	trace *trace.Trace      // nil: there is none
}

// defaultSpan is how long a run of a load lasts that has no end of its own.
const defaultSpan = 30 * time.Second

func (f *loadFlags) registerShapes(fs *pflag.FlagSet) {
	fs.StringVar(&f.batchSizes, "batch-sizes", "1,2,4,8", "bursts: requests sent at once, a `list` separated by commas")
	fs.StringVar(&f.maxConcurrency, "max-concurrency", "", "sustained concurrency: requests kept in flight, a `list` such as 1,2,4,8")
	fs.StringVar(&f.maxConcurrency, "concurrency", "", "the same as --max-concurrency")
	fs.StringVar(&f.requestRate, "request-rate", "", "open loop: requests a second, whatever becomes of them, a `list` such as 1,2,5,inf")
	fs.StringVar(&f.arrival, "arrival", "", "with --request-rate: constant, poisson or gamma (default poisson)")
	fs.Float64Var(&f.burstiness, "burstiness", 1, "shape of gamma arrivals: below 1 they are burstier than Poisson's, above it more even")
	fs.StringVar(&f.conversations, "conversations", "", "multi-turn: users who talk at a time, a `list` such as 1,8,64; --num-prompts is how many conversations there are")
	fs.StringVar(&f.trace, "trace", "", "requests as they came: a timed trace of Mooncake (JSONL), Azure or BurstGPT (CSV) in a `file`")
	fs.Float64Var(&f.traceSpeed, "trace-speed", 1, "with --trace: how many times as fast as they came")
	fs.Var(newSeconds(&f.traceFrom, 0), "trace-from", "with --trace: `time` in it at which to begin")
	fs.Var(newSeconds(&f.traceTo, 0), "trace-to", "with --trace: `time` in it at which to end (default: its end)")
	fs.Var(newSeconds(&f.rampUp, 0), "ramp-up", "`time` in which a run's concurrency or rate grows to what it is to be")
	fs.IntVar(&f.numPrompts, "num-prompts", 0, "requests of a run; with bursts the batch size decides")
	fs.Var(newSeconds(&f.duration, 0), "duration", "`time` for which a run sends, such as 60s or 5m (default 30s, where --num-prompts is not given)")
	fs.Var(newSeconds(&f.grace, 30*time.Second), "grace-period", "`time` that requests may still take when a run's --duration is over; 0 is no bound")
}

func (f *loadFlags) registerRuns(fs *pflag.FlagSet) {
	fs.IntVar(&f.numRuns, "num-runs", 3, "runs of each load; from 3 on the results have confidence intervals")
	fs.StringVar(&f.stopWhen, "stop-when", "", "keep adding runs of each load until a `figure` is known so closely, such as output_tok_s=2%")
	fs.IntVar(&f.maxRuns, "max-runs", 30, "with --stop-when: runs of each load at the most")
	fs.StringVar(&f.goodput, "goodput", "", "count as goodput what meets these `bounds`, such as ttft:500 tpot:50 or ttft=500ms,tpot=50ms")
	fs.IntVar(&f.warmup, "warmup", 3, "`requests` sent first and not measured")
	fs.IntVar(&f.warmup, "warmup-runs", 3, "the same as --warmup")
	fs.Var(newSeconds(&f.warmupTime, 0), "warmup-time", "`time` for which the first load is sent and not measured, in place of --warmup")
}

// plan is what was asked for.
func (f *loadFlags) plan(given func(string) bool) (p loadPlan, err error) {
	if err := f.check(given); err != nil {
		return p, err
	}
	if p.shape, err = f.shape(given); err != nil {
		return p, err
	}
	if p.find, err = f.search(given); err != nil {
		return p, err
	}
	if p.until, err = f.ending(given); err != nil {
		return p, err
	}
	if p.slo, err = stats.ParseSLO(f.goodput); err != nil {
		return p, fmt.Errorf("--goodput: %w", err)
	}
	switch {
	case p.find != nil:
		return p, f.searched(&p)
	case p.shape == loadgen.ShapeConcurrency:
		p.loads, err = f.closed("max-concurrency", f.maxConcurrency, p.shape)
	case p.shape == loadgen.ShapeConversations:
		p.loads, err = f.closed("conversations", f.conversations, p.shape)
	case p.shape == loadgen.ShapeTrace:
		err = f.replayed(&p)
	case p.shape == loadgen.ShapeRate:
		p.loads, err = f.open()
	default:
		p.loads, err = f.bursts()
	}
	return p, err
}

// ending is what ends the runs of a load; nil where their number does.
func (f *loadFlags) ending(given func(string) bool) (*loadgen.StopWhen, error) {
	switch {
	case f.stopWhen == "" && given("max-runs"):
		return nil, errors.New("--max-runs is for --stop-when: give --num-runs")
	case f.stopWhen == "":
		return nil, nil
	case f.find != "":
		return nil, errors.New("--stop-when is not for --find, which repeats a load where it is near the edge")
	case f.maxRuns < 5:
		return nil, fmt.Errorf("--max-runs %d: give 5 or more, which an interval needs", f.maxRuns)
	case given("num-runs"):
		return nil, errors.New("--num-runs and --stop-when both end the runs of a load: give one")
	}
	s, err := loadgen.ParseStopWhen(f.stopWhen)
	if err != nil {
		return nil, fmt.Errorf("--stop-when %w", err)
	}
	if strings.HasPrefix(s.Figure, "goodput_") && f.goodput == "" {
		return nil, fmt.Errorf("--stop-when %s: there is no goodput without its bounds, such as --goodput ttft:500", f.stopWhen)
	}
	s.Most = f.maxRuns
	return &s, nil
}

// check finds what makes no sense, whatever the shape.
func (f *loadFlags) check(given func(string) bool) error {
	switch {
	case f.numRuns < 1:
		return fmt.Errorf("--num-runs %d: give 1 or more", f.numRuns)
	case f.warmup < 0:
		return fmt.Errorf("--warmup %d: give 0 (none) or more", f.warmup)
	case f.warmupTime < 0:
		return fmt.Errorf("--warmup-time %v: give 0 (none) or more", f.warmupTime)
	case f.warmupTime > 0 && (given("warmup") || given("warmup-runs")):
		return errors.New("--warmup and --warmup-time exclude each other: give one")
	case f.numPrompts < 0 || f.numPrompts == 0 && given("num-prompts"):
		return fmt.Errorf("--num-prompts %d: give 1 or more", f.numPrompts)
	case f.duration == 0 && given("duration"):
		return errors.New("--duration 0: give a time above 0, or say with --num-prompts what ends a run")
	case f.duration < 0 || f.rampUp < 0 || f.grace < 0:
		return errors.New("--duration, --ramp-up and --grace-period: give 0 or more")
	case f.numPrompts > 0 && f.duration > 0:
		return errors.New("--num-prompts and --duration both end a run: give one")
	case !(f.traceSpeed > 0) || math.IsInf(f.traceSpeed, 1):
		return fmt.Errorf("--trace-speed %v: give a number above 0; 2 is twice as fast as they came", f.traceSpeed)
	case !(f.burstiness > 0) || math.IsInf(f.burstiness, 1):
		return fmt.Errorf("--burstiness %v: give a number above 0; 1 is Poisson", f.burstiness)
	case given("max-concurrency") && given("concurrency"), given("warmup") && given("warmup-runs"):
		return errors.New("--max-concurrency and --concurrency are one option, and so are --warmup and --warmup-runs: give one of the two")
	}
	return nil
}

// shape is the one load shape that was named, else the batches. A rate of inf
// beside a concurrency is none: that is how others write a closed loop.
func (f *loadFlags) shape(given func(string) bool) (string, error) {
	var named []string
	shape := loadgen.ShapeBatch
	name := func(flag, as string) {
		named = append(named, "--"+flag)
		shape = as
	}
	if given("batch-sizes") {
		name("batch-sizes", loadgen.ShapeBatch)
	}
	if f.requestRate != "" && !(f.requestRate == "inf" && f.maxConcurrency != "") {
		name("request-rate", loadgen.ShapeRate)
	}
	if f.maxConcurrency != "" {
		name("max-concurrency", loadgen.ShapeConcurrency)
	}
	if f.conversations != "" {
		name("conversations", loadgen.ShapeConversations)
	}
	if f.trace != "" {
		name("trace", loadgen.ShapeTrace)
	}
	switch f.find {
	case findConcurrency:
		name("find", loadgen.ShapeConcurrency)
	case findRate:
		name("find", loadgen.ShapeRate)
	}
	if len(named) > 1 {
		return "", fmt.Errorf("%s are different shapes of load: give one (an open loop has no cap, and a closed one no rate)", strings.Join(named, " and "))
	}
	switch {
	case shape == loadgen.ShapeBatch && (f.numPrompts > 0 || f.duration > 0 || f.rampUp > 0):
		return "", errors.New("--num-prompts, --duration and --ramp-up are for --max-concurrency, --request-rate and --conversations: a burst sends its batch size at once")
	case shape != loadgen.ShapeRate && (given("arrival") || given("burstiness")):
		return "", errors.New("--arrival and --burstiness are for --request-rate")
	case shape != loadgen.ShapeTrace && (given("trace-speed") || given("trace-from") || given("trace-to")):
		return "", errors.New("--trace-speed, --trace-from and --trace-to are for --trace")
	case shape == loadgen.ShapeTrace && (f.numPrompts > 0 || f.duration > 0 || f.rampUp > 0):
		return "", errors.New("--num-prompts, --duration and --ramp-up are not for --trace, which has its own times: cut it with --trace-to")
	}
	return shape, nil
}
