package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/report"
	"tokenomics/internal/results"
	"tokenomics/internal/upstream"
	"tokenomics/loadgen"
	"tokenomics/loadgen/dataset"
)

// do runs the plan: what is cheap to find wrong is found first, and nothing is
// sent to the server before all of it was in order.
func (p *loadgenPlan) do(ctx context.Context, e *env) (err error) {
	if p.resultsFile == "" {
		p.resultsFile = "results-" + time.Now().Format("20060102-150405") + ".json"
	}
	out, err := results.NewOutFile(p.resultsFile)
	if err != nil {
		return runError(fmt.Errorf("--results-file: %w", err))
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
	target, warm, stopProxy, err := p.proxied(ctx, e)
	if err != nil {
		return err
	}
	// Last, because it empties a file that may be there.
	requests, closeRequests, err := p.requestsSink(e)
	if err != nil {
		return errors.Join(err, stopProxy())
	}

	session := &loadgenSession{plan: p, env: e, notes: notes, engine: engine, data: data, began: time.Now()}
	measured, sweepErr := session.sweep(ctx, target, warm, requests)
	if err := errors.Join(stopProxy(), closeRequests()); err != nil {
		notes.Warning(oneLine(err))
	}
	return session.finish(out, measured, sweepErr)
}

// dataset opens the prompts. HF_* variables are the hub's own.
func (p *loadgenPlan) dataset(ctx context.Context) (*dataset.Dataset, error) {
	offline := os.Getenv("HF_HUB_OFFLINE")
	d, err := dataset.Open(ctx, dataset.Config{
		Key: p.datasetKey, File: p.datasetFile, PromptColumn: p.promptColumn,
		HFToken: os.Getenv("HF_TOKEN"), HFEndpoint: os.Getenv("HF_ENDPOINT"),
		Offline: offline == "1" || strings.EqualFold(offline, "true"),
	})
	switch {
	case errors.Is(err, dataset.ErrConfig):
		return nil, usageError(err)
	case err != nil:
		return nil, runError(err)
	}
	return d, nil
}

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

// requestsSink writes --requests-file; nil where none was asked for.
func (p *loadgenPlan) requestsSink(e *env) (record.Sink, func() error, error) {
	var to io.WriteCloser
	switch p.requestsFile {
	case "":
		return nil, func() error { return nil }, nil
	case "-":
		to = nopCloser{e.stdout}
	default:
		f, err := os.OpenFile(p.requestsFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, runError(fmt.Errorf("--requests-file: %w", err))
		}
		to = f
	}
	buffered := bufio.NewWriter(to)
	sink := record.NewJSONL(buffered)
	return sink, func() error {
		if err := errors.Join(sink.Err(), buffered.Flush(), to.Close()); err != nil {
			return fmt.Errorf("writing %q: %w", p.requestsFile, err)
		}
		return nil
	}, nil
}

// nopCloser keeps standard output open.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// proxied is where requests go: the server, or our proxy in front of it. The
// proxy outlives ctx, so that what it has seen is exported after a stop too.
func (p *loadgenPlan) proxied(ctx context.Context, e *env) (target upstream.Target, warm warmUp, stop func() error, err error) {
	if !p.viaProxy {
		return p.base.target, nil, func() error { return nil }, nil
	}
	o := p.proxy
	// Twice the largest load: the next one may come before the last one's
	// connections are gone.
	o.connections = max(1024, 2*p.largest())
	proxyURL, warm, stop, err := startInProcessProxy(context.WithoutCancel(ctx), e, p.base.server(), o)
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

// loadgenSession is a sweep that is being run, and what it is run with.
type loadgenSession struct {
	plan   *loadgenPlan
	env    *env
	notes  *loadgenNotes
	engine upstream.Engine
	data   *dataset.Dataset
	began  time.Time
}

func (s *loadgenSession) sweep(ctx context.Context, target upstream.Target, warm warmUp, requests record.Sink) ([]results.Measured, error) {
	p := s.plan
	seed := uint64(p.seed)
	cache, known := loadgen.CacheFor(loadgen.PrefixCache(p.prefixCache), s.engine.Name)
	if !known {
		s.notes.Warning(fmt.Sprintf("no way is known to keep the prefix cache of %s out: it may answer for prompts of earlier runs; "+
			"look at cached_tokens, where the server tells them", cmp.Or(s.engine.Name, "this server")))
	}
	chat := loadgen.Chat{
		Model: p.model, Dataset: s.data, Order: loadgen.NewOrder(seed, s.data.Len()),
		MaxTokens: p.maxTokens, Temperature: p.temperature, Stream: p.stream,
	}
	plan := loadgen.Plan{
		Loads: p.loads, Runs: p.load.numRuns, Warmup: p.load.warmup, Grace: p.load.grace, Seed: seed,
		Prompts: s.data.Len(), Cache: cache, Nonce: "lg-" + strings.ToLower(rand.Text()[:8]),
		Make: func(first int, cache loadgen.Cache) loadgen.Workload {
			chat := chat
			chat.First, chat.CacheSalt, chat.NoPromptCache = first, cache.Salt, cache.NoPromptCache
			return chat
		},
	}
	if p.find != nil {
		plan.Loads = nil
	}
	sweep, warnings := plan.Sweep()
	sweep.SLO = p.slo
	switch {
	case p.find != nil:
		p.searches(sweep, plan)
	case p.until != nil:
		sweep.Enough = p.until.Enough
	}
	for _, w := range warnings {
		s.notes.Warning(w)
	}
	live := new(record.Live)
	client := loadgen.NewClient(loadgen.ClientConfig{
		Target: target, APIKey: p.apiKey, Provider: s.engine.Name, Timeout: p.timeout, UserAgent: "tokenomics/" + version,
		Connections: max(1024, p.largest()), Live: live, Headers: p.extra,
	})
	defer client.Close()
	progress := newLoadgenProgress(s.env.stderr, s.notes, p, live)
	defer progress.close()
	sweep.Client, sweep.Sink, sweep.Progress = client, requests, progress
	sweep.Around = around(warm)
	measured, err := sweep.Do(ctx)
	if client.UsageRefused() {
		s.notes.Warning("the server refused stream_options.include_usage: it was not asked for usage")
	}
	return measured, err
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
	s.Route, s.Enough = p.find.Next, p.find.Enough
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

// around opens a proxy's connections to the engine before each run.
func around(warm warmUp) func(context.Context, loadgen.Point, int) (func(*results.MeasuredRun), error) {
	return func(ctx context.Context, p loadgen.Point, _ int) (func(*results.MeasuredRun), error) {
		if warm != nil {
			if err := warm(ctx, max(p.Load.BatchSize, p.Load.MaxConcurrency)); err != nil {
				return nil, err
			}
		}
		return func(*results.MeasuredRun) {}, nil
	}
}

// what a point is, at the beginning of a sentence.
func (s *loadgenSession) what() string {
	shape := s.plan.shape
	return strings.ToUpper(shape[:1]) + shape[1:]
}

// finish writes the results, shows them and judges.
func (s *loadgenSession) finish(out *results.OutFile, measured []results.Measured, sweepErr error) error {
	stopped := errors.Is(sweepErr, context.Canceled)
	if len(measured) == 0 {
		if stopped || sweepErr == nil {
			return runError(errors.New("stopped before anything was measured; no results were written"))
		}
		return runError(sweepErr)
	}
	file := s.results(measured, sweepErr != nil)
	writeErr := out.Write(file.Write)
	if err := s.show(measured); err != nil {
		return runError(errors.Join(err, writeErr))
	}
	if writeErr != nil {
		return runError(writeErr)
	}
	fmt.Fprintf(s.words(), "\nResults: %s\n", s.plan.resultsFile)
	switch requests, failed, first := totals(measured); {
	case stopped:
		return runError(fmt.Errorf("stopped: what was measured until then is in %s, marked partial", s.plan.resultsFile))
	case sweepErr != nil:
		return runError(sweepErr)
	case failed == requests && requests == 1:
		return failError(fmt.Errorf("the only request failed with: %s", first))
	case failed == requests:
		return failError(fmt.Errorf("all %d requests failed, the first with: %s", requests, first))
	}
	return nil
}

// totals are over every run.
func totals(measured []results.Measured) (requests, failed int, first string) {
	for _, m := range measured {
		sum := m.Summary()
		requests += sum.Requests
		failed += sum.Failed
		if first == "" {
			first = sum.FirstError
		}
	}
	return requests, failed, first
}

// words is where the table goes: standard output, unless that carries JSON.
func (s *loadgenSession) words() io.Writer {
	if s.plan.requestsFile == "-" {
		return s.env.stderr
	}
	return s.env.stdout
}

// show prints the summary.
func (s *loadgenSession) show(measured []results.Measured) error {
	w := s.words()
	fmt.Fprintf(w, "\n%s on %s, %s, %d prompts of %s\n\n", s.plan.model, s.plan.base.shown, s.engine, s.data.Len(), s.data.Name())
	var rows []report.Row
	for _, m := range measured {
		rows = append(rows, report.Row{Label: m.Name, Summary: m.Summary()})
	}
	if err := report.Table(w, s.plan.shape, rows); err != nil {
		return err
	}
	if s.plan.find != nil {
		showKnee(w, s.plan.find, measured)
	}
	for _, m := range measured {
		sum := m.Summary()
		if sum.Aborted > 0 {
			fmt.Fprintf(w, "\n%s %s was stopped with %s in flight.\n", s.what(), m.Name, requestCount(sum.Aborted))
		}
		if sum.Failed > 0 {
			fmt.Fprintf(w, "\n%s %s: %d of %d requests failed and are in no average, the first with: %s\n",
				s.what(), m.Name, sum.Failed, sum.Requests, sum.FirstError)
		}
	}
	for _, text := range s.notes.texts {
		fmt.Fprintf(w, "\nWarning: %s\n", text)
	}
	return nil
}

// redacted is a URL without passwords and tokens.
func redacted(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.RawQuery = ""
	return u.Redacted()
}

func (s *loadgenSession) results(measured []results.Measured, partial bool) *results.Results {
	p := s.plan
	cache, _ := loadgen.CacheFor(loadgen.PrefixCache(p.prefixCache), s.engine.Name)
	r := &results.Results{SchemaVersion: results.SchemaVersion, Partial: partial}
	r.Metadata = results.Metadata{
		Time: s.began.UTC(), DurationS: time.Since(s.began).Seconds(),
		Tool: "tokenomics", ToolVersion: version, Description: p.description,
		Model: p.model, APIBase: p.base.shown, ViaProxy: p.viaProxy,
		Engine: s.engine.Name, EngineVersion: s.engine.Version, EngineFrontEnd: s.engine.FrontEnd, SimulatedBy: s.engine.Simulated,
		DatasetFile: p.datasetFile, PromptColumn: p.promptColumn,
		DatasetSource: s.data.Source(), DatasetPrompts: s.data.Len(), DatasetDigest: s.data.Digest(),
		BatchSizes: p.batchSizes(), NumRuns: p.load.numRuns, MaxTokens: p.maxTokens, Temperature: p.temperature, Stream: p.stream,
		Seed: p.seed, TimeoutS: p.timeout.Seconds(), Warmup: p.load.warmup, PrefixCache: p.prefixCache,
		PrefixCacheMethod: cache.Method(),
		ResultsFile:       p.resultsFile, RequestsFile: p.requestsFile}
	if p.viaProxy {
		r.Metadata.OTLPEndpoint, r.Metadata.Admin, r.Metadata.LogRequests = redacted(p.proxy.otlpEndpoint), p.proxy.admin, p.proxy.logRequests
	}
	if p.datasetFile == "" {
		r.Metadata.DatasetKey = p.datasetKey
	}
	for _, m := range measured {
		point := results.Of(m, p.planned())
		if p.until != nil && !p.until.Known(m) {
			point.Warnings = append(point.Warnings, fmt.Sprintf("after %d runs %s is still not known within %.3g %%", len(m.Runs), p.until.Figure, 100*p.until.Within))
		}
		if u := point.Sustainable; u != nil && !u.OK {
			point.Warnings = append(point.Warnings, "the load can't be sustained, and its latencies are a matter of how long it lasted: "+u.Reason)
		}
		r.Results = append(r.Results, point)
		for _, w := range point.Warnings {
			s.notes.add(m.Load.Shape + " " + m.Name + ": " + w)
		}
	}
	r.Warnings = s.notes.texts
	return r
}
