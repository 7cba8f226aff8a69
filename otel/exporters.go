package otel

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var (
	errShutDown  = errors.New("shut down before it was done")
	errQueueFull = errors.New("the backend takes them more slowly than they come")
	errNotTaken  = errors.New("the backend did not take them; the log says why")
)

// spanExporter makes the OTLP exporter for traces. It connects later, so a
// backend that is down is no error here.
func spanExporter(ctx context.Context, t target, headers map[string]string) (sdktrace.SpanExporter, error) {
	if t.protocol == protocolGRPC {
		var o []otlptracegrpc.Option
		if t.pass {
			o = append(o, otlptracegrpc.WithEndpointURL(t.url))
		}
		if headers != nil {
			o = append(o, otlptracegrpc.WithHeaders(headers))
		}
		return otlptracegrpc.New(ctx, o...)
	}
	var o []otlptracehttp.Option
	if t.pass {
		o = append(o, otlptracehttp.WithEndpointURL(t.url))
	}
	if headers != nil {
		o = append(o, otlptracehttp.WithHeaders(headers))
	}
	return otlptracehttp.New(ctx, o...)
}

// metricExporter makes the OTLP exporter for metrics.
func metricExporter(ctx context.Context, t target, headers map[string]string) (sdkmetric.Exporter, error) {
	own := env("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION") == ""
	if t.protocol == protocolGRPC {
		var o []otlpmetricgrpc.Option
		if t.pass {
			o = append(o, otlpmetricgrpc.WithEndpointURL(t.url))
		}
		if headers != nil {
			o = append(o, otlpmetricgrpc.WithHeaders(headers))
		}
		if own {
			o = append(o, otlpmetricgrpc.WithAggregationSelector(exponential))
		}
		return otlpmetricgrpc.New(ctx, o...)
	}
	var o []otlpmetrichttp.Option
	if t.pass {
		o = append(o, otlpmetrichttp.WithEndpointURL(t.url))
	}
	if headers != nil {
		o = append(o, otlpmetrichttp.WithHeaders(headers))
	}
	if own {
		o = append(o, otlpmetrichttp.WithAggregationSelector(exponential))
	}
	return otlpmetrichttp.New(ctx, o...)
}

// exponential is OTLP's default here: base-2 exponential histograms need no
// buckets chosen beforehand, and latencies span six decades.
func exponential(kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	if kind == sdkmetric.InstrumentKindHistogram {
		return sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}
	}
	return sdkmetric.DefaultAggregationSelector(kind)
}

// metricExport gives the exporter it wraps the histograms with their
// attributes, and logs and counts its failures.
type metricExport struct {
	sdkmetric.Exporter
	problems *problems
	sets     *sets
}

// Export exports once. The error goes on to the reader, since that is how
// Shutdown learns that the last export failed; errReported keeps the SDK's
// global handler from logging it again.
func (e metricExport) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	e.sets.restore(m.ScopeMetrics)
	err := e.Exporter.Export(ctx, m)
	if err != nil {
		e.problems.report(kindMetrics, "exporting metrics failed", err)
		return fmt.Errorf("%w: %w", errReported, err)
	}
	return nil
}

var errReported = errors.New("exporting metrics")
