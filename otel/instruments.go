package otel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"tokenomics/internal/record"
)

// instruments record what one request was, once, at its end. Sums are not
// among them: those are counted in series and read at collection (observed.go),
// which costs a twentieth of a measurement.
type instruments struct {
	labels    *labels
	server    bool // the Records are of requests to us
	exemplars bool

	duration, firstChunk, perChunk         metric.Float64Histogram
	inputTokens, outputTokens              metric.Int64Histogram
	engineDuration, engineFirst, enginePer metric.Float64Histogram // nil unless asked for
	httpServer, httpClient                 metric.Float64Histogram
	ttft, ttfo, itl, gapMax                metric.Float64Histogram
	outputRate, decodeRate, overhead       metric.Float64Histogram
	loadTTFT, loadTPOT                     metric.Float64Histogram
}

func newInstruments(meter metric.Meter, l *labels, cfg Config) (*instruments, error) {
	var errs []error
	histogram := func(name, unit, what string, buckets []float64) metric.Float64Histogram {
		h, err := meter.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(buckets...))
		errs = append(errs, err)
		return h
	}
	tokens := func(name, what string) metric.Int64Histogram {
		h, err := meter.Int64Histogram(name, metric.WithUnit("{token}"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(tokenBuckets()...))
		errs = append(errs, err)
		return h
	}
	seconds := func(name, what string) metric.Float64Histogram { return histogram(name, "s", what, secondsBuckets()) }
	rate := func(name, what string) metric.Float64Histogram {
		return histogram(name, "{token}/s", what, rateBuckets())
	}

	n := namesOf(cfg.Semconv)
	in := &instruments{labels: l, server: !cfg.FromClient, exemplars: exemplarsAsked()}
	in.duration = seconds(n.duration, "From the request's last byte to the engine until the end of its answer.")
	in.firstChunk = seconds(n.firstChunk, "From the request's last byte to the first event of a streamed answer, whatever it carried.")
	in.perChunk = seconds(n.perChunk, "Mean time between token events of a streamed answer, once per request.")
	if n.inputTokens == n.outputTokens {
		in.inputTokens = tokens(n.inputTokens, "Tokens of a request, as its engine counted them.")
		in.outputTokens = in.inputTokens
	} else {
		in.inputTokens = tokens(n.inputTokens, "Prompt tokens of a request, as its engine counted them; cached ones included.")
		in.outputTokens = tokens(n.outputTokens, "Completion tokens of a request, as its engine counted them; reasoning included.")
	}
	if cfg.EngineView || cfg.Semconv == Semconv141 {
		in.engineDuration = seconds(nameServerDuration, "The engine's time for a request, seen from outside: last byte sent to last token.")
		in.engineFirst = seconds(nameServerFirstToken, "The engine's time to first token, seen from outside.")
		in.enginePer = seconds(nameServerPerToken, "The engine's time per output token after the first, seen from outside.")
	}
	if in.server {
		in.httpServer = seconds(nameHTTPServer, "From the client's request head to the end of the answer.")
	}
	in.httpClient = seconds(nameHTTPClient, "From the request's last byte to the engine until the end of its answer.")
	in.ttft = seconds(nameTTFT, "TTFT: from the request's last byte to the first token on any channel.")
	in.ttfo = seconds(nameTTFO, "TTFO: from the request's last byte to the first visible content, after reasoning.")
	in.itl = seconds(nameITL, "ITL: a request's mean time per token between token events, weighted by tokens, once per request; only where each event's tokens are known exactly.")
	in.gapMax = seconds(nameGapMax, "The longest time between two token events of a request, once per request.")
	in.outputRate = rate(nameOutputRate, "Completion tokens of a request over its E2E time.")
	in.decodeRate = rate(nameDecodeRate, "Completion tokens of a request after the first event over the time they took; 1/TPOT.")
	in.loadTTFT = seconds(nameLoadTTFT, "TTFT by how many requests were in flight when the request began, itself included.")
	in.loadTPOT = seconds(nameLoadTPOT, "TPOT by how many requests were in flight when the request began, itself included.")
	in.overhead = histogram(nameOverhead, "s", "Time spent in our own code for a request; its sum over tokenomics.events is that of an event.", overheadBuckets())
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("making the instruments: %w", err)
	}
	return in, nil
}

// observe records r. A figure that r does not know is not recorded.
func (in *instruments) observe(r *record.Record) {
	s := in.labels.of(r)
	s.requests.count(r)
	ctx := in.context(r)
	if in.server {
		seconds(ctx, in.httpServer, s.server)(r.End.Get())
	}
	seconds(ctx, in.httpClient, s.client)(r.Duration())
	if s.usage == nil {
		return // only passed through
	}
	seconds(ctx, in.duration, s.duration)(r.Duration())
	whole := r.Outcome == record.Complete
	in.tokens(ctx, r, s, whole)
	seconds(ctx, in.overhead, s.ours)(r.Overhead.Get())
	if r.Stream {
		in.first(ctx, r, s)
	}
	if in.engineDuration != nil {
		seconds(ctx, in.engineDuration, s.duration)(r.E2E())
		seconds(ctx, in.engineFirst, s.genAI.plain)(r.TTFT())
	}
	if whole { // a request cut short has no rate of its own
		in.pace(ctx, r, s)
	}
}

// tokens counts what the engine told. What had to be estimated is counted
// apart, and so never looks exact; the sizes of requests are those of whole ones.
func (in *instruments) tokens(ctx context.Context, r *record.Record, s *series, whole bool) {
	u := r.Usage
	if u.Source == record.SourceEvents {
		in.labels.estimated.Add(u.Completion.Or(0))
		u.Completion = record.Count{}
	}
	s.usage.input.add(u.Prompt)
	s.usage.output.add(u.Completion)
	s.usage.cached.add(u.Cached)
	s.usage.reasoning.add(u.Reasoning)
	if n, ok := u.Prompt.Get(); ok && whole {
		in.inputTokens.Record(ctx, n, s.genAI.input...)
	}
	if n, ok := u.Completion.Get(); ok && whole {
		in.outputTokens.Record(ctx, n, s.genAI.output...)
	}
}

// first records when a stream began to speak, whatever became of it: taking
// whole ones only would drop the slowest.
func (in *instruments) first(ctx context.Context, r *record.Record, s *series) {
	if first, ok := r.FirstEvent.Get(); ok {
		if sent, ok := r.Sent.Get(); ok && first >= sent {
			in.firstChunk.Record(ctx, (first - sent).Seconds(), s.genAI.plain...)
		}
	}
	seconds(ctx, in.ttft, s.ours)(r.TTFT())
	if r.InFlight > 0 {
		seconds(ctx, in.loadTTFT, s.load[loadRange(r.InFlight)])(r.TTFT())
	}
	seconds(ctx, in.ttfo, s.ours)(r.TTFO())
}

// pace records how quickly a whole answer came. Of the sketches only means and
// extremes are read, once for each request.
func (in *instruments) pace(ctx context.Context, r *record.Record, s *series) {
	number(ctx, in.outputRate, s.ours)(r.OutputTokensPerSecond())
	if !r.Stream {
		return
	}
	number(ctx, in.decodeRate, s.ours)(r.DecodeTokensPerSecond())
	if r.InFlight > 0 {
		seconds(ctx, in.loadTPOT, s.load[loadRange(r.InFlight)])(r.TPOT())
	}
	if in.engineDuration != nil {
		seconds(ctx, in.enginePer, s.genAI.plain)(r.TPOT())
	}
	if mean, ok := r.Gaps.Mean(); ok {
		in.perChunk.Record(ctx, mean/1e3, s.genAI.plain...)
	}
	if longest, ok := r.Gaps.Max(); ok {
		in.gapMax.Record(ctx, longest/1e3, s.ours...)
	}
	if mean, ok := r.ITL.Mean(); ok && !r.Buffered {
		in.itl.Record(ctx, mean/1e3, s.ours...)
	}
}

// exemplarsAsked says whether exemplars are wanted. They are off unless asked
// for: their reservoirs would take megabytes for each instrument.
func exemplarsAsked() bool { return env("OTEL_METRICS_EXEMPLAR_FILTER") != "" }

// context carries r's span where there are exemplars to point to it.
func (in *instruments) context(r *record.Record) context.Context {
	ctx := context.Background()
	if !in.exemplars || !r.Trace.Sampled {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: r.Trace.TraceID, SpanID: r.Trace.Client, TraceFlags: trace.FlagsSampled,
	}))
}

// seconds and number record a figure that may be absent.
func seconds(ctx context.Context, h metric.Float64Histogram, o []metric.RecordOption) func(time.Duration, bool) {
	return func(d time.Duration, ok bool) {
		if ok {
			h.Record(ctx, d.Seconds(), o...)
		}
	}
}

func number(ctx context.Context, h metric.Float64Histogram, o []metric.RecordOption) func(float64, bool) {
	return func(v float64, ok bool) {
		if ok {
			h.Record(ctx, v, o...)
		}
	}
}
