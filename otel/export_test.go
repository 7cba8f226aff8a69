package otel

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"tokenomics/internal/record"
)

// clearEnv takes away the variables of whoever runs the tests.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

// backend is an OTLP/HTTP backend that keeps what it is sent.
type backend struct {
	*httptest.Server

	mu      sync.Mutex // protects the rest
	paths   []string
	headers http.Header
	metrics []*metricspb.ResourceMetrics
	traces  []*tracepb.ResourceSpans
	bad     []error
}

func newBackend(t *testing.T) *backend {
	b := new(backend)
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	data, err := io.ReadAll(body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paths = append(b.paths, r.URL.Path)
	b.headers = r.Header
	if err == nil && strings.Contains(r.URL.Path, "metrics") {
		var m collectormetrics.ExportMetricsServiceRequest
		if err = proto.Unmarshal(data, &m); err == nil {
			b.metrics = append(b.metrics, m.ResourceMetrics...)
		}
	} else if err == nil {
		var s collectortrace.ExportTraceServiceRequest
		if err = proto.Unmarshal(data, &s); err == nil {
			b.traces = append(b.traces, s.ResourceSpans...)
		}
	}
	if err != nil {
		b.bad = append(b.bad, err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (b *backend) sorted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.paths)
	return slices.Compact(b.paths)
}

// send runs one request through a Telemetry made from cfg and the environment.
func send(t *testing.T, cfg Config) *Telemetry {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	tel, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	rec := streamed()
	if tr := tel.Tracer(); tr != nil {
		rec.Trace = tr.Begin("", "")
	}
	tel.Observe(rec)
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Errorf("shutting down: %v", err)
	}
	return tel
}

func TestWhereThingsGo(t *testing.T) {
	const url = "URL" // stands for the backend's address
	tests := []struct {
		name string
		cfg  Config
		env  map[string]string
		want []string
	}{
		{"nothing configured", Config{}, nil, nil},
		{"flag", Config{Endpoint: url}, nil, []string{"/v1/metrics", "/v1/traces"}},
		{"flag with a path", Config{Endpoint: url + "/otlp/"}, nil, []string{"/otlp/v1/metrics", "/otlp/v1/traces"}},
		{"variable", Config{}, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url}, []string{"/v1/metrics", "/v1/traces"}},
		{"one signal's variable, as it is", Config{}, map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": url + "/x/metrics"}, []string{"/x/metrics"}},
		{"one signal's variable over the flag", Config{Endpoint: url}, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url + "/t"}, []string{"/t", "/v1/metrics"}},
		{"the flag over the variable", Config{Endpoint: url}, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, []string{"/v1/metrics", "/v1/traces"}},
		{"no traces", Config{Endpoint: url}, map[string]string{"OTEL_TRACES_EXPORTER": "none"}, []string{"/v1/metrics"}},
		{"no metrics", Config{Endpoint: url}, map[string]string{"OTEL_METRICS_EXPORTER": "none"}, []string{"/v1/traces"}},
		{"metrics to Prometheus", Config{Endpoint: url}, map[string]string{"OTEL_METRICS_EXPORTER": "prometheus"}, []string{"/v1/traces"}},
		{"always off", Config{Endpoint: url}, map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}, []string{"/v1/metrics"}},
		{"ratio by variable", Config{Endpoint: url}, map[string]string{"OTEL_TRACES_SAMPLER_ARG": "0"}, []string{"/v1/metrics"}},
		{"ratio by flag over variable", Config{Endpoint: url, SampleRatio: record.Some(1.0)}, map[string]string{"OTEL_TRACES_SAMPLER_ARG": "0"}, []string{"/v1/metrics", "/v1/traces"}},
		{"disabled", Config{Endpoint: url, Prometheus: true}, map[string]string{"OTEL_SDK_DISABLED": "true"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clearEnv(t)
			b := newBackend(t)
			for k, v := range tt.env {
				t.Setenv(k, strings.Replace(v, url, b.URL, 1))
			}
			tt.cfg.Endpoint = strings.Replace(tt.cfg.Endpoint, url, b.URL, 1)
			send(t, tt.cfg)
			if got := b.sorted(); !slices.Equal(got, tt.want) {
				t.Errorf("sent to %v, want %v", got, tt.want)
			}
			if len(b.bad) > 0 {
				t.Errorf("unreadable: %v", b.bad)
			}
		})
	}
}

func TestWhatArrives(t *testing.T) {
	clearEnv(t)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "team=inference")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-scope=tenant-1")
	b := newBackend(t)
	send(t, Config{Endpoint: b.URL, ServiceVersion: "1.2"})
	if got := b.headers.Get("X-Scope"); got != "tenant-1" {
		t.Errorf("header: %q", got)
	}
	resource := b.traces[0].Resource.String()
	for _, want := range []string{"tokenomics-proxy", `"1.2"`, "team", "inference", "host.name", "telemetry.sdk.name"} {
		if !strings.Contains(resource, want) {
			t.Errorf("resource lacks %s: %s", want, resource)
		}
	}
	if n := len(b.traces[0].ScopeSpans[0].Spans); n != 2 {
		t.Errorf("%d spans", n)
	}
	m := metricNamed(t, b, "gen_ai.client.inference.duration")
	h := m.GetExponentialHistogram()
	if h == nil || h.AggregationTemporality != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE || h.DataPoints[0].GetSum() != .205 || h.DataPoints[0].GetMax() != .205 {
		t.Errorf("duration: %v", m)
	}
}

// Exemplars are there when they are asked for, and point to the span of the
// request to the engine.
func TestExemplars(t *testing.T) {
	clearEnv(t)
	t.Setenv("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based")
	b := newBackend(t)
	send(t, Config{Endpoint: b.URL})
	p := metricNamed(t, b, "tokenomics.request.time_to_first_token").GetExponentialHistogram().DataPoints[0]
	if len(p.Exemplars) != 1 || len(p.Exemplars[0].FilteredAttributes) != 0 || len(p.Attributes) != 2 {
		t.Fatalf("got %v", p)
	}
	client := b.traces[0].ScopeSpans[0].Spans[0]
	if e := p.Exemplars[0]; string(e.SpanId) != string(client.SpanId) || string(e.TraceId) != string(client.TraceId) || client.Kind != tracepb.Span_SPAN_KIND_CLIENT {
		t.Errorf("exemplar %v, client span %v", e, client)
	}
}

func metricNamed(t *testing.T, b *backend, name string) *metricspb.Metric {
	t.Helper()
	for _, m := range b.metrics[0].ScopeMetrics[0].Metrics {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

func TestMetricPreferences(t *testing.T) {
	clearEnv(t)
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram")
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
	t.Setenv("OTEL_SERVICE_NAME", "mine")
	b := newBackend(t)
	send(t, Config{Endpoint: b.URL})
	h := metricNamed(t, b, "gen_ai.client.inference.duration").GetHistogram()
	if h == nil || h.AggregationTemporality != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA || !slices.Equal(h.DataPoints[0].ExplicitBounds, secondsBuckets()) {
		t.Errorf("duration: %v", h)
	}
	if !strings.Contains(b.metrics[0].Resource.String(), `"mine"`) {
		t.Errorf("OTEL_SERVICE_NAME: %v", b.metrics[0].Resource)
	}
}

func TestBadConfig(t *testing.T) {
	tests := []struct {
		cfg      Config
		variable string
		value    string
		want     string
	}{
		{cfg: Config{Endpoint: "localhost:4318"}, want: "--otlp-endpoint"},
		{cfg: Config{Endpoint: "http://"}, want: "--otlp-endpoint"},
		{cfg: Config{Endpoint: "http://x", Protocol: "carrier-pigeon"}, want: "carrier-pigeon"},
		{cfg: Config{Semconv: "1.0"}, want: "1.0"},
		{cfg: Config{SampleRatio: record.Some(2.0)}, want: "between 0 and 1"},
		{variable: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "nowhere", want: "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{variable: "OTEL_TRACES_EXPORTER", value: "zipkin", want: "OTEL_TRACES_EXPORTER"},
	}
	for _, tt := range tests {
		clearEnv(t)
		if tt.variable != "" {
			t.Setenv(tt.variable, tt.value)
		}
		if _, err := New(t.Context(), tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want an error that names %s", tt.cfg, err, tt.want)
		}
		if tt.variable != "" {
			t.Setenv(tt.variable, "")
		}
	}
}

func TestDescribe(t *testing.T) {
	clearEnv(t)
	tel := send(t, Config{})
	if got := tel.Describe(); !slices.Equal(got, []string{"telemetry is not exported: no OTLP endpoint or exporter is configured"}) {
		t.Error(got)
	}
	b := newBackend(t)
	tel = send(t, Config{Endpoint: strings.Replace(b.URL, "http://", "http://me:secret@", 1), Prometheus: true})
	got := strings.Join(tel.Describe(), "\n")
	for _, want := range []string{"traces -> http://me:xxxxx@127.0.0.1", "/v1/traces (http/protobuf, samples 1 of them", "metrics -> http://me", "metrics -> /metrics"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}

// traceServer and metricServer are the two services of an OTLP/gRPC backend.
type (
	traceServer struct {
		collectortrace.UnimplementedTraceServiceServer
		spans atomic.Int64
	}
	metricServer struct {
		collectormetrics.UnimplementedMetricsServiceServer
		metrics atomic.Int64
	}
)

func (s *traceServer) Export(_ context.Context, r *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	s.spans.Add(int64(len(r.ResourceSpans[0].ScopeSpans[0].Spans)))
	return new(collectortrace.ExportTraceServiceResponse), nil
}

func (s *metricServer) Export(_ context.Context, r *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	s.metrics.Add(int64(len(r.ResourceMetrics[0].ScopeMetrics[0].Metrics)))
	return new(collectormetrics.ExportMetricsServiceResponse), nil
}

func TestGRPC(t *testing.T) {
	clearEnv(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, traces, metrics := grpc.NewServer(), new(traceServer), new(metricServer)
	collectortrace.RegisterTraceServiceServer(server, traces)
	collectormetrics.RegisterMetricsServiceServer(server, metrics)
	go func() { _ = server.Serve(l) }()
	defer server.Stop()

	send(t, Config{Endpoint: "http://" + l.Addr().String(), Protocol: "grpc"})
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String())
	send(t, Config{})
	if traces.spans.Load() != 4 || metrics.metrics.Load() < 40 {
		t.Errorf("%d spans, %d metrics", traces.spans.Load(), metrics.metrics.Load())
	}
}
