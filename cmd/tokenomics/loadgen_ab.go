package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
	"tokenomics/loadgen"
)

// arm is one of the two servers of --ab.
type arm struct {
	name    string // "A"
	session *loadgenSession
	out     resultsOut
}

// doAB measures two servers in turns and compares them.
func (p *loadgenPlan) doAB(ctx context.Context, e *env) error {
	arms, err := p.arms(ctx, e)
	if err != nil {
		return err
	}
	sink, closeRequests, err := p.requestsSink(e, arms[0].session.notes)
	if err != nil {
		return err
	}
	measured, sweepErr := p.alternate(ctx, e, arms, sink)
	lost := arms[0].session.notes.lost(closeRequests())
	if len(measured[0]) == 0 { // the first is never behind the second
		return nothingMeasured(sweepErr)
	}
	var failed error // of one is no reason to lose what the other has measured
	for k, a := range arms {
		if len(measured[k]) > 0 {
			fmt.Fprintf(a.session.words(), "\n%s: ", a.name)
		}
		failed = errors.Join(failed, a.session.finish(a.out, measured[k], sweepErr))
	}
	if failed != nil {
		return errors.Join(failed, lost)
	}
	var files []*results.Results
	for k, a := range arms {
		files = append(files, a.session.results(measured[k], false))
	}
	return errors.Join(p.showAB(arms, files), lost)
}

// bothBases are where the two servers are.
func (p *loadgenPlan) bothBases() (bases []apiBase, err error) {
	urls := strings.Split(p.ab, ",")
	if len(urls) != 2 {
		return nil, fmt.Errorf("%q: give the URLs of two servers, separated by a comma", p.ab)
	}
	bases = make([]apiBase, len(urls))
	for i, url := range urls {
		if bases[i], err = parseAPIBase(strings.TrimSpace(url)); err != nil {
			return nil, fmt.Errorf("%s: %w", p.ab, err)
		}
	}
	if err := trust(p.proxy.upstreamCA, p.proxy.upstreamInsecure, &bases[0].target, &bases[1].target); err != nil {
		return nil, fmt.Errorf("%s: %w", p.ab, err)
	}
	return bases, nil
}

// arms meets both servers.
func (p *loadgenPlan) arms(ctx context.Context, e *env) (arms []*arm, err error) {
	bases, err := p.bothBases()
	if err != nil {
		return nil, usageError(fmt.Errorf("--ab %w", err))
	}
	if _, err := p.openResults(e); err != nil {
		return nil, err
	}
	if p.beside != p.resultsFile {
		return nil, usageError(errors.New("--ab writes a results file for each server, with -a and -b at the end of its name: give --results-file one that is a file's"))
	}
	calibrated, hint, err := p.calibration()
	if err != nil {
		return nil, err
	}
	data, err := p.dataset(ctx)
	if err != nil {
		return nil, err
	}
	for i, base := range bases {
		a := &arm{name: string(rune('A' + i))}
		flags, plan := *p.loadgenFlags, *p
		plan.loadgenFlags, plan.base = &flags, base
		ending := filepath.Ext(p.resultsFile)
		plan.resultsFile = strings.TrimSuffix(p.resultsFile, ending) + "-" + strings.ToLower(a.name) + ending
		if a.out, err = plan.openResults(e); err != nil {
			return nil, err
		}
		notes := &loadgenNotes{w: e.stderr}
		found, err := plan.meet(ctx, notes)
		if err != nil {
			return nil, err
		}
		id := newSweepID()
		a.session = &loadgenSession{
			plan: &plan, env: e, notes: notes, found: found, data: data, began: time.Now(),
			id: id, saver: plan.saver(id), calibration: calibrated, hint: hint,
		}
		arms = append(arms, a)
	}
	return arms, nil
}

// alternate runs the sweeps of both in turns.
func (p *loadgenPlan) alternate(ctx context.Context, e *env, arms []*arm, sink record.Sink) ([][]results.Measured, error) {
	live := new(record.Live)
	var sweeps []*loadgen.Sweep
	progress := newLoadgenProgress(ctx, e.stderr, arms[0].session.notes, p, live)
	defer progress.close()
	for _, a := range arms {
		a.session.notes.progress = progress
		defer a.session.close()
		s, err := a.session.open(ctx, a.session.plan.base.target, sink, live)
		if err != nil {
			return make([][]results.Measured, len(arms)), err
		}
		s.Progress = armProgress{progress, a.name}
		sweeps = append(sweeps, s)
	}
	return loadgen.Alternate(ctx, sweeps...)
}

// armProgress names the server that a run is at.
type armProgress struct {
	*loadgenProgress
	name string
}

// Begin names the run.
func (a armProgress) Begin(point string, run, requests int) {
	a.loadgenProgress.Begin(point+" of "+a.name, run, requests)
}

// End sums it up.
func (a armProgress) End(point string, run int, s stats.Summary) {
	a.loadgenProgress.End(point+" of "+a.name, run, s)
}

// showAB compares what came of both.
func (p *loadgenPlan) showAB(arms []*arm, files []*results.Results) error {
	figures, err := parseMetrics(defaultMetrics)
	if err != nil {
		return runError(err)
	}
	c := results.ComparePaired(files[0], files[1], figures, abThreshold)
	c.Base, c.New = "A, "+arms[0].session.plan.base.shown, "B, "+arms[1].session.plan.base.shown
	if len(c.Points) == 0 {
		return runError(errors.New("the two have no point in common"))
	}
	c.Warnings = append(c.Warnings, tooFewRuns(c)...)
	fmt.Fprintln(arms[0].session.words())
	if err := printComparison(arms[0].session.words(), c); err != nil {
		return runError(fmt.Errorf("writing the comparison: %w", err))
	}
	return nil
}

// abThreshold is the difference below which two servers are the same.
const abThreshold = 0.02
