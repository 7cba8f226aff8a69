package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tokenomics/internal/results"
	"tokenomics/loadgen"
	"tokenomics/loadgen/trace"
)

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
	if span := f.span(); span > 0 && f.rampUp.Seconds() >= span {
		return results.Load{}, fmt.Errorf("--ramp-up %v: a run of %v s would end before it has its load: give a longer --duration", f.rampUp, span)
	}
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
