package otel

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"tokenomics/internal/record"
)

var always = sdktrace.ParentBased(sdktrace.TraceIDRatioBased(1))

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// ended is the spans exported so far, the SERVER span first.
func (r rig) ended(t testing.TB) tracetest.SpanStubs {
	t.Helper()
	if err := r.tracers.ForceFlush(context.Background()); err != nil {
		t.Fatal(err)
	}
	spans := r.spans.GetSpans()
	slices.SortFunc(spans, func(a, b tracetest.SpanStub) int { return int(a.SpanKind) - int(b.SpanKind) })
	return spans
}

func attributes(s tracetest.SpanStub) []string {
	var lines []string
	for _, kv := range s.Attributes {
		lines = append(lines, fmt.Sprintf("%s=%s", kv.Key, kv.Value.String()))
	}
	slices.Sort(lines)
	return lines
}

func TestSpansOfAStream(t *testing.T) {
	r := newRig(t, Config{}, always)
	rec := streamed()
	rec.Tenant = "red"
	rec.Engine = &record.EngineTimes{Queue: record.Some(5 * time.Millisecond), Prefill: record.Some(85 * time.Millisecond), Decode: record.Some(100 * time.Millisecond)}
	rec.Trace = r.tracer.Begin("00-"+callersTrace+"-"+callersSpan+"-01", "vendor=1")
	r.Observe(rec)
	spans := r.ended(t)
	if len(spans) != 2 {
		t.Fatalf("%d spans, want 2", len(spans))
	}
	server, client := spans[0], spans[1]
	for _, tt := range []struct {
		span       tracetest.SpanStub
		name       string
		kind       trace.SpanKind
		id, parent string
		start, end time.Duration
	}{
		{server, "POST /v1/chat/completions", trace.SpanKindServer, hex.EncodeToString(rec.Trace.Server[:]), callersSpan, 0, 206 * time.Millisecond},
		{client, "chat llama", trace.SpanKindClient, hex.EncodeToString(rec.Trace.Client[:]), hex.EncodeToString(rec.Trace.Server[:]), time.Millisecond, 206 * time.Millisecond},
	} {
		s := tt.span
		if s.Name != tt.name || s.SpanKind != tt.kind || s.SpanContext.TraceID().String() != callersTrace ||
			s.SpanContext.SpanID().String() != tt.id || s.Parent.SpanID().String() != tt.parent || s.SpanContext.TraceState().String() != "vendor=1" {
			t.Errorf("span %q %v %v under %v", s.Name, s.SpanKind, s.SpanContext, s.Parent)
		}
		if !s.StartTime.Equal(start.Add(tt.start)) || !s.EndTime.Equal(start.Add(tt.end)) || s.Status.Code != codes.Unset {
			t.Errorf("%q from %v to %v, status %v", s.Name, s.StartTime, s.EndTime, s.Status)
		}
	}
	if !server.Parent.IsRemote() || client.Parent.IsRemote() {
		t.Error("only the caller's span is remote")
	}
	wantLines(t, attributes(server), `
		http.request.body.size=70
		http.request.method=POST
		http.response.body.size=700
		http.response.status_code=200
		http.route=/v1/chat/completions
		tokenomics.outcome=complete
		tokenomics.overhead_us=130
		tokenomics.tenant=red
		url.path=/v1/chat/completions
		url.scheme=http`)
	wantLines(t, attributes(client), `
		gen_ai.operation.name=chat
		gen_ai.provider.name=vllm
		gen_ai.request.max_tokens=100
		gen_ai.request.model=llama
		gen_ai.request.stream=true
		gen_ai.response.finish_reasons=["stop"]
		gen_ai.response.model=llama-8b
		gen_ai.response.time_to_first_chunk=0.05
		gen_ai.usage.cache_read.input_tokens=0
		gen_ai.usage.input_tokens=9
		gen_ai.usage.output_tokens=11
		gen_ai.usage.reasoning.output_tokens=4
		http.response.status_code=200
		server.address=127.0.0.1
		server.port=8001
		tokenomics.decode_tok_s=100
		tokenomics.e2e_ms=200
		tokenomics.engine_decode_ms=100
		tokenomics.engine_ms=190
		tokenomics.engine_prefill_ms=85
		tokenomics.engine_queue_ms=5
		tokenomics.events=13
		tokenomics.gap_max_ms=15
		tokenomics.in_flight=2
		tokenomics.itl_mean_ms=5
		tokenomics.outcome=complete
		tokenomics.output_tok_s=55
		tokenomics.outside_engine_ms=10
		tokenomics.tenant=red
		tokenomics.token_source=continuous
		tokenomics.tpot_ms=10
		tokenomics.ttfb_ms=40
		tokenomics.ttfo_ms=110
		tokenomics.ttft_ms=100`)
	var events []string
	for _, e := range client.Events {
		events = append(events, fmt.Sprint(e.Name, " ", e.Time.Sub(start)))
	}
	slices.Sort(events)
	wantLines(t, events, "tokenomics.first_token 101ms\ntokenomics.first_output 111ms\ntokenomics.last_token 201ms")
}

func TestSpanStatus(t *testing.T) {
	tests := []struct {
		outcome        record.Outcome
		status         int
		server, client codes.Code
		errType        string // of the client span
	}{
		{record.Complete, 200, codes.Unset, codes.Unset, ""},
		{record.ClientAbort, 200, codes.Unset, codes.Error, "client_abort"},
		{record.Error, 400, codes.Unset, codes.Error, "400"},
		{record.Error, 500, codes.Error, codes.Error, "500"},
		{record.Error, 200, codes.Error, codes.Error, "error"},
		{record.Truncated, 200, codes.Error, codes.Error, "truncated"},
		{record.Unreachable, 502, codes.Error, codes.Error, "502"},
	}
	for _, tt := range tests {
		r := newRig(t, Config{}, always)
		rec := streamed()
		rec.Outcome, rec.Status, rec.Error = tt.outcome, tt.status, "it broke"
		rec.Trace = r.tracer.Begin("", "")
		r.Observe(rec)
		spans := r.ended(t)
		if spans[0].Status.Code != tt.server || spans[1].Status.Code != tt.client {
			t.Errorf("%s %d: server %v, client %v", tt.outcome, tt.status, spans[0].Status, spans[1].Status)
		}
		if tt.errType != "" && !slices.Contains(attributes(spans[1]), "error.type="+tt.errType) {
			t.Errorf("%s %d: no error.type %s in %v", tt.outcome, tt.status, tt.errType, attributes(spans[1]))
		}
	}
}

func TestSpansOfAPassedThroughRequestAndALoadGenerator(t *testing.T) {
	r := newRig(t, Config{}, always)
	rec := &record.Record{Start: start, Outcome: record.Complete, Status: 200, Server: "127.0.0.1:8001"}
	rec.Method, rec.Path, rec.Sent, rec.End = "GET", "/v1/models", at(1), at(2)
	rec.Trace = r.tracer.Begin("", "")
	r.Observe(rec)
	spans := r.ended(t)
	if spans[0].Name != "GET" || spans[1].Name != "GET" || spans[0].Parent.IsValid() {
		t.Errorf("%q, %q under %v", spans[0].Name, spans[1].Name, spans[0].Parent)
	}
	if a := attributes(spans[1]); !slices.Contains(a, "url.full=http://127.0.0.1:8001/v1/models") {
		t.Errorf("client span: %v", a)
	}

	r = newRig(t, Config{FromClient: true}, always)
	rec = streamed()
	rec.Trace = r.tracer.Begin("", "")
	r.Observe(rec)
	spans = r.ended(t)
	if len(spans) != 1 || spans[0].SpanKind != trace.SpanKindClient || spans[0].Parent.IsValid() ||
		spans[0].SpanContext.TraceID() != trace.TraceID(rec.Trace.TraceID) || spans[0].SpanContext.SpanID() != trace.SpanID(rec.Trace.Client) {
		t.Errorf("load generator: %v", spans)
	}
}

func TestBeginSamples(t *testing.T) {
	never := sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0))
	sampled, unsampled := "00-"+callersTrace+"-"+callersSpan+"-01", "00-"+callersTrace+"-"+callersSpan+"-00"
	tests := []struct {
		name    string
		sampler sdktrace.Sampler
		parent  string
		want    bool
		own     bool // a trace of our own
	}{
		{"ratio 1, no caller", always, "", true, true},
		{"ratio 0, no caller", never, "", false, true},
		{"ratio 0, caller sampled", never, sampled, true, false},
		{"ratio 1, caller did not", always, unsampled, false, false},
		{"invalid header", always, "00-xyz", true, true},
		{"always_on against the caller", sdktrace.AlwaysSample(), unsampled, true, false},
	}
	for _, tt := range tests {
		r := newRig(t, Config{}, tt.sampler)
		tr := r.Tracer().Begin(tt.parent, "a=b")
		if tr.Sampled != tt.want || tt.own != (tr.Parent == [8]byte{}) || tt.own == (hex.EncodeToString(tr.TraceID[:]) == callersTrace) {
			t.Errorf("%s: %+v", tt.name, tr)
		}
		if !tr.On() || tr.Server == tr.Client || tr.Server == [8]byte{} || tr.Client == [8]byte{} {
			t.Errorf("%s: ids %+v", tt.name, tr)
		}
		if want := map[bool]string{true: "", false: "a=b"}[tt.own]; tr.State != want {
			t.Errorf("%s: state %q", tt.name, tr.State)
		}
		rec := streamed()
		rec.Trace = tr
		r.Observe(rec)
		if got := len(r.ended(t)); got != map[bool]int{true: 2, false: 0}[tt.want] {
			t.Errorf("%s: %d spans", tt.name, got)
		}
	}
	var half int
	begin := &tracer{sampler: sdktrace.ParentBased(sdktrace.TraceIDRatioBased(.5))}
	for range 2000 {
		if begin.Begin("", "").Sampled {
			half++
		}
	}
	if half < 800 || half > 1200 {
		t.Errorf("ratio 0.5 sampled %d of 2000", half)
	}
}

func TestNoTracingWhenOff(t *testing.T) {
	r := newRig(t, Config{}, nil)
	if r.Tracer() != nil {
		t.Error("a tracer though tracing is off")
	}
	r.Observe(streamed())
	if r.SpansDropped() != nil {
		t.Error("drops of a tracing that is off")
	}
	if got := strings.Join(r.dump(t), "\n"); strings.Contains(got, "spans.dropped") {
		t.Error("a counter of spans though tracing is off")
	}
}
