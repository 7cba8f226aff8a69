package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"tokenomics/internal/report"
	"tokenomics/internal/results"
	"tokenomics/loadgen"
)

// finish writes the results, shows them and judges.
func (s *loadgenSession) finish(out resultsOut, measured []results.Measured, sweepErr error) error {
	stopped := errors.Is(sweepErr, context.Canceled)
	if len(measured) == 0 {
		return nothingMeasured(sweepErr)
	}
	file := s.results(measured, sweepErr != nil)
	writeErr := out.Write(file.Write)
	if err := s.show(measured, file.Results, sweepErr == nil); err != nil {
		return runError(errors.Join(err, writeErr))
	}
	if writeErr != nil {
		return runError(writeErr)
	}
	fmt.Fprintf(s.words(), "\nResults: %s\n", s.plan.resultsName())
	others, err := s.saver.write(file, s.plan.beside)
	if err != nil {
		return runError(fmt.Errorf("--save-as: %w", err))
	}
	for _, path := range others {
		fmt.Fprintf(s.words(), "         %s\n", path)
	}
	switch requests, failed, first := totals(measured); {
	case stopped:
		return runError(fmt.Errorf("stopped: what was measured until then is in %s, marked partial", s.plan.resultsName()))
	case sweepErr != nil:
		return runError(sweepErr)
	case failed == requests && requests == 1:
		return failError(fmt.Errorf("the only request failed with: %s", first))
	case failed == requests:
		return failError(fmt.Errorf("all %d requests failed, the first with: %s", requests, first))
	}
	if f := s.plan.find; f != nil {
		switch _, ok := f.Knee(measured); {
		case ok:
		case !f.Bound(measured):
			return runError(errors.New("no load was seen to meet the service level, and this machine could not measure the lowest that was tried: leave it more time for the load generator, or run that elsewhere"))
		default:
			return failError(errors.New("no load meets the service level"))
		}
	}
	return nil
}

// nothingMeasured is what a sweep ends with that was over before its first
// request.
func nothingMeasured(why error) error {
	var coded *exitError
	switch {
	case why == nil || errors.Is(why, context.Canceled):
		return runError(errors.New("stopped before anything was measured; no results were written"))
	case errors.As(why, &coded):
		return why // wrong use, for instance
	}
	return runError(why)
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

// show prints the summary. points are what measured is written as; whole says that
// the sweep was not stopped.
func (s *loadgenSession) show(measured []results.Measured, points results.Points, whole bool) error {
	w := s.words()
	fmt.Fprintf(w, "\n%s on %s, %s, %s\n\n", s.plan.model, s.plan.base.shown, s.found, s.said().describe())
	var rows []report.Row
	for _, m := range measured {
		rows = append(rows, report.Row{Label: m.Name, Summary: m.Summary()})
	}
	if err := report.Table(w, s.plan.shape, rows); err != nil {
		return err
	}
	if s.plan.find != nil {
		showKnee(w, s.plan.find, measured, whole)
	}
	for _, m := range measured {
		sum := m.Summary()
		if stopped := sum.Aborted - sum.BrokenOff; stopped > 0 {
			fmt.Fprintf(w, "\n%s %s was stopped with %s in flight.\n", s.what(), m.Name, requestCount(stopped))
		}
		if sum.Failed > 0 {
			fmt.Fprintf(w, "\n%s %s: %d of %d requests failed and are in no average, the first with: %s\n",
				s.what(), m.Name, sum.Failed, sum.Requests, sum.FirstError)
		}
	}
	for i := range points {
		if line := report.SpentLine(&points[i]); line != "" {
			fmt.Fprintf(w, "\n%s %s: %s\n", s.what(), points[i].Name, line)
		}
	}
	s.showHops(w, measured)
	s.showWorth(w, measured)
	for _, text := range s.notes.texts {
		fmt.Fprintf(w, "\nWarning: %s\n", text)
	}
	if s.hint != "" {
		fmt.Fprintf(w, "\n%s\n", s.hint)
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

// metadata says what was measured, and how.
func (s *loadgenSession) metadata() results.Metadata {
	p, said := s.plan, s.said()
	m := results.Metadata{
		Time: s.began.UTC(), DurationS: time.Since(s.began).Seconds(),
		Tool: "tokenomics", ToolVersion: version, Description: p.description,
		Model: p.model, APIBase: p.base.shown, ViaProxy: p.viaProxy,
		Engine: s.found.Name, EngineVersion: s.found.Version, EngineFrontEnd: s.found.FrontEnd, SimulatedBy: s.found.Simulated,
		DatasetFile: p.say.datasetFile, DatasetConfig: p.say.datasetConfig, PromptColumn: p.say.promptColumn, ImageColumn: p.say.imageColumn,
		HFDataset: p.say.hfDataset, HFSubset: p.say.hfSubset, HFSplit: p.say.hfSplit,
		DatasetSource: said.source, DatasetPrompts: said.prompts, DatasetDigest: said.digest,
		Shape: p.shape, BatchSizes: p.batchSizes(), NumRuns: p.load.numRuns, Warmup: p.load.warmup,
		Find: p.load.find, SLO: p.load.slo, StopWhen: p.load.stopWhen, Goodput: p.load.goodput,
		Endpoint: p.ask.endpoint, MaxTokens: p.ask.maxTokens, Temperature: p.ask.temperature, Stream: p.ask.stream, IgnoreEOS: p.ask.ignoreEOS,
		ExtraBody: p.ask.extraBody, Seed: p.seed, TimeoutS: p.timeout.Seconds(),
		PrefixTokens: p.say.prefixTokens, NumImages: p.say.numImages, LoRAs: p.say.loras, MinTokens: p.ask.minTokens, WarmupTimeS: p.load.warmupTime.Seconds(),
		PrefixCache: p.prefixCache, PrefixCacheMethod: s.engine.method,
		ResultsFile: p.resultsFile, RequestsFile: p.requestsFile, ProxyRecords: p.proxyRecords,
	}
	s.optional(&m)
	if p.prompts.scenario != nil {
		m.Scenario = p.prompts.scenario.String()
	}
	if p.viaProxy {
		m.OTLPEndpoint, m.Admin, m.LogRequests = redacted(p.proxy.otlpEndpoint), p.proxy.admin, p.proxy.logRequests
	}
	if s.data != nil && p.say.datasetFile+p.say.datasetConfig+p.say.hfDataset == "" {
		m.DatasetKey = p.say.datasetKey
	}
	return m
}

// shares says whether prompts are meant to share what they begin with.
func (p *loadgenPlan) shares() bool {
	return p.say.prefixTokens > 0 || p.trace != nil || p.shape == loadgen.ShapeConversations || p.prefixCache == "keep"
}

// optional adds the options that only some loads have.
func (s *loadgenSession) optional(m *results.Metadata) {
	p := s.plan
	if p.ask.n > 1 {
		m.NumAnswers = p.ask.n
	}
	if p.trace != nil {
		m.Trace, m.TraceSpeed = p.load.trace, p.load.traceSpeed
	}
	if p.say.prefixTokens > 0 {
		m.PrefixGroups = p.say.prefixGroups
	}
	if p.say.numImages > 0 {
		m.ImageSize = p.say.imageSize
	}
	if len(p.say.loras) > 0 {
		m.LoRAMix = p.say.loraMix
	}
	if p.shape == loadgen.ShapeConversations {
		m.History, m.ThinkTimeS = p.say.history, p.say.thinkTime.Seconds()
		if s.data == nil {
			m.Turns = p.say.turns
		}
	}
}

// longestRun is how many requests the longest run of a point had.
func longestRun(m results.Measured) (n int) {
	for _, r := range m.Runs {
		n = max(n, r.Window.Summary().Requests)
	}
	return n
}

func (s *loadgenSession) results(measured []results.Measured, partial bool) *results.Results {
	p := s.plan
	r := &results.Results{SchemaVersion: results.SchemaVersion, Partial: partial, Metadata: s.metadata()}
	for _, m := range measured {
		m.Shared = p.shares()
		point := results.Of(m, p.planned())
		if p.costPerHour > 0 {
			point.Cost = results.CostOf(p.costPerHour, point.Figures)
		}
		point.Warnings = append(point.Warnings, s.doubts(m, point.Sustainable)...)
		s.judge(&point, m)
		r.Results = append(r.Results, point)
		for _, w := range point.Warnings {
			s.notes.add(m.Load.Shape + " " + m.Name + ": " + w)
		}
	}
	r.Warnings = s.notes.texts
	return r
}

// doubts are those that the point's figures do not show.
func (s *loadgenSession) doubts(m results.Measured, u *results.Sustainable) (list []string) {
	if until := s.plan.until; until != nil && !until.Known(m) {
		list = append(list, fmt.Sprintf("after %d runs %s is still not known within %.3g %%", len(m.Runs), until.Figure, 100*until.Within))
	}
	if s.data != nil && m.Load.Shape == loadgen.ShapeConcurrency && m.Load.NumPrompts == 0 { // else it was told before
		if text := loadgen.Repeats(longestRun(m), s.data.Len()); text != "" {
			list = append(list, text)
		}
	}
	if u != nil && !u.OK {
		list = append(list, "the load can't be sustained, and its latencies are a matter of how long it lasted: "+u.Reason)
	}
	return list
}
