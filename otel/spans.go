package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"tokenomics/internal/record"
)

// spans makes the spans of a request from its Record: a SERVER span for the
// client's request and, under it, a CLIENT span for the request to the engine.
// They carry figures and names, never content.
type spans struct {
	tracer     trace.Tracer
	queue      *spanQueue
	fromClient bool // no SERVER span
}

func (s *spans) observe(r *record.Record) {
	if !r.Trace.On() || !r.Trace.Sampled {
		return
	}
	ctx := context.Background()
	if r.Trace.Parent != [8]byte{} {
		ctx = trace.ContextWithSpanContext(ctx, remote(r.Trace))
	}
	end := r.Start.Add(r.End.Or(0))
	if s.fromClient {
		s.client(ctx, r, end)
		return
	}
	ctx, span := s.start(ctx, r.Trace, r.Trace.Server, serverName(r), trace.SpanKindServer, r.Start)
	span.SetAttributes(serverAttributes(r)...)
	if t := errorType(r); t != "" && serverFailed(r.Outcome, r.Status) {
		fail(span, r, t)
	}
	s.client(ctx, r, end)
	span.End(trace.WithTimestamp(end))
}

func (s *spans) start(ctx context.Context, tr record.Trace, id [8]byte, name string, kind trace.SpanKind, at time.Time) (context.Context, trace.Span) {
	ctx = context.WithValue(ctx, idsKey{}, ids{tr.TraceID, id})
	return s.tracer.Start(ctx, name, trace.WithTimestamp(at), trace.WithSpanKind(kind))
}

// client makes the CLIENT span, from the moment the request had been sent, so
// that its length is the duration metric's.
func (s *spans) client(ctx context.Context, r *record.Record, end time.Time) {
	_, span := s.start(ctx, r.Trace, r.Trace.Client, clientName(r), trace.SpanKindClient, r.Start.Add(r.Sent.Or(0)))
	span.SetAttributes(clientAttributes(r)...)
	for _, e := range []struct {
		name string
		at   record.Offset
	}{{"tokenomics.first_token", r.FirstToken}, {"tokenomics.first_output", r.FirstOutput}, {"tokenomics.last_token", r.LastToken}} {
		if at, ok := e.at.Get(); ok {
			span.AddEvent(e.name, trace.WithTimestamp(r.Start.Add(at)))
		}
	}
	if t := errorType(r); t != "" {
		fail(span, r, t)
	}
	span.End(trace.WithTimestamp(end))
}

func fail(span trace.Span, r *record.Record, errType string) {
	span.SetStatus(codes.Error, clean(r.Error))
	span.SetAttributes(keyErrorType.String(clean(errType)))
}

func serverName(r *record.Record) string {
	if route := routeOf(r.Endpoint, r.Path); route != "" {
		return methodOf(r.Method) + " " + route
	}
	return methodOf(r.Method)
}

func clientName(r *record.Record) string {
	switch {
	case r.Endpoint == "":
		return methodOf(r.Method)
	case r.Model == "":
		return operationOf(r.Endpoint)
	}
	return operationOf(r.Endpoint) + " " + clean(r.Model)
}

func serverAttributes(r *record.Record) []attribute.KeyValue {
	kv := []attribute.KeyValue{
		keyHTTPMethod.String(methodOf(r.Method)),
		keyURLScheme.String("http"),
		keyURLPath.String(clean(r.Path)),
		keyHTTPReqSize.Int64(r.RequestBytes),
		keyHTTPRespSize.Int64(r.ResponseBytes),
		keyOutcome.String(string(r.Outcome)),
	}
	kv = appendText(kv, keyHTTPRoute, routeOf(r.Endpoint, r.Path))
	kv = appendText(kv, "tokenomics.request_id", clean(r.RequestID))
	kv = appendText(kv, keyTenant, clean(r.Tenant))
	if r.Status > 0 {
		kv = append(kv, keyHTTPStatus.Int(r.Status))
	}
	if d, ok := r.Overhead.Get(); ok {
		kv = append(kv, attribute.Float64("tokenomics.overhead_us", float64(d)/1e3))
	}
	return kv
}

func clientAttributes(r *record.Record) []attribute.KeyValue {
	host, port := hostPort(r.Server)
	kv := make([]attribute.KeyValue, 0, clientAttributeCount)
	kv = append(append(kv, address(host, port)...), keyOutcome.String(string(r.Outcome)))
	if r.Status > 0 {
		kv = append(kv, keyHTTPStatus.Int(r.Status))
	}
	if r.Retries > 0 {
		kv = append(kv, attribute.Int("tokenomics.retries", r.Retries))
	}
	if r.Endpoint == "" {
		kv = append(kv, keyHTTPMethod.String(methodOf(r.Method)))
		return appendText(kv, keyURLFull, clean("http://"+r.Server+r.Path))
	}
	return appendFigures(appendUsage(appendRequest(kv, r), r), r)
}

// clientAttributeCount is about how many attributes a client span has.
const clientAttributeCount = 40

func appendRequest(kv []attribute.KeyValue, r *record.Record) []attribute.KeyValue {
	kv = append(kv,
		keyOperation.String(operationOf(r.Endpoint)),
		keyProvider.String(providerOf(r.Provider)),
		keyRequestStream.Bool(r.Stream),
	)
	kv = appendText(kv, keyRequestModel, clean(r.Model))
	kv = appendText(kv, keyResponseModel, clean(r.ResponseModel))
	kv = appendText(kv, keyTenant, clean(r.Tenant))
	if r.N > 1 {
		kv = append(kv, keyRequestChoices.Int(r.N))
	}
	kv = appendCount(kv, keyRequestMaxTokens, r.MaxTokens)
	if len(r.FinishReasons) > 0 {
		kv = append(kv, keyFinishReasons.StringSlice(cleanAll(r.FinishReasons)))
	}
	return kv
}

func appendUsage(kv []attribute.KeyValue, r *record.Record) []attribute.KeyValue {
	kv = appendText(kv, "tokenomics.token_source", string(r.Usage.Source))
	kv = appendCount(kv, keyInputTokens, r.Usage.Prompt)
	kv = appendCount(kv, keyOutputTokens, r.Usage.Completion)
	kv = appendCount(kv, keyCachedTokens, r.Usage.Cached)
	return appendCount(kv, keyReasoningTokens, r.Usage.Reasoning)
}

// appendFigures adds the Record's figures under the names of the log line.
func appendFigures(kv []attribute.KeyValue, r *record.Record) []attribute.KeyValue {
	kv = append(kv, attribute.Int("tokenomics.events", r.Events), attribute.Int("tokenomics.in_flight", r.InFlight))
	ms := func(name string) func(time.Duration, bool) {
		return func(d time.Duration, ok bool) {
			if ok {
				kv = append(kv, attribute.Float64(name, float64(d)/1e6))
			}
		}
	}
	number := func(name string) func(float64, bool) {
		return func(v float64, ok bool) {
			if ok {
				kv = append(kv, attribute.Float64(name, v))
			}
		}
	}
	ms("tokenomics.ttfb_ms")(r.TTFB())
	ms("tokenomics.ttft_ms")(r.TTFT())
	ms("tokenomics.ttfo_ms")(r.TTFO())
	ms("tokenomics.tpot_ms")(r.TPOT())
	ms("tokenomics.e2e_ms")(r.E2E())
	if r.Engine != nil {
		ms("tokenomics.engine_queue_ms")(r.EngineQueue())
		ms("tokenomics.engine_load_ms")(r.EngineLoad())
		ms("tokenomics.engine_prefill_ms")(r.EnginePrefill())
		ms("tokenomics.engine_decode_ms")(r.EngineDecode())
		ms("tokenomics.engine_compute_ms")(r.EngineCompute())
		ms("tokenomics.engine_ms")(r.EngineTime())
		ms("tokenomics.outside_engine_ms")(r.OutsideEngine())
	}
	number("tokenomics.output_tok_s")(r.OutputTokensPerSecond())
	number("tokenomics.decode_tok_s")(r.DecodeTokensPerSecond())
	number("tokenomics.gap_max_ms")(r.Gaps.Max())
	number("tokenomics.itl_mean_ms")(r.ITL.Mean())
	if first, ok := r.FirstEvent.Get(); ok && r.Stream && r.Sent.Ok() {
		kv = append(kv, keyFirstChunk.Float64((first - r.Sent.Or(0)).Seconds()))
	}
	if r.CoalescedReads > 0 {
		kv = append(kv, attribute.Int("tokenomics.coalesced_reads", r.CoalescedReads))
	}
	if r.Buffered {
		kv = append(kv, attribute.Bool("tokenomics.buffered", true))
	}
	if len(r.Warnings) > 0 {
		kv = append(kv, attribute.StringSlice("tokenomics.warnings", cleanAll(r.Warnings)))
	}
	return kv
}

func appendCount(kv []attribute.KeyValue, key attribute.Key, n record.Count) []attribute.KeyValue {
	if v, ok := n.Get(); ok {
		return append(kv, key.Int64(v))
	}
	return kv
}

// maxListed bounds a list from outside: choices may be many.
const maxListed = 32

func cleanAll(texts []string) []string {
	cleaned := make([]string, 0, min(len(texts), maxListed))
	for _, s := range texts[:min(len(texts), maxListed)] {
		cleaned = append(cleaned, clean(s))
	}
	return cleaned
}
