package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
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
	fs.StringVar(&f.goodput, "goodput", "", "count as goodput what meets these `bounds`, such as 'ttft:500 tpot:50' or ttft=500ms,tpot=50ms")
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

func (f *loadFlags) bursts() (loads []results.Load, err error) {
	sizes, err := parseBatchSizes(f.batchSizes)
	for _, n := range sizes {
		loads = append(loads, results.Load{Shape: loadgen.ShapeBatch, BatchSize: n})
	}
	return loads, err
}

// searched completes the plan of a search: what its loads have in common.
func (f *loadFlags) searched(p *loadPlan) error {
	like, err := f.like(p.find.Whole)
	if err != nil {
		return err
	}
	p.shape = like.Shape
	p.find.Runs = f.numRuns
	if like.DurationS > 0 {
		p.find.Least = 1 / like.DurationS // below it a run has no request in its time
	}
	p.loads = []results.Load{like}
	return nil
}

// like is a load of a search, without how much it is.
func (f *loadFlags) like(whole bool) (results.Load, error) {
	if whole {
		return results.Load{Shape: loadgen.ShapeConcurrency, NumPrompts: f.numPrompts, DurationS: f.span(), RampUpS: f.rampUp.Seconds()}, nil
	}
	kind, err := f.kind()
	l := results.Load{Shape: loadgen.ShapeRate, Arrival: kind, NumPrompts: f.numPrompts, DurationS: f.span(), RampUpS: f.rampUp.Seconds()}
	if kind == loadgen.Gamma {
		l.Burstiness = f.burstiness
	}
	return l, err
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

// span is how long a run lasts; 0 where the number of requests ends it.
func (f *loadFlags) span() float64 {
	if f.numPrompts == 0 && f.duration == 0 {
		return defaultSpan.Seconds()
	}
	return f.duration.Seconds()
}

// replayed is the load of a trace.
func (f *loadFlags) replayed(p *loadPlan) (err error) {
	if p.trace, err = trace.Open(f.trace); err == nil && f.traceFrom+f.traceTo > 0 {
		p.trace, err = p.trace.Window(f.traceFrom, f.traceTo)
	}
	if err == nil {
		p.trace, err = p.trace.Scaled(1 / f.traceSpeed)
	}
	if err != nil {
		return fmt.Errorf("--trace: %w", err)
	}
	p.loads = []results.Load{{Shape: p.shape, NumPrompts: p.trace.Len(), DurationS: p.trace.At(p.trace.Len() - 1).At.Seconds()}}
	return nil
}

// schedule is when the requests of a trace are due.
func (p *loadPlan) schedule() (s loadgen.Schedule) {
	for i := range p.trace.Len() {
		s = append(s, p.trace.At(i).At)
	}
	return s
}

// closed are the loads of a closed loop: so many in flight.
func (f *loadFlags) closed(flag, list, shape string) (loads []results.Load, err error) {
	sizes, err := parseInts(flag, list, "keeps nothing in flight", repeatRuns)
	if err != nil {
		return nil, err
	}
	for _, n := range sizes {
		l, err := f.like(true)
		if err != nil {
			return nil, err
		}
		l.MaxConcurrency, l.Shape = n, shape
		loads = append(loads, l)
	}
	return loads, nil
}

func (f *loadFlags) open() (loads []results.Load, err error) {
	rates, err := parseRates(f.requestRate)
	if err != nil {
		return nil, err
	}
	for _, r := range rates {
		l, err := f.like(false)
		if err != nil {
			return nil, err
		}
		if math.IsInf(r, 1) && f.numPrompts == 0 {
			return nil, errors.New("--request-rate inf sends all requests at once: say how many with --num-prompts")
		}
		if math.IsInf(r, 1) && f.numPrompts > maxBatchSize {
			return nil, fmt.Errorf("--num-prompts %d: --request-rate inf sends all at once, and %d is what one machine can hold open to one address", f.numPrompts, maxBatchSize)
		}
		if f.numPrompts == 0 && r*l.DurationS < 1 {
			return nil, fmt.Errorf("--request-rate %v sends its first request later than a run's end: give a --duration of %.0f s or more, or --num-prompts", r, math.Ceil(1/r))
		}
		l.RequestRate = results.Rate(r)
		loads = append(loads, l)
	}
	return loads, nil
}

// kind is how requests of an open loop arrive.
func (f *loadFlags) kind() (string, error) {
	switch kind := f.arrival; {
	case kind == "" && f.burstiness != 1:
		return loadgen.Gamma, nil
	case kind == "":
		return loadgen.Poisson, nil
	case !slices.Contains([]string{loadgen.Constant, loadgen.Poisson, loadgen.Gamma}, kind):
		return "", fmt.Errorf("--arrival %q: give constant, poisson or gamma", kind)
	case kind != loadgen.Gamma && f.burstiness != 1:
		return "", fmt.Errorf("--burstiness is the shape of gamma arrivals: with --arrival %s there is none", kind)
	default:
		return kind, nil
	}
}

// parseRates reads "1,2.5,inf".
func parseRates(list string) (rates []float64, err error) {
	for _, part := range strings.Split(list, ",") {
		part = strings.TrimSpace(part)
		r, err := strconv.ParseFloat(part, 64)
		switch {
		case err != nil || !(r > 0):
			return nil, fmt.Errorf("--request-rate %q: %q is no rate; give numbers above 0, or inf, separated by commas, such as 1,2.5,5,inf", list, part)
		case r > maxBatchSize && !math.IsInf(r, 1):
			return nil, fmt.Errorf("--request-rate %q: %s is above %d, more than one machine sends", list, part, maxBatchSize)
		case slices.Contains(rates, r):
			return nil, fmt.Errorf("--request-rate %q: %s is there twice (--num-runs repeats every rate)", list, part)
		}
		rates = append(rates, r)
	}
	return rates, nil
}
