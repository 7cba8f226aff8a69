package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/upstream"
	"tokenomics/loadgen"
	"tokenomics/loadgen/calibration"
	"tokenomics/loadgen/dataset"
)

// loadgenSession is a sweep that is being run, and what it is run with.
type loadgenSession struct {
	plan  *loadgenPlan
	env   *env
	notes *loadgenNotes
	found upstream.Engine
	data  *dataset.Dataset // nil where prompts are made
	warm  warmUp           // nil without a proxy of ours
	began time.Time
	id    string // begins the requests' ids
	hops  *hops
	saver *saver // nil where no other format was asked for

	calibration *calibration.Calibration // nil where there is none of this machine
	hint        string                   // what to say about that

	client  *loadgen.Client
	engine  *engineWatch
	ballast []byte
}

// open makes the client and the sweep of what there is to be sent. The session
// is to be closed also where it fails.
func (s *loadgenSession) open(ctx context.Context, target upstream.Target, sink record.Sink, live *record.Live) (sweep *loadgen.Sweep, err error) {
	p := s.plan
	if thrifty() {
		s.ballast = ballast()
	}
	if err := p.checkFiles(); err != nil {
		s.notes.Warning(err.Error())
	}
	s.client, err = loadgen.NewClient(loadgen.ClientConfig{
		Target: target, APIKey: p.apiKey, Provider: s.found.Name, Timeout: p.timeout, UserAgent: "tokenomics/" + version,
		Connections: max(1024, p.largest(), int(p.client.connect)), Live: live, Headers: p.extra, Timeline: p.client.timeline || s.saver != nil,
		Loop: p.client.mode, Loops: p.client.loops,
	})
	if err != nil {
		return nil, runError(err)
	}
	s.engine = s.watchEngine(ctx)
	what, err := s.requests(ctx)
	if err != nil {
		return nil, err
	}
	if sweep, err = s.build(what); err != nil {
		return nil, err
	}
	sweep.Client = s.client
	sweep.Sink = record.SinkFunc(func(r *record.Record) {
		s.engine.observe(r)
		s.hops.observe(r)
		s.saver.observe(r)
		if sink != nil {
			sink.Observe(r)
		}
	})
	return sweep, nil
}

// close ends what open has made.
func (s *loadgenSession) close() {
	if s.client == nil {
		return
	}
	if s.client.UsageRefused() {
		s.notes.Warning("the server refused stream_options.include_usage: it was not asked for usage")
	}
	s.engine.close()
	s.client.Close()
	runtime.KeepAlive(s.ballast)
}

// sweep does all of it.
func (s *loadgenSession) sweep(ctx context.Context, target upstream.Target, sink record.Sink) ([]results.Measured, error) {
	live := new(record.Live)
	defer s.close()
	sweep, err := s.open(ctx, target, sink, live)
	if err != nil {
		return nil, err
	}
	progress := newLoadgenProgress(ctx, s.env.stderr, s.notes, s.plan, live)
	defer progress.close()
	sweep.Progress = progress
	return sweep.Do(ctx)
}

// build makes the sweep of what there is to be sent.
func (s *loadgenSession) build(what loadgen.Requests) (*loadgen.Sweep, error) {
	p := s.plan
	plan := loadgen.Plan{
		Loads: p.loads, Runs: p.load.numRuns, Warmup: p.load.warmup, WarmupTime: p.load.warmupTime, Grace: p.load.grace, Seed: uint64(p.seed), Connect: int(p.client.connect),
		Nonce: s.id,
		Make:  func(first int, cache loadgen.Cache) loadgen.Workload { return s.workload(what, first, cache) },
	}
	if p.trace != nil {
		plan.Trace = p.schedule()
		for _, note := range p.trace.Notes() {
			s.notes.Warning(note)
		}
	}
	if s.data != nil {
		plan.Prompts = s.data.Len()
	}
	if p.find != nil {
		plan.Loads = nil
	}
	sweep, warnings := plan.Sweep()
	for _, w := range warnings {
		s.notes.Warning(w)
	}
	sweep.SLO, sweep.Prepare = p.slo, s.prepare
	switch {
	case p.find != nil:
		p.searches(sweep, plan)
		p.find.Doubts = func(m results.Measured) []string { return calibration.Instrument(m, s.calibration).Invalid }
	case p.until != nil:
		sweep.Enough = p.until.Enough
	}
	return sweep, nil
}

// workload is what a run sends, from prompt or conversation number first on.
func (s *loadgenSession) workload(r loadgen.Requests, first int, cache loadgen.Cache) loadgen.Workload {
	r.First, r.Asking.NoPromptCache = first, cache.NoPromptCache
	switch {
	case r.Asking.TakesSalt():
		r.Asking.CacheSalt = cache.Salt
	case cache.Salt != "":
		s.engine.unsalted(r.Asking.Endpoint)
	}
	if s.plan.shape != loadgen.ShapeConversations {
		return r
	}
	var order loadgen.Order
	if s.data != nil {
		order = loadgen.NewOrder(uint64(s.plan.seed), s.data.Len())
	}
	return loadgen.Conversations{
		Source: func(i int) (loadgen.Conversation, error) { return s.talk(r.Source, order, i) },
		First:  first, Asking: r.Asking, Think: s.plan.say.thinkTime, Scripted: s.plan.say.history == historyDataset,
	}
}

// prepare makes engine and connections ready for a run.
func (s *loadgenSession) prepare(ctx context.Context, p loadgen.Point, run int) (ready loadgen.Prepared, err error) {
	if ready, err = s.engine.prepare(ctx, run); err != nil {
		return ready, err
	}
	if s.warm != nil {
		err = s.warm(ctx, max(p.Load.BatchSize, p.Load.MaxConcurrency))
	}
	return ready, err
}

// searches makes the sweep a search.
func (p *loadgenPlan) searches(s *loadgen.Sweep, plan loadgen.Plan) {
	like := p.loads[0]
	p.find.Make = func(load float64) loadgen.Point {
		l := like
		if p.find.Whole {
			l.MaxConcurrency = int(load)
		} else {
			l.RequestRate = results.Rate(load)
		}
		return plan.Point(l)
	}
	s.Route, s.Enough, s.Late = p.find.Next, p.find.Enough, calibration.Late
}

// planned is how many runs of a load there are to be, at least.
func (p *loadgenPlan) planned() int {
	if p.find != nil || p.until != nil {
		return 1
	}
	return p.load.numRuns
}

// largest is the most requests in flight that a load is known to have.
func (p *loadgenPlan) largest() (n int) {
	if p.find != nil && p.find.Whole {
		return int(p.find.Most)
	}
	for _, l := range p.loads {
		n = max(n, l.BatchSize, l.MaxConcurrency)
	}
	return n
}

// batchSizes are those of bursts.
func (p *loadgenPlan) batchSizes() (sizes []int) {
	for _, l := range p.loads {
		if l.BatchSize > 0 {
			sizes = append(sizes, l.BatchSize)
		}
	}
	return sizes
}

// what a point is, at the beginning of a sentence.
func (s *loadgenSession) what() string {
	shape := s.plan.shape
	return strings.ToUpper(shape[:1]) + shape[1:]
}

// said tells what prompts there are.
type said struct {
	name, source, digest string
	prompts              int // 0: as many as there are requests
}

func (s *loadgenSession) said() said {
	if t := s.plan.trace; t != nil {
		return said{name: t.Name(), source: "made prompts, by the trace " + t.Name(), digest: t.Digest()}
	}
	if s.data == nil {
		return said{name: randomKey, source: "made prompts, " + s.plan.prompts.scenario.String()}
	}
	return said{s.data.Name(), s.data.Source(), s.data.Digest(), s.data.Len()}
}

func (s said) describe() string {
	if s.prompts == 0 {
		return s.source
	}
	return fmt.Sprintf("%d prompts of %s", s.prompts, s.name)
}

// errStoppedEarly is what a session ends with that was stopped before its first
// request.
var errStoppedEarly = errors.New("stopped before anything was measured")
