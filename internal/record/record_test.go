package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenomics/internal/sketch"
)

func at(ms float64) Offset { return Some(time.Duration(ms * float64(time.Millisecond))) }

// streamed is a stream of 11 tokens: sent at 1 ms, tokens from 101 to 201 ms.
func streamed() *Record {
	r := &Record{Start: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Outcome: Complete}
	r.Stream, r.N = true, 1
	r.Sent, r.Headers, r.FirstToken, r.FirstOutput, r.LastToken, r.End = at(1), at(50), at(101), at(111), at(201), at(205)
	r.Usage = Usage{Prompt: Some(int64(9)), Completion: Some(int64(11)), Source: SourceUsage}
	return r
}

func TestFigures(t *testing.T) {
	absent := math.NaN()
	figure := func(v float64, ok bool) float64 {
		if !ok {
			return absent
		}
		return v
	}
	inMS := func(d time.Duration, ok bool) float64 { return figure(float64(d)/1e6, ok) }
	type want struct{ ttft, ttfo, tpot, e2e, duration, output, decode float64 }
	tests := []struct {
		name string
		edit func(*Record)
		want want
	}{
		{"stream", func(r *Record) {}, want{100, 110, 10, 200, 204, 55, 100}},
		{"first event of 3 tokens", func(r *Record) { r.FirstTokens = Some(int64(3)) }, want{100, 110, 12.5, 200, 204, 55, 80}},
		{"one token", func(r *Record) { r.Usage.Completion = Some(int64(1)) }, want{100, 110, absent, 200, 204, 5, absent}},
		{"no tokens told", func(r *Record) { r.Usage.Completion = Count{} }, want{100, 110, absent, 200, 204, absent, absent}},
		{"buffered", func(r *Record) { r.Buffered = true }, want{100, 110, absent, 200, 204, 55, absent}},
		{"two choices", func(r *Record) { r.N = 2 }, want{100, 110, absent, 200, 204, 55, absent}},
		{"no token came", func(r *Record) { r.FirstToken, r.FirstOutput, r.LastToken = Offset{}, Offset{}, Offset{} },
			want{absent, absent, absent, absent, 204, absent, absent}},
		{"not streamed", func(r *Record) { r.Stream = false }, want{absent, absent, absent, 204, 204, 11 / 0.204, absent}},
		{"never sent", func(r *Record) { r.Sent = Offset{} }, want{absent, absent, 10, absent, 205, absent, 100}},
	}
	for _, tt := range tests {
		r := streamed()
		tt.edit(r)
		got := want{inMS(r.TTFT()), inMS(r.TTFO()), inMS(r.TPOT()), inMS(r.E2E()), inMS(r.Duration()),
			figure(r.OutputTokensPerSecond()), figure(r.DecodeTokensPerSecond())}
		for _, p := range [][2]float64{{got.ttft, tt.want.ttft}, {got.ttfo, tt.want.ttfo}, {got.tpot, tt.want.tpot}, {got.e2e, tt.want.e2e},
			{got.duration, tt.want.duration}, {got.output, tt.want.output}, {got.decode, tt.want.decode}} {
			if math.IsNaN(p[0]) != math.IsNaN(p[1]) || math.Abs(p[0]-p[1]) > 1e-9 {
				t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
				break
			}
		}
	}
}

func TestJSONLine(t *testing.T) {
	r := streamed()
	r.Endpoint, r.Model, r.Method, r.Path = "chat", "m", "POST", "/v1/chat/completions"
	r.InFlight, r.Tenant = 3, "red"
	r.Usage.Cached = Some(int64(0))
	r.Gaps = new(sketch.Sketch)
	r.Gaps.AddN(10, 10)
	var out bytes.Buffer
	NewJSONL(&out).Observe(r)
	want := `{"start":"2026-01-02T03:04:05.000000006Z","endpoint":"chat","method":"POST","path":"/v1/chat/completions","model":"m",` +
		`"stream":true,"n":1,"outcome":"complete","prompt_tokens":9,"cached_tokens":0,"completion_tokens":11,"token_source":"usage",` +
		`"sent_ms":1,"ttfb_ms":49,"ttft_ms":100,"ttfo_ms":110,"tpot_ms":10,"tpot_basis":"assumed","output_tok_s":55,"decode_tok_s":100,` +
		`"e2e_ms":200,"duration_ms":204,"gap_ms":{"p50":10,"p90":10,"p99":10,"max":10},"request_bytes":0,"response_bytes":0,"in_flight":3,"tenant":"red"}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("line:\n got %s\nwant %s", got, want)
	}
	out.Reset()
	NewJSONL(&out).Observe(&Record{Outcome: Unreachable})
	for _, key := range []string{"ttft_ms", "completion_tokens", "tpot_basis", "gap_ms"} {
		if strings.Contains(out.String(), key) {
			t.Errorf("a Record that knows nothing has %q: %s", key, out.String())
		}
	}
	if !json.Valid(out.Bytes()) {
		t.Errorf("not JSON: %s", out.Bytes())
	}
}

// failing fails for the first writes.
type failing struct{ left, written int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left > 0 {
		f.left--
		return 0, errors.New("disk full")
	}
	f.written++
	return len(p), nil
}

func TestJSONLGoesOnAfterAnError(t *testing.T) {
	w := &failing{left: 2}
	j := NewJSONL(w)
	told := 0
	j.OnError = func(error) { told++ }
	for range 3 {
		j.Observe(streamed())
	}
	if err := j.Err(); err == nil || !strings.Contains(err.Error(), "disk full (2 lines lost)") {
		t.Errorf("Err() = %v", err)
	}
	if told != 1 || w.written != 1 {
		t.Errorf("told %d times, %d lines written; want 1 and 1", told, w.written)
	}
}

func TestFanoutDropsWhatASlowSinkCannotTake(t *testing.T) {
	f := NewFanout()
	hold := make(chan struct{})
	var quick sync.WaitGroup
	quick.Add(10)
	f.add("stuck", SinkFunc(func(*Record) { <-hold }), 2)
	f.add("quick", SinkFunc(func(*Record) { quick.Done() }), 16)
	f.add("broken", SinkFunc(func(*Record) { panic("no") }), 16)
	for range 10 {
		f.Observe(streamed())
	}
	quick.Wait() // the stuck sink keeps nobody else waiting
	// One Record may be in the stuck sink's hands, two in its queue.
	if d := f.Drops()["stuck"]; d < 7 || d > 8 {
		t.Errorf("stuck sink dropped %d of 10, want 7 or 8", d)
	}
	if d := f.Drops()["quick"]; d != 0 {
		t.Errorf("quick sink dropped %d", d)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f.Close(ended) // does not wait for the stuck one, whose queue is lost
	if d := f.Drops()["stuck"]; d < 9 || d > 10 {
		t.Errorf("stuck sink lost %d of 10, want 9 or 10", d)
	}
	close(hold)
	f.Close(t.Context())
	f.Observe(streamed())
	if d := f.Drops()["quick"]; d != 1 {
		t.Errorf("a Record after Close: %d drops counted, want 1", d)
	}
	if p := f.Panics(); p != 10 {
		t.Errorf("%d panics counted, want 10", p)
	}
}

func TestLiveNeverFalls(t *testing.T) {
	var l Live
	for _, step := range []struct{ add, want int64 }{{5, 5}, {-3, 5}, {2, 5}, {2, 6}, {-1, 6}, {-1, 6}, {4, 8}} {
		l.Stream(step.add)
		if got := l.Streamed(); got != step.want {
			t.Fatalf("after %+d: %d, want %d", step.add, got, step.want)
		}
	}
}

func TestParseTraceparent(t *testing.T) {
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	tests := map[string]bool{
		"00-" + id + "-" + span + "-01":                      true,
		"00-" + id + "-" + span + "-00":                      true,
		"01-" + id + "-" + span + "-01-later":                true, // a later version may add fields
		"00-" + id + "-" + span + "-01-x":                    false,
		"ff-" + id + "-" + span + "-01":                      false,
		"00-" + strings.ToUpper(id) + "-" + span + "-01":     false,
		"00-" + strings.Repeat("0", 32) + "-" + span + "-01": false,
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":   false,
		"00-" + id + "-" + span:                              false,
		"":                                                   false,
		"00-" + id[:31] + "g-" + span + "-01":                false,
		"00-" + id + "-" + span[:15] + "-01":                 false,
	}
	for header, want := range tests {
		if _, _, _, ok := ParseTraceparent(header); ok != want {
			t.Errorf("%q: ok = %v, want %v", header, ok, want)
		}
	}
	traceID, parent, sampled, _ := ParseTraceparent("00-" + id + "-" + span + "-01")
	back := Trace{TraceID: traceID, Client: parent, Sampled: sampled}
	if got := back.Traceparent(); got != "00-"+id+"-"+span+"-01" {
		t.Errorf("round trip: %s", got)
	}
}

func TestAFanoutThatPausesLosesNothing(t *testing.T) {
	f, paused := NewFanout(), make(chan struct{})
	f.Pause = func() { <-paused }
	got := 0
	f.Add("slow", SinkFunc(func(*Record) { got++ }))
	f.Observe(new(Record))
	paused <- struct{}{} // the first is through, and its pause begun
	for range 100 {
		f.Observe(new(Record))
	}
	close(paused)
	f.Close(t.Context())
	if got != 101 || f.Drops()["slow"] != 0 {
		t.Errorf("%d of 101 Records, %d dropped", got, f.Drops()["slow"])
	}
}

// TestEngineTimes: what the engine accounts for, and what is outside of it. A
// part that is not told is in neither sum as zero.
func TestEngineTimes(t *testing.T) {
	type want struct{ engine, outside float64 } // -1 is absent
	for _, tt := range []struct {
		name string
		told *EngineTimes
		want want
	}{
		{"nothing told", nil, want{-1, -1}},
		{"a total", &EngineTimes{Total: at(150), Prefill: at(100)}, want{150, 50}},
		{"parts", &EngineTimes{Queue: at(10), Prefill: at(80), Decode: at(100)}, want{190, 10}},
		{"parts without a queue", &EngineTimes{Prefill: at(80), Decode: at(100)}, want{180, 20}},
		{"parts that are zero", &EngineTimes{Queue: at(0), Prefill: at(0), Decode: at(100)}, want{100, 100}},
		{"prefill and decode together", &EngineTimes{Queue: at(10), Compute: at(150)}, want{160, 40}},
		{"no decode", &EngineTimes{Queue: at(10), Prefill: at(80)}, want{-1, -1}},
		{"more than we saw", &EngineTimes{Total: at(201)}, want{201, -1}},
	} {
		r := streamed()
		r.Engine = tt.told
		ms := func(d time.Duration, ok bool) float64 {
			if !ok {
				return -1
			}
			return float64(d) / 1e6
		}
		if got := (want{ms(r.EngineTime()), ms(r.OutsideEngine())}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	r := streamed()
	r.Engine = &EngineTimes{Queue: at(0), Load: at(1), Prefill: at(80), Decode: at(100)}
	line, err := json.Marshal(r)
	if want := `"engine_queue_ms":0,"engine_load_ms":1,"engine_prefill_ms":80,"engine_decode_ms":100,"engine_ms":181,"outside_engine_ms":19,`; err != nil || !strings.Contains(string(line), want) {
		t.Errorf("%v: no %s in %s", err, want, line)
	}
}
