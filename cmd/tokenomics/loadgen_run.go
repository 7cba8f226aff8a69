package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
)

// do runs the plan: what is cheap to find wrong is found first, and nothing is
// sent to the server before all of it was in order.
func (p *loadgenPlan) do(ctx context.Context, e *env) (err error) {
	after := untilAgain(ctx)
	if p.ab != "" {
		return p.doAB(ctx, e)
	}
	out, err := p.openResults(e)
	if err != nil {
		return err
	}
	calibrated, hint, err := p.calibration()
	if err != nil {
		return err
	}
	id := newSweepID()
	hops, err := p.hops(id)
	if err != nil {
		return err
	}
	data, err := p.dataset(ctx)
	if err != nil {
		return err
	}
	notes := &loadgenNotes{w: e.stderr}
	engine, err := p.meet(ctx, notes)
	if err != nil {
		return err
	}
	target, warm, stopProxy, err := p.proxied(after, e, hops.theirs())
	if err != nil {
		return err
	}
	// Last, because it empties a file that may be there.
	requests, closeRequests, err := p.requestsSink(e, notes)
	if err != nil {
		return errors.Join(err, stopProxy())
	}

	session := &loadgenSession{
		plan: p, env: e, notes: notes, found: engine, data: data, warm: warm, began: time.Now(),
		id: id, hops: hops, saver: p.saver(id), calibration: calibrated, hint: hint,
	}
	measured, sweepErr := session.sweep(ctx, target, requests)
	lost := notes.lost(stopProxy(), closeRequests(), hops.gather(after))
	return errors.Join(session.finish(out, measured, sweepErr), lost)
}

// lost are errors by which something is missing that was asked for beside the
// results: it is a warning in those, and the end of the command.
func (n *loadgenNotes) lost(errs ...error) error {
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	n.add(oneLine(err))
	return runError(err)
}

// newSweepID begins the ids of a sweep's requests.
func newSweepID() string { return "lg-" + strings.ToLower(rand.Text()[:8]) }

// meet asks the server what it is and settles the model.
func (p *loadgenPlan) meet(ctx context.Context, notes *loadgenNotes) (upstream.Engine, error) {
	if p.apiKey == "" {
		p.apiKey = os.Getenv("OPENAI_API_KEY")
	}
	engine, err := upstream.Fingerprint(ctx, p.base.target.Root(), p.apiKey)
	switch {
	case errors.Is(err, upstream.ErrUnauthorized):
		if p.apiKey == "" {
			return engine, runError(fmt.Errorf("%s wants an API key: give it in OPENAI_API_KEY or with --api-key", p.base.shown))
		}
		notes.Warning(p.base.shown + " does not say what it is to this API key")
	case ctx.Err() != nil:
		return engine, runError(errors.New("stopped before anything was measured"))
	case err != nil:
		return engine, runError(fmt.Errorf("%w; start the server, or name another with --api-base", err))
	}
	asked := p.model
	if asked == "" && len(engine.Models) == 0 && engine.Status != 200 {
		return engine, runError(modelsRefused(p.base.shown, engine.Status))
	}
	if p.model, err = chooseModel(asked, engine.Models, p.base.shown); err != nil {
		return engine, usageError(err)
	}
	if len(engine.Models) > 0 && !slices.Contains(engine.Models, p.model) {
		notes.Warning(fmt.Sprintf("the server does not list model %q, but: %s", p.model, firstFew(engine.Models)))
	}
	return engine, nil
}

// modelsRefused says why a server's models are not known.
func modelsRefused(base string, status int) error {
	switch status {
	case 401, 403:
		return fmt.Errorf("%s answers %d to GET /v1/models: give its API key in OPENAI_API_KEY or with --api-key, and the model with --model", base, status)
	}
	return fmt.Errorf("%s answers %d to GET /v1/models: is it the right --api-base? If it has no such page, name the model with --model", base, status)
}

// requestsSink writes --requests-file; nil where none was asked for. Each line is
// written at once, so that a disk that is full is told of while the rest of the
// run may still be saved.
func (p *loadgenPlan) requestsSink(e *env, notes *loadgenNotes) (record.Sink, func() error, error) {
	var to io.WriteCloser
	switch p.requestsFile {
	case "":
		return nil, func() error { return nil }, nil
	case toStdout:
		to = nopCloser{e.stdout}
	default:
		f, err := os.OpenFile(p.requestsFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, runError(fmt.Errorf("--requests-file: %w", err))
		}
		to = f
	}
	sink := record.NewJSONL(to)
	sink.OnError = func(err error) { notes.Warning(fmt.Sprintf("--requests-file %s lacks lines: %v", p.requestsFile, err)) }
	return sink, func() error {
		if err := errors.Join(sink.Err(), to.Close()); err != nil {
			return fmt.Errorf("--requests-file %s: %w", p.requestsFile, err)
		}
		return nil
	}, nil
}

// nopCloser keeps standard output open.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// proxied is where requests go: the server, or our proxy in front of it, which
// gives its Records to sink too. ctx outlives a stop, so that what the proxy has
// seen is exported then.
func (p *loadgenPlan) proxied(ctx context.Context, e *env, sink record.Sink) (target upstream.Target, warm warmUp, stop func() error, err error) {
	if !p.viaProxy {
		return p.base.target, nil, func() error { return nil }, nil
	}
	o := p.proxy
	o.sink = sink
	// Twice the largest load: the next one may come before the last one's
	// connections are gone.
	o.connections = max(1024, 2*p.largest())
	proxyURL, warm, stop, err := startInProcessProxy(ctx, e, p.base.server(), o)
	if err != nil {
		return target, nil, nil, err
	}
	if target, err = p.base.through(proxyURL); err != nil {
		return target, nil, nil, runError(errors.Join(err, stop()))
	}
	return target, warm, stop, nil
}

// warmUp opens a proxy's connections to the engine before a run.
type warmUp = func(ctx context.Context, requests int) error
