package otel

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tokenomics/internal/record"
)

// tracer gives requests their place in a trace before there are spans.
type tracer struct{ sampler sdktrace.Sampler }

// Begin takes the caller's trace or starts one, and asks the sampler, whose
// answer holds for the spans that are made when the request is over. Headers
// that the specification calls invalid are as good as none.
func (t *tracer) Begin(traceparent, tracestate string) record.Trace {
	var tr record.Trace
	parent := context.Background()
	if id, span, sampled, ok := record.ParseTraceparent(traceparent); ok {
		tr.TraceID, tr.Parent, tr.State, tr.Sampled = id, span, tracestate, sampled
		parent = trace.ContextWithSpanContext(parent, remote(tr))
	} else {
		tr.TraceID = newTraceID()
	}
	tr.Server, tr.Client = newSpanID(), newSpanID()
	tr.Sampled = t.sampler.ShouldSample(sdktrace.SamplingParameters{
		ParentContext: parent, TraceID: tr.TraceID, Kind: trace.SpanKindServer,
	}).Decision == sdktrace.RecordAndSample
	return tr
}

// remote is the caller's span as a span's parent.
func remote(tr record.Trace) trace.SpanContext {
	c := trace.SpanContextConfig{TraceID: tr.TraceID, SpanID: tr.Parent, Remote: true}
	if tr.Sampled {
		c.TraceFlags = trace.FlagsSampled
	}
	if tr.State != "" {
		// An invalid tracestate is dropped, as the specification has it; the
		// header itself is passed on by the proxy as it came.
		if state, err := trace.ParseTraceState(tr.State); err == nil {
			c.TraceState = state
		}
	}
	return trace.NewSpanContext(c)
}

func newTraceID() (id [16]byte) {
	for id == [16]byte{} {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

func newSpanID() (id [8]byte) {
	for id == [8]byte{} {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

// decided is the sampler of the spans themselves: only Records whose traces
// were sampled at their start come this far.
type decided struct{}

func (decided) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return sdktrace.SamplingResult{
		Decision:   sdktrace.RecordAndSample,
		Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState(),
	}
}

func (decided) Description() string { return "decided when the request began" }

// givenIDs makes the SDK use the ids that the engine and the log line were
// told: it finds them in the context that a span is started with.
type givenIDs struct{}

type idsKey struct{}

type ids struct {
	trace [16]byte
	span  [8]byte
}

// NewIDs is asked for a span without a parent.
func (givenIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if given, ok := ctx.Value(idsKey{}).(ids); ok {
		return given.trace, given.span
	}
	return newTraceID(), newSpanID()
}

// NewSpanID is asked for a span with one.
func (givenIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if given, ok := ctx.Value(idsKey{}).(ids); ok {
		return given.span
	}
	return newSpanID()
}

var (
	_ record.Tracer        = (*tracer)(nil)
	_ sdktrace.Sampler     = decided{}
	_ sdktrace.IDGenerator = givenIDs{}
)
