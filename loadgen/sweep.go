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
	Pacer       Pacer
	MaxInFlight int // 0 means no bound but the Pacer's
	Requests    int // planned per run, for who watches; 0 when not known
}

// Sweep measures each point several times.
type Sweep struct {
	Client *Client
	Points []Point
	Runs   int // of each point, at least 1
	// Workload is what a run sends. run counts from 1; 0 is the warm-up.
	Workload func(p Point, run int) Workload
	Warmup   Point // sent first and not measured; no Pacer means none

	// Warm opens what else has to be open before a run of so many requests
	// begins: a proxy's connections to the engine. nil means nothing.
	Warm func(ctx context.Context, requests int) error

	ID       string      // begins every request's id; of this sweep alone
	Sink     record.Sink // is given every measured Record; nil is fine
	Progress Progress    // nil means nobody watches
}

// Do runs the sweep. When ctx is cancelled it returns what was measured until
// then, the last run marked partial, and ctx's error.
func (s *Sweep) Do(ctx context.Context) ([]results.Measured, error) {
	if s.Progress == nil {
		s.Progress = quiet{}
	}
	if err := s.warmUp(ctx); err != nil {
		return nil, err
	}
	var done []results.Measured
	for _, p := range s.Points {
		m := results.Measured{Name: p.Name}
		for n := 1; n <= s.Runs; n++ {
			r, err := s.run(ctx, p, n)
			if r.Window.Summary().Requests > 0 {
				m.Runs = append(m.Runs, r)
			}
			if err != nil {
				if len(m.Runs) > 0 {
					done = append(done, m)
				}
				return done, err
			}
		}
		done = append(done, m)
	}
	return done, nil
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

func (s *Sweep) one(ctx context.Context, p Point, n int, sink record.Sink) (results.MeasuredRun, error) {
	m := results.MeasuredRun{Number: n, Window: new(stats.Window)}
	s.Progress.Begin(p.Name, n, p.Requests)
	m.Start = time.Now()
	run := Run{
		Client: s.Client, Pacer: p.Pacer, MaxInFlight: p.MaxInFlight, Workload: s.Workload(p, n),
		ID: fmt.Sprintf("%s-%s-%d", s.ID, p.Name, n),
		Sink: record.SinkFunc(func(r *record.Record) {
			m.Window.Observe(r)
			if sink != nil {
				sink.Observe(r)
			}
			s.Progress.Request(r)
		}),
	}
	var err error
	if s.Warm != nil {
		err = s.Warm(ctx, p.Requests)
	}
	if err == nil {
		m.Start = time.Now()
		err = run.Do(ctx)
	}
	m.Partial = err != nil
	if err != nil && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("run %d of %s: %w", n, p.Name, err)
	}
	return m, err
}
