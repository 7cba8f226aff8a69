package export

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"testing"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

func TestAIPerfRecords(t *testing.T) {
	in := measured()
	var out bytes.Buffer
	if err := AIPerfRecords(&out, in); err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for d := json.NewDecoder(&out); d.More(); {
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, v)
	}
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4", len(lines))
	}
	begun := float64(epoch.UnixNano())
	check(t, lines[0], map[string]any{
		"metadata/session_num": 0.0, "metadata/x_request_id": "a", "metadata/x_correlation_id": "a", "metadata/conversation_id": nil, "metadata/turn_index": 0.0,
		"metadata/request_start_ns": begun + 1e6, "metadata/request_ack_ns": begun + 2e6, "metadata/request_end_ns": begun + 303e6,
		"metadata/worker_id": "tokenomics", "metadata/record_processor_id": "tokenomics", "metadata/benchmark_phase": "profiling", "metadata/was_cancelled": false,
		"metrics/time_to_first_token": map[string]any{"value": 100, "unit": "ms"}, "metrics/request_latency": map[string]any{"value": 300, "unit": "ms"},
		"metrics/inter_token_latency":              map[string]any{"value": 10, "unit": "ms"},
		"metrics/inter_chunk_latency":              map[string]any{"value": slices.Repeat([]float64{10}, 20), "unit": "ms"},
		"metrics/input_sequence_length":            map[string]any{"value": 100, "unit": "tokens"},
		"metrics/output_sequence_length":           map[string]any{"value": 21, "unit": "tokens"},
		"metrics/output_token_throughput_per_user": map[string]any{"value": 100, "unit": "tokens/sec/user"},
		"error": nil,
	})
	check(t, lines[2], map[string]any{
		"metrics": map[string]any{}, "error": map[string]any{"code": 200, "type": "truncated", "message": "the stream ended without [DONE]"},
	})
	check(t, lines[3], map[string]any{
		"metadata/session_num": 3.0, "metadata/was_cancelled": true, "metadata/request_ack_ns": nil,
		"error": map[string]any{"code": 499, "type": "client_abort", "message": "client_abort"},
	})
}

// TestAIPerfTalks has turns of two conversations in between each other.
func TestAIPerfTalks(t *testing.T) {
	in := measured()
	in.Point.Load = &results.Load{Shape: "conversations", MaxConcurrency: 2, NumPrompts: 2}
	in.Records = []*record.Record{
		stream("x-1", 10, 100, 10, 5), stream("x-0", 0, 100, 10, 5), stream("x-0+1", 300, 100, 10, 5), stream("x-1+1", 400, 100, 10, 5), stream("x-0+2", 500, 100, 10, 5),
	}
	var out bytes.Buffer
	if err := AIPerfRecords(&out, in); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&out)
	for _, want := range []struct {
		id, talk      string
		session, turn float64
	}{
		{"x-0", "x-0", 0, 0}, {"x-1", "x-1", 1, 0}, {"x-0+1", "x-0", 0, 1}, {"x-1+1", "x-1", 1, 1}, {"x-0+2", "x-0", 0, 2},
	} {
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		check(t, v, map[string]any{
			"metadata/x_request_id": want.id, "metadata/x_correlation_id": want.talk, "metadata/conversation_id": want.talk,
			"metadata/session_num": want.session, "metadata/turn_index": want.turn,
		})
	}
}

func TestAIPerfSummary(t *testing.T) {
	in := measured()
	f := in.Run.Figures
	v := decoded(t, func(w io.Writer) error { return AIPerfSummary(w, in) })
	check(t, v, map[string]any{
		"request_throughput": map[string]any{"unit": "requests/sec", "avg": f.RequestsPerS.Or(0)}, "request_count": map[string]any{"unit": "requests", "avg": 2},
		"error_request_count": map[string]any{"unit": "requests", "avg": 2}, "output_token_throughput": map[string]any{"unit": "tokens/sec", "avg": f.OutputTokS.Or(0)},
		"goodput": map[string]any{"unit": "requests/sec", "avg": f.GoodputRPS.Or(0)}, "benchmark_duration": map[string]any{"unit": "sec", "avg": f.ElapsedTime.Or(0)},
		"start_time": "2026-01-02T03:04:05Z", "was_cancelled": false,
		"error_summary": []map[string]any{
			{"count": 1, "error_details": map[string]any{"code": 200, "type": "truncated", "message": "the stream ended without [DONE]"}},
			{"count": 1, "error_details": map[string]any{"code": 499, "type": "client_abort", "message": "client_abort"}},
		},
		"request_latency/std": 100.0, "request_latency/sum": 800.0, "request_latency/count": 2.0, "request_latency/p1": 300.0,
		"input_sequence_length/avg": 100.0, "output_sequence_length/max": 21.0, "output_token_throughput_per_user/p50": f.RequestDecodeTokS.P50,
	})
	for name, q := range map[string]*stats.Quantiles{
		"request_latency": f.E2E, "time_to_first_token": f.TTFT, "inter_token_latency": f.TPOT, "inter_chunk_latency": f.Gap,
	} {
		check(t, v, map[string]any{
			name + "/unit": "ms", name + "/avg": q.Mean, name + "/min": q.Min, name + "/p50": q.P50, name + "/p90": q.P90, name + "/p95": q.P95, name + "/p99": q.P99,
			name + "/max": q.Max, name + "/count": q.N,
		})
	}
}
