package otel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	otelapi "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"tokenomics/internal/record"
)

// scope is the instrumentation scope of all we emit.
const scope = "tokenomics"

// Telemetry is a running set of providers. It is a record.Sink.
type Telemetry struct {
	instruments *instruments // nil when there is nobody to read metrics
	spans       *spans       // nil when tracing is off
	tracer      *tracer      // likewise
	meters      *sdkmetric.MeterProvider
	tracers     *sdktrace.TracerProvider
	prometheus  http.Handler

	problems *problems
	sets     *sets
	window   window
	describe []string
	timeout  time.Duration

	stop    chan struct{} // ends the readings of the window
	stopped sync.WaitGroup
	once    sync.Once
	err     error
}

// parts are the ends that a Telemetry is assembled with.
type parts struct {
	readers []sdkmetric.Reader
	page    sdkmetric.Reader      // what /metrics is written from; nil where it is not served
	spans   sdktrace.SpanExporter // nil: tracing is off
	sampler sdktrace.Sampler
}

// New starts what cfg and the OTEL_* variables ask for. It does not wait for
// a backend: one that is down costs a log line a minute. Errors name the flag
// or variable that is wrong.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	t := newTelemetry(cfg)
	if sdkDisabled() {
		t.describe = []string{"telemetry is off (OTEL_SDK_DISABLED)"}
		return t, nil
	}
	p, err := t.connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := t.assemble(ctx, cfg, p); err != nil {
		return nil, err
	}
	// The one global there is: what the SDK can only tell its handler is
	// logged like everything else. What was told already is not told twice.
	otelapi.SetErrorHandler(otelapi.ErrorHandlerFunc(func(err error) {
		if !errors.Is(err, errReported) {
			t.problems.report(kindSDK, "OpenTelemetry reports a problem", err)
		}
	}))
	return t, nil
}

func newTelemetry(cfg Config) *Telemetry {
	return &Telemetry{
		problems: newProblems(cfg.Logger), sets: newSets(), timeout: cfg.ShutdownTimeout,
		stop: make(chan struct{}), prometheus: http.HandlerFunc(noMetrics),
	}
}

// connect makes the exporters that cfg and the environment ask for.
func (t *Telemetry) connect(ctx context.Context, cfg Config) (p parts, err error) {
	traces, err := cfg.target("TRACES")
	if err != nil {
		return p, err
	}
	metrics, err := cfg.target("METRICS")
	if err != nil {
		return p, err
	}
	if p.sampler, err = cfg.sampler(); err != nil {
		return p, err
	}
	if traces.on {
		if p.spans, err = spanExporter(ctx, traces, cfg.Headers); err != nil {
			return p, fmt.Errorf("making the exporter of traces to %s: %w", traces.shown(), err)
		}
		t.describe = append(t.describe, fmt.Sprintf("traces -> %s (%s, %s)", traces.shown(), traces.protocol, sampling(p.sampler)))
	}
	if metrics.on {
		e, err := metricExporter(ctx, metrics, cfg.Headers)
		if err != nil {
			return p, fmt.Errorf("making the exporter of metrics to %s: %w", metrics.shown(), err)
		}
		p.readers = append(p.readers, sdkmetric.NewPeriodicReader(metricExport{e, t.problems, t.sets}))
		t.describe = append(t.describe, fmt.Sprintf("metrics -> %s (%s)", metrics.shown(), metrics.protocol))
	}
	if cfg.Prometheus {
		source := sdkmetric.NewManualReader(sdkmetric.WithAggregationSelector(explicit))
		if p.page, t.prometheus, err = newPrometheus(page{source, t.sets}, t.problems); err != nil {
			return p, err
		}
		p.readers = append(p.readers, source)
		t.describe = append(t.describe, "metrics -> /metrics (Prometheus)")
	}
	if len(t.describe) == 0 {
		t.describe = []string{"telemetry is not exported: no OTLP endpoint or exporter is configured"}
	}
	return p, nil
}

// assemble makes the providers around p.
func (t *Telemetry) assemble(ctx context.Context, cfg Config, p parts) error {
	res, err := newResource(ctx, cfg)
	if err != nil {
		return err
	}
	if p.spans != nil {
		q := newSpanQueue(p.spans, t.problems)
		t.tracers = sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithSampler(decided{}),
			sdktrace.WithIDGenerator(givenIDs{}), sdktrace.WithSpanProcessor(q))
		t.spans = &spans{tracer: t.tracers.Tracer(scope), queue: q, fromClient: cfg.FromClient}
		t.tracer = &tracer{sampler: p.sampler}
	}
	if len(p.readers) == 0 {
		return nil
	}
	options := []sdkmetric.Option{sdkmetric.WithResource(res), sdkmetric.WithCardinalityLimit(maxSeries)}
	if !exemplarsAsked() {
		options = append(options, sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter))
	}
	for _, r := range p.readers {
		options = append(options, sdkmetric.WithReader(r))
	}
	t.meters = sdkmetric.NewMeterProvider(options...)
	if p.page != nil { // a provider that makes nothing itself: what the page shows comes from a reader of t.meters
		sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(p.page))
	}
	meter := t.meters.Meter(scope)
	if t.instruments, err = newInstruments(meter, newLabels(cfg.Models, cfg.Tenants, cfg.Semconv, t.sets), cfg); err != nil {
		return err
	}
	if err := t.register(meter, cfg); err != nil {
		return err
	}
	if cfg.Live != nil {
		t.stopped.Go(func() { t.read(cfg.Live) })
	}
	return nil
}

// read keeps the readings that tokens/s now is told from.
func (t *Telemetry) read(live *record.Live) {
	ticker := time.NewTicker(windowEvery)
	defer ticker.Stop()
	t.window.add(time.Now(), live.Streamed())
	for {
		select {
		case <-t.stop:
			return
		case at := <-ticker.C:
			t.window.add(at, live.Streamed())
		}
	}
}

// newResource says whose telemetry this is; the environment has the last word.
func newResource(ctx context.Context, cfg Config) (*resource.Resource, error) {
	service := []attribute.KeyValue{attribute.String("service.name", cfg.ServiceName)}
	service = appendText(service, "service.version", cfg.ServiceVersion)
	res, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(service...), resource.WithFromEnv())
	if errors.Is(err, resource.ErrPartialResource) {
		cfg.Logger.Warn("some of OTEL_RESOURCE_ATTRIBUTES could not be read", "error", err)
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("describing the service (OTEL_RESOURCE_ATTRIBUTES): %w", err)
	}
	return res, nil
}

// Observe records r in the metrics and, when its trace was sampled, makes its
// spans. It does not block, and keeps nothing of r but, until they are
// exported, the spans' texts.
func (t *Telemetry) Observe(r *record.Record) {
	if t.instruments != nil {
		t.instruments.observe(r)
	}
	if t.spans != nil {
		t.spans.observe(r)
	}
}

// Tracer gives requests their place in a trace; nil when tracing is off, and
// then no traceparent is to be added to anything.
func (t *Telemetry) Tracer() record.Tracer {
	if t.tracer == nil {
		return nil
	}
	return t.tracer
}

// PrometheusHandler serves the metrics as text; it answers 404 when
// Config.Prometheus is off or OTEL_SDK_DISABLED is set. Behind fasthttp wrap
// it in fasthttpadaptor.NewFastHTTPHandler.
func (t *Telemetry) PrometheusHandler() http.Handler { return t.prometheus }

// Describe says in a line each what goes where, for the start of a program.
func (t *Telemetry) Describe() []string { return t.describe }

// SpansDropped is how many spans were lost, by reason; nil when tracing is off.
func (t *Telemetry) SpansDropped() map[string]int64 {
	if t.spans == nil {
		return nil
	}
	return t.spans.queue.drops()
}

// Shutdown exports what is left, both providers at once, each for at most
// Config.ShutdownTimeout. The error says what was lost. Records observed after
// it are not exported.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	t.once.Do(func() {
		close(t.stop)
		ctx, cancel := context.WithTimeout(ctx, t.timeout)
		defer cancel()
		var group sync.WaitGroup
		var traces, metrics error
		if t.tracers != nil {
			group.Go(func() { traces = t.tracers.Shutdown(ctx) })
		}
		if t.meters != nil {
			group.Go(func() {
				if metrics = t.meters.Shutdown(ctx); metrics != nil {
					metrics = fmt.Errorf("flushing metrics: %w", metrics)
				}
			})
		}
		group.Wait()
		t.stopped.Wait()
		t.problems.summary()
		t.err = errors.Join(traces, metrics)
	})
	return t.err
}

var _ record.Sink = (*Telemetry)(nil)
