package loadgen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// Point is one load of a sweep.
type Point struct {
	Name        string // what the results are filed under: "8"
	Load        results.Load
	Pacer       func(run int) Pacer // of a run, counted from 1; nil means that there is nothing to send
	MaxInFlight int                 // 0 means no bound but the Pacer's
	Ramp        time.Duration       // in which MaxInFlight grows to what it is
	Connect     int                 // connections opened before the clock of a run starts
	Grace       time.Duration       // how long requests may go on once no more are sent; 0 means no bound
	Requests    int                 // planned per run, for who watches; 0 when not known
}

// open says whether requests are sent whatever becomes of those before.
func (p Point) open() bool { return p.Load.Shape == ShapeRate || p.Load.Shape == ShapeTrace }

// target is how many requests are in flight in the steady state; 0 where there is
// none: users of conversations think between their turns.
func (p Point) target() int {
	if p.Load.Shape == ShapeConcurrency {
		return p.Load.MaxConcurrency
	}
	return 0
}

// Route says which point is to be measured next, given what was measured so
// far; none at the end.
type Route func(done []results.Measured) (p Point, ok bool)

// InOrder is one point after the other.
func InOrder(points ...Point) Route {
	return func(done []results.Measured) (Point, bool) {
		if len(done) == len(points) {
			return Point{}, false
		}
		return points[len(done)], true
	}
}

// Sweep measures points, each several times.
type Sweep struct {
	Client *Client
	Route  Route
	// Enough says whether a point has been run often enough.
	Enough func(m results.Measured) bool
	// Late says what a run's figures can't be trusted for though another's of the
	// same load may be. Such a run is set aside, and the load run again; nil leaves
	// every run as it is.
	Late func(m results.Measured) []string
	// Workload is what a run sends. run counts from 1; 0 is the warm-up.
	Workload func(p Point, run int, cache Cache) Workload
	Warmup   Point // sent first and not measured; no Pacer means none

	// Prepare, if it is there, is called before each run, the warm-up included:
	// it makes engine and connections ready, and begins to watch.
	Prepare func(ctx context.Context, p Point, run int) (Prepared, error)

	SLO      stats.SLO   // what a request has to meet to count as goodput
	ID       string      // begins every request's id; of this sweep alone
	Sink     record.Sink // is given every measured Record; nil is fine
	Progress Progress    // nil means nobody watches
}

// Prepared is what a run finds.
type Prepared struct {
	Cache Cache                        // what its requests carry
	After func(m *results.MeasuredRun) // called when it is over; nil is fine
}

// Do runs the sweep. When ctx is cancelled it returns what was measured until
// then, the last run marked partial, and ctx's error.
func (s *Sweep) Do(ctx context.Context) (done []results.Measured, err error) {
	if s.Progress == nil {
		s.Progress = quiet{}
	}
	if err := s.warmUp(ctx); err != nil {
		return nil, err
	}
	for {
		p, ok := s.Route(done)
		if !ok {
			return done, nil
		}
		m, err := s.point(ctx, p)
		if len(m.Runs) > 0 {
			done = append(done, m)
		}
		if err != nil {
			return done, err
		}
	}
}

// point runs a point until that is enough.
func (s *Sweep) point(ctx context.Context, p Point) (results.Measured, error) {
	m := results.Measured{Name: p.Name, Load: p.Load}
	for n := 1; n == 1 || !s.Enough(m); n++ {
		r, err := s.run(ctx, p, n)
		if r.Window.Summary().Requests > 0 {
			s.setAside(&r, m)
			m.Runs = append(m.Runs, r)
		} else if err == nil {
			err = fmt.Errorf("run %d of %s sent no request", n, p.Name) // the next would neither, and so on for ever
		}
		if err != nil {
			return m, err
		}
	}
	return m, nil
}

// mostSetAside is how often a load is run again because we were late: a machine
// that is late three times is so because of the load.
const mostSetAside = 2

// setAside marks r, a run of m, if it has to be done again.
func (s *Sweep) setAside(r *results.MeasuredRun, m results.Measured) {
	if s.Late == nil || r.Partial || m.SetAside() >= mostSetAside {
		return
	}
	why := s.Late(results.Measured{Name: m.Name, Load: m.Load, Runs: []results.MeasuredRun{*r}})
	if len(why) > 0 {
		r.SetAside = why
		s.Progress.Warning(fmt.Sprintf("run %d of %s is set aside and done again: %s", r.Number, m.Name, why[0]))
	}
}

// warmUp sends what is not measured. That it fails is a warning: the runs will
// show what it comes to.
func (s *Sweep) warmUp(ctx context.Context) error {
	p := s.Warmup
	if p.Pacer == nil {
		return nil
	}
	r, err := s.one(ctx, p, 0, nil)
	if err != nil {
		return err
	}
	if sum := r.Window.Summary(); sum.Failed > 0 {
		s.Progress.Warning(fmt.Sprintf("%d of %d warm-up requests failed, first: %s", sum.Failed, sum.Requests, sum.FirstError))
	}
	return nil
}

func (s *Sweep) run(ctx context.Context, p Point, n int) (results.MeasuredRun, error) {
	if err := ctx.Err(); err != nil {
		return results.MeasuredRun{Window: new(stats.Window)}, err
	}
	r, err := s.one(ctx, p, n, s.Sink)
	if sum := r.Window.Summary(); sum.Requests > 0 {
		s.Progress.End(p.Name, n, sum)
	}
	return r, err
}

func (s *Sweep) one(ctx context.Context, p Point, n int, sink record.Sink) (m results.MeasuredRun, err error) {
	m = results.MeasuredRun{Number: n, Start: time.Now(), Window: &stats.Window{SLO: s.SLO, Open: p.open(), Target: p.target()}}
	s.Progress.Begin(p.Name, n, p.Requests)
	run := Run{
		Client: s.Client, Pacer: p.Pacer(n), MaxInFlight: p.MaxInFlight, Ramp: p.Ramp,
		Connect: p.Connect, Grace: p.Grace,
		ID:    fmt.Sprintf("%s-%s-%d", s.ID, p.Name, n),
		Began: func(at time.Time) { m.Start, m.Window.Begin = at, at },
		Sink: record.SinkFunc(func(r *record.Record) {
			m.Window.Observe(r)
			m.Self.Observe(r)
			if sink != nil {
				sink.Observe(r)
			}
			s.Progress.Request(r)
		}),
	}
	if err = s.measured(ctx, &run, p, &m); err == nil {
		return m, nil
	}
	m.Partial = true
	if !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("run %d of %s: %w", n, p.Name, err)
	}
	return m, err
}

// measured does the run, with what goes around it.
func (s *Sweep) measured(ctx context.Context, run *Run, p Point, m *results.MeasuredRun) error {
	var ready Prepared
	if s.Prepare != nil {
		var err error
		if ready, err = s.Prepare(ctx, p, m.Number); err != nil {
			return err
		}
	}
	if ready.After != nil {
		defer ready.After(m)
	}
	run.Workload = s.Workload(p, m.Number, ready.Cache)
	defer watchOurselves()(m)
	return run.Do(ctx)
}
