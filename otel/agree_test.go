package otel

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"tokenomics/internal/record"
)

// What goes over OTLP and what stands on /metrics is the same: the same series,
// under names that follow from each other, with the same counts and sums; each
// is read as its users read it.
func TestBothExportsAgree(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		env  map[string]string
	}{
		{"newest names", Config{}, nil},
		{"older names", Config{Semconv: Semconv141}, nil},
		{"the engine's view", Config{EngineView: true}, nil},
		{"a load generator's", Config{FromClient: true}, nil},
		{"explicit buckets over OTLP", Config{}, map[string]string{"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "explicit_bucket_histogram"}},
		{"delta over OTLP, of one interval", Config{}, map[string]string{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clearEnv(t)
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			b := newBackend(t)
			tt.cfg.Endpoint, tt.cfg.Prometheus, tt.cfg.Logger = b.URL, true, slog.New(slog.DiscardHandler)
			tel, err := New(t.Context(), tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			flood(2000, tel.Observe)
			for n, edit := range oddities {
				rec := streamed()
				edit(rec)
				rec.Trace = tel.Tracer().Begin("", "")
				tel.Observe(rec)
				rec.End = at(300 + float64(n))
				tel.Observe(rec)
			}
			page := scraped(t, scrape(t, tel))
			if err := tel.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			sent := pushed(t, b)
			if len(sent) < 500 {
				t.Errorf("only %d series", len(sent))
			}
			wantSame(t, sent, page)
			wantSame(t, page, sent)
		})
	}
}

// oddities are Records whose labels are near to each other, or few.
var oddities = []func(*record.Record){
	func(*record.Record) {},
	func(r *record.Record) { r.Provider = "" },
	func(r *record.Record) { r.Provider = unknownProvider },
	func(r *record.Record) { r.Model, r.ResponseModel = "", "llama" },
	func(r *record.Record) { r.Model, r.ResponseModel = "llama", "" },
	func(r *record.Record) { r.Endpoint = "" },
	func(r *record.Record) { r.Server, r.Tenant = "", "red" },
}

func wantSame(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, series := range slices.Sorted(maps.Keys(want)) {
		if got[series] != want[series] {
			t.Errorf("%s is %q here and %q there", series, got[series], want[series])
		}
	}
}

// add notes a series, which there may be once only.
func add(t *testing.T, to map[string]string, name string, labels map[string]string, value string) {
	t.Helper()
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, strings.ReplaceAll(key, ".", "_")+"="+labels[key])
	}
	series := fmt.Sprintf("%s{%s}", name, strings.Join(pairs, ","))
	if _, twice := to[series]; twice {
		t.Errorf("%s is there twice", series)
	}
	to[series] = value
}

// scraped is the page's series of ours, without those that tell of the exports
// themselves.
func scraped(t *testing.T, page string) map[string]string {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]string{}
	for name, family := range families {
		if !ofRequests(name) {
			continue
		}
		for _, m := range family.Metric {
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			value := fmt.Sprint(m.GetCounter().GetValue())
			if family.GetType() == dto.MetricType_HISTOGRAM {
				h := m.GetHistogram()
				value = fmt.Sprintf("count=%d sum=%.9g", h.GetSampleCount(), h.GetSampleSum())
			}
			add(t, series, name, labels, value)
		}
	}
	return series
}

func ofRequests(name string) bool {
	for _, prefix := range []string{"gen_ai_", "http_", "tokenomics_requests", "tokenomics_request_", "tokenomics_load_", "tokenomics_proxy_", "tokenomics_events", "tokenomics_tokens_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// pushed is the same of the backend's last collection.
func pushed(t *testing.T, b *backend) map[string]string {
	t.Helper()
	series := map[string]string{}
	for _, m := range b.metrics[len(b.metrics)-1].ScopeMetrics[0].Metrics {
		name := strings.ReplaceAll(m.Name, ".", "_") + map[string]string{"s": "_seconds", "{token}/s": "_per_second"}[m.Unit]
		if m.GetSum().GetIsMonotonic() {
			name += "_total"
		}
		if !ofRequests(name) {
			continue
		}
		for _, p := range m.GetSum().GetDataPoints() {
			add(t, series, name, labelsOf(p), fmt.Sprint(p.GetAsInt()))
		}
		for _, p := range m.GetHistogram().GetDataPoints() {
			add(t, series, name, labelsOf(p), fmt.Sprintf("count=%d sum=%.9g", p.GetCount(), p.GetSum()))
		}
		for _, p := range m.GetExponentialHistogram().GetDataPoints() {
			add(t, series, name, labelsOf(p), fmt.Sprintf("count=%d sum=%.9g", p.GetCount(), p.GetSum()))
		}
	}
	return series
}

func labelsOf(p interface{ GetAttributes() []*commonpb.KeyValue }) map[string]string {
	labels := map[string]string{}
	for _, kv := range p.GetAttributes() {
		labels[kv.Key] = kv.Value.GetStringValue()
		if n, whole := kv.Value.Value.(*commonpb.AnyValue_IntValue); whole {
			labels[kv.Key] = fmt.Sprint(n.IntValue)
		}
	}
	return labels
}
