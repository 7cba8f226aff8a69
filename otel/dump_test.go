package otel

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

func at(ms float64) record.Offset { return record.Some(time.Duration(ms * float64(time.Millisecond))) }

func count(n int64) record.Count { return record.Some(n) }

func sketchOf(values ...float64) *sketch.Sketch {
	s := new(sketch.Sketch)
	for _, v := range values {
		s.Add(v)
	}
	return s
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// streamed is a chat of 11 tokens from a vLLM, sent at 1 ms, tokens from 101
// to 201 ms, with everything known.
func streamed() *record.Record {
	r := &record.Record{Start: start, Outcome: record.Complete, Status: 200}
	r.Method, r.Path, r.Endpoint, r.Dialect = "POST", "/v1/chat/completions", "chat", "openai"
	r.Model, r.ResponseModel, r.Provider, r.Server = "llama", "llama-8b", "vllm", "127.0.0.1:8001"
	r.Stream, r.N, r.MaxTokens = true, 1, count(100)
	r.Sent, r.Headers, r.FirstEvent, r.FirstToken, r.FirstOutput, r.LastToken, r.End = at(1), at(41), at(51), at(101), at(111), at(201), at(206)
	r.Usage = record.Usage{Prompt: count(9), Cached: count(0), Completion: count(11), Reasoning: count(4), Source: record.SourceContinuous}
	r.FirstTokens, r.FinishReasons = count(1), []string{"stop"}
	r.Gaps, r.ITL = sketchOf(5, 10, 15), sketchOf(4, 6)
	r.Overhead, r.Events, r.InFlight = record.Some(130*time.Microsecond), 13, 2
	r.RequestBytes, r.ResponseBytes = 70, 700
	return r
}

// rig is a Telemetry with its ends in memory.
type rig struct {
	*Telemetry
	reader *sdkmetric.ManualReader
	spans  *tracetest.InMemoryExporter
}

func newRig(t testing.TB, cfg Config, sampler sdktrace.Sampler, more ...sdkmetric.Reader) rig {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	r := rig{reader: sdkmetric.NewManualReader(sdkmetric.WithAggregationSelector(explicit)), spans: tracetest.NewInMemoryExporter()}
	r.Telemetry = newTelemetry(cfg)
	p := parts{readers: append(more, r.reader)}
	if sampler != nil {
		p.spans, p.sampler = r.spans, sampler
	}
	if err := r.assemble(context.Background(), cfg, p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	return r
}

// dump is all that has been recorded: a line for each point, sorted.
func (r rig) dump(t testing.TB) []string {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := r.reader.Collect(context.Background(), &rm); err != nil {
		t.Fatal(err)
	}
	r.sets.restore(rm.ScopeMetrics)
	var lines []string
	for _, sm := range rm.ScopeMetrics {
		for _, m := range sm.Metrics {
			lines = append(lines, points(t, m)...)
		}
	}
	slices.Sort(lines)
	return lines
}

func points(t testing.TB, m metricdata.Metrics) (lines []string) {
	line := func(kind string, set attribute.Set, value string) {
		lines = append(lines, fmt.Sprintf("%s %s %s {%s} %s", m.Name, kind, m.Unit, text(set), value))
	}
	switch d := m.Data.(type) {
	case metricdata.Sum[int64]:
		kind := "updown"
		if d.IsMonotonic {
			kind = "counter"
		}
		for _, p := range d.DataPoints {
			line(kind, p.Attributes, fmt.Sprint(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range d.DataPoints {
			line("gauge", p.Attributes, fmt.Sprintf("%.6g", p.Value))
		}
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			line("histogram", p.Attributes, fmt.Sprintf("count=%d sum=%.6g", p.Count, p.Sum))
		}
	case metricdata.Histogram[int64]:
		for _, p := range d.DataPoints {
			line("histogram", p.Attributes, fmt.Sprintf("count=%d sum=%d", p.Count, p.Sum))
		}
	default:
		t.Fatalf("%s is a %T", m.Name, m.Data)
	}
	return lines
}

func text(set attribute.Set) string {
	var pairs []string
	for _, kv := range set.ToSlice() {
		pairs = append(pairs, string(kv.Key)+"="+kv.Value.String())
	}
	return strings.Join(pairs, ",")
}

// with is the lines that contain any of the parts.
func with(lines []string, parts ...string) (found []string) {
	for _, l := range lines {
		if slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(l, p) }) {
			found = append(found, l)
		}
	}
	return found
}

func wantLines(t *testing.T, got []string, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}
