package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms float64) record.Offset {
	return record.Some(time.Duration(ms * float64(time.Millisecond)))
}

// stream is a request due at start ms and sent 1 ms later, whose tokens came
// after ttft and then every gap ms.
func stream(id string, start, ttft, gap float64, tokens int) *record.Record {
	last := ttft + gap*float64(tokens-1)
	r := &record.Record{
		RequestID: id, Start: epoch.Add(time.Duration(start * float64(time.Millisecond))), Outcome: record.Complete, Status: 200,
		Scheduled: at(0), Sent: at(1), Headers: at(2), FirstToken: at(1 + ttft), FirstOutput: at(1 + ttft), LastToken: at(1 + last), End: at(3 + last),
		Usage: record.Usage{Prompt: record.Some(int64(100)), Cached: record.Some(int64(10)), Completion: record.Some(int64(tokens)), Source: record.SourceUsage},
	}
	r.Endpoint, r.Stream, r.InFlight = "chat", true, 1
	for i := range tokens {
		e := at(1 + ttft + gap*float64(i)).Or(0)
		r.Timeline = append(r.Timeline, record.Event{At: e, Tokens: 1})
	}
	return r
}

// measured are two requests that succeeded, one that failed after its first
// token, and one that was stopped before it.
func measured() Run {
	cut := stream("c", 500, 300, 10, 5)
	cut.Outcome, cut.Error, cut.ErrorType, cut.Usage = record.Truncated, "the stream ended without [DONE]", "truncated", record.Usage{}
	left := &record.Record{RequestID: "d", Start: epoch.Add(600 * time.Millisecond), Outcome: record.ClientAbort, Sent: at(1), End: at(50)}
	left.Endpoint, left.Stream = "chat", true
	records := []*record.Record{stream("b", 200, 200, 30, 11), stream("a", 0, 100, 10, 21), cut, left}

	w := &stats.Window{Begin: epoch, SLO: stats.SLO{TTFT: 150 * time.Millisecond}}
	for _, r := range records {
		r.Gaps = sketchOf(r)
		w.Observe(r)
	}
	m := results.Measured{Name: "2", Load: results.Load{Shape: "concurrency", MaxConcurrency: 2, NumPrompts: 4},
		Runs: []results.MeasuredRun{{Number: 1, Start: epoch, Window: w}}}
	p := results.Of(m, 1)
	return Run{
		Metadata: results.Metadata{Time: epoch, Description: "d", Model: "m", APIBase: "http://localhost:8000/v1", NumRuns: 1, Warmup: 3, Temperature: 0.5, Seed: 42},
		Point:    &p, Run: &p.Runs[0], Records: records,
	}
}

// decoded is the JSON that write wrote.
func decoded(t *testing.T, write func(io.Writer) error) map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	return v
}

// under is what v holds under a path of keys, as "result/tokens".
func under(t *testing.T, v any, path string) any {
	t.Helper()
	for key := range strings.SplitSeq(path, "/") {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("nothing under %s", path)
		}
		if v, ok = m[key]; !ok {
			t.Fatalf("no %s", path)
		}
	}
	return v
}

// check compares what is written with what our own results say.
func check(t *testing.T, got any, want map[string]any) {
	t.Helper()
	for path, w := range want {
		g := under(t, got, path)
		switch w := w.(type) {
		case float64:
			if n, ok := g.(float64); !ok || math.Abs(n-w) > 1e-9*math.Max(1, math.Abs(w)) {
				t.Errorf("%s is %v, want %v", path, g, w)
			}
		default:
			a, errA := json.Marshal(g)
			b, errB := json.Marshal(w)
			if err := errors.Join(errA, errB); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Errorf("%s is %s, want %s", path, a, b)
			}
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestSaysWhenItCouldNotBeWritten(t *testing.T) {
	in := measured()
	for name, err := range map[string]error{
		"vLLM": VLLM(brokenWriter{}, in), "AIPerf's records": AIPerfRecords(brokenWriter{}, in),
		"AIPerf's summary": AIPerfSummary(brokenWriter{}, in), "Python": TokenomicsPy(brokenWriter{}, []Run{in}), "no runs": TokenomicsPy(io.Discard, nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRunOfFailures: a run in which nothing succeeded has its length, and no
// figure that it does not have.
func TestRunOfFailures(t *testing.T) {
	in := measured()
	in.Records = in.Records[2:3]
	w := &stats.Window{Begin: epoch}
	in.Records[0].FirstToken, in.Records[0].FirstOutput, in.Records[0].Timeline = record.Offset{}, record.Offset{}, nil
	w.Observe(in.Records[0])
	p := results.Of(results.Measured{Name: "2", Runs: []results.MeasuredRun{{Number: 1, Start: epoch, Window: w}}}, 1)
	in.Point, in.Run = &p, &p.Runs[0]

	v := decoded(t, func(w io.Writer) error { return VLLM(w, in) })
	check(t, v, map[string]any{"duration": 0.5 + 0.343, "completed": 0.0, "failed": 1.0, "max_concurrency": nil, "ttfts": []float64{0}, "itls": [][]float64{{}}})
	s := decoded(t, func(w io.Writer) error { return AIPerfSummary(w, in) })
	py := decoded(t, func(w io.Writer) error { return TokenomicsPy(w, []Run{in}) })
	for name, in := range map[string]any{"mean_ttft_ms": v, "std_itl_ms": v, "time_to_first_token": s, "goodput": s} {
		if _, there := in.(map[string]any)[name]; there {
			t.Errorf("there is a %s", name)
		}
	}
	if _, there := under(t, py, "result").(map[string]any)["phased_metrics"]; there {
		t.Error("phases of nothing")
	}
	check(t, py, map[string]any{"sweep_value": "2", "result/reliability": map[string]int{"total_requests": 1, "successful": 0, "failed": 1}, "result/prefill_metrics": map[string]any{}})
}
