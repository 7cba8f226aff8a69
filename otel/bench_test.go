package otel

import (
	"context"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"tokenomics/internal/record"
)

// BenchmarkObserve is what one finished stream with every figure costs. The
// aims (TARGETS.md): 3 us and no allocation through metrics, 2 us more for
// beginning a trace that is not sampled.
func BenchmarkObserve(b *testing.B) {
	run := func(name string, r rig, edit func(*record.Record)) {
		b.Run(name, func(b *testing.B) {
			rec := streamed()
			b.ReportAllocs()
			for b.Loop() {
				edit(rec)
				r.Observe(rec)
			}
		})
	}
	nothing := func(*record.Record) {}
	tenant := func(r *record.Record) { r.Tenant = "team-7" }
	run("metrics", newRig(b, Config{}, nil), nothing)
	run("metrics by tenant", newRig(b, Config{}, nil), tenant)

	otlp := func() sdkmetric.Reader {
		return sdkmetric.NewManualReader(sdkmetric.WithAggregationSelector(exponential))
	}
	run("metrics for OTLP and Prometheus", newRig(b, Config{}, nil, otlp()), nothing)
	run("metrics by tenant for OTLP and Prometheus", newRig(b, Config{}, nil, otlp()), tenant)
	run("metrics under older names for OTLP and Prometheus", newRig(b, Config{Semconv: Semconv141}, nil, otlp()), nothing)

	never := newRig(b, Config{}, sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0)))
	run("metrics and an unsampled trace", never, func(r *record.Record) { r.Trace = never.tracer.Begin("", "") })
	run("metrics and a caller's unsampled trace", never, func(r *record.Record) {
		r.Trace = never.tracer.Begin("00-"+callersTrace+"-"+callersSpan+"-00", "")
	})
	sampled := newRig(b, Config{}, always)
	sampled.Telemetry.spans.queue.exporter = discard{}
	run("metrics and a sampled trace", sampled, func(r *record.Record) { r.Trace = sampled.tracer.Begin("", "") })
	run("passed through", newRig(b, Config{}, nil), func(r *record.Record) { r.Endpoint = "" })
}

// discard is a backend that is infinitely fast.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }

func (discard) Shutdown(context.Context) error { return nil }
