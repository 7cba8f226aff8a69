package stats

import (
	"math"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms float64) record.Offset {
	return record.Some(time.Duration(ms * float64(time.Millisecond)))
}

// stream is a request due at start ms, sent 1 ms later, with its first token
// after ttft and its last after e2e, both from Sent.
func stream(start, ttft, e2e float64, prompt, completion int64) *record.Record {
	r := &record.Record{Start: epoch.Add(time.Duration(start) * time.Millisecond), Outcome: record.Complete}
	r.Stream = true
	r.Scheduled, r.Sent = at(0), at(1)
	r.FirstToken, r.FirstOutput, r.LastToken, r.End = at(1+ttft), at(1+ttft), at(1+e2e), at(2+e2e)
	r.Usage = record.Usage{Prompt: record.Some(prompt), Completion: record.Some(completion), Source: record.SourceUsage}
	r.Gaps = new(sketch.Sketch)
	r.Gaps.AddN((e2e-ttft)/float64(completion-1), float64(completion-1))
	return r
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9*max(1, math.Abs(b)) }

func wantOpt(t *testing.T, name string, got record.Opt[float64], want float64) {
	t.Helper()
	if v, ok := got.Get(); !ok || !near(v, want) {
		t.Errorf("%s = %v, %v; want %v", name, v, ok, want)
	}
}

func TestSummary(t *testing.T) {
	var w Window
	w.Observe(stream(0, 100, 1100, 10, 11))
	w.Observe(stream(0, 200, 2200, 30, 21))
	failed := stream(0, 300, 9000, 1000, 5)
	failed.Outcome, failed.Error = record.Error, "engine overloaded"
	w.Observe(failed)
	unreachable := &record.Record{Start: epoch, Outcome: record.Unreachable, Error: "refused", End: at(1)}
	unreachable.Stream = true
	w.Observe(unreachable)
	stopped := stream(0, 400, 500, 10, 3)
	stopped.Outcome = record.ClientAbort
	w.Observe(stopped)

	s := w.Summary()
	if s.Requests != 5 || s.Succeeded != 2 || s.Failed != 2 || s.Aborted != 1 || s.NoFirstToken != 1 || s.Untold != 0 {
		t.Errorf("counts: %+v", s)
	}
	if s.FirstError != "refused" {
		t.Errorf("first error %q is not the one that ended first", s.FirstError)
	}
	if got := s.InputTokens.Or(-1); got != 40 {
		t.Errorf("input tokens %d, want those of successes, 40", got)
	}
	if got := s.OutputTokens.Or(-1); got != 32 {
		t.Errorf("output tokens %d, want 32", got)
	}
	if got := s.FailedOutput.Or(-1); got != 8 {
		t.Errorf("tokens of failed requests %d, want 8", got)
	}
	if s.CachedTokens.Ok() || s.ReasoningTokens.Ok() {
		t.Error("tokens that nobody told are present")
	}
	wantOpt(t, "average input", s.AvgInput, 20)
	wantOpt(t, "average output", s.AvgOutput, 16)
	// first Sent at 1 ms, last LastToken of a success at 2201 ms
	wantOpt(t, "system tok/s", s.OutputTokS, 32/2.2)
	if got, want := s.RequestTokS.Mean, (11/1.1+21/2.2)/2; !near(got, want) {
		t.Errorf("mean of request rates %v, want %v", got, want)
	}
	// TTFT is over all that got a token, E2E over successes.
	if s.TTFT.N != 4 || s.TTFT.P50 != 200 || s.TTFT.Max != 400 {
		t.Errorf("TTFT %+v", s.TTFT)
	}
	if s.E2E.N != 2 || s.E2E.P50 != 1100 || s.E2E.P99 != 2200 {
		t.Errorf("E2E %+v", s.E2E)
	}
	if s.TPOT.N != 2 || s.TPOT.P50 != 100 || s.Gap.N != 30 || s.ITL != nil {
		t.Errorf("TPOT %+v gap %+v ITL %+v", s.TPOT, s.Gap, s.ITL)
	}
	if s.ClientQueue.N != 4 || s.ClientQueue.Max != 1 {
		t.Errorf("client queue %+v", s.ClientQueue)
	}
}

func TestNothingIsNotZero(t *testing.T) {
	for name, w := range map[string]*Window{"empty": {}, "pool of none": Pool(), "all failed": func() *Window {
		w := new(Window)
		w.Observe(&record.Record{Start: epoch, Outcome: record.Unreachable})
		return w
	}()} {
		s := w.Summary()
		if s.OutputTokens.Ok() || s.OutputTokS.Ok() || s.AvgInput.Ok() || s.Span.Ok() || s.RequestsPS.Ok() {
			t.Errorf("%s: a figure without data is present: %+v", name, s)
		}
		if s.TTFT != nil || s.E2E != nil || s.RequestTokS != nil {
			t.Errorf("%s: a distribution without data is present: %+v", name, s)
		}
	}
}

func TestBufferedHasNoDecodeFigures(t *testing.T) {
	var w Window
	r := stream(0, 100, 101, 10, 50)
	r.Buffered = true
	w.Observe(r)
	s := w.Summary()
	if s.Buffered != 1 || s.TPOT != nil || s.Gap != nil || s.DecodeTokS != nil {
		t.Errorf("buffered stream is in the decode figures: %+v", s)
	}
	if s.TTFT == nil || s.E2E == nil {
		t.Error("buffered stream is missing in TTFT or E2E")
	}
}

func TestUntoldTokens(t *testing.T) {
	var w Window
	w.Observe(stream(0, 100, 200, 10, 11))
	r := stream(0, 100, 200, 10, 11)
	r.Usage = record.Usage{}
	w.Observe(r)
	ranked := stream(0, 100, 200, 10, 11) // makes none, and so lacks none
	ranked.Endpoint, ranked.Usage = "rerank", record.Usage{Prompt: record.Some(int64(5)), Source: record.SourceUsage}
	w.Observe(ranked)
	s := w.Summary()
	if s.Untold != 1 || s.TokenSources[record.SourceNone] != 1 || s.TokenSources[record.SourceUsage] != 2 {
		t.Errorf("untold %d, sources %v", s.Untold, s.TokenSources)
	}
}

// TestPool: pooled runs have their spans added, not stretched over the pause
// between them, and their samples in one distribution.
func TestPool(t *testing.T) {
	var a, b Window
	a.Observe(stream(0, 100, 1000, 10, 10))
	b.Observe(stream(60_000, 300, 3000, 20, 10))
	late := stream(60_000, 300, 3000, 20, 10)
	late.Outcome, late.Error = record.Truncated, "cut"
	b.Observe(late)
	s := Pool(&a, &b).Summary()
	wantOpt(t, "pooled tok/s", s.OutputTokS, 20/4.0)
	if s.Requests != 3 || s.Failed != 1 || s.FirstError != "cut" || s.TTFT.N != 3 || s.TTFT.Max != 300 {
		t.Errorf("pool: %+v", s)
	}
	if again := Pool(&a).Summary(); again.Requests != 1 {
		t.Error("pooling changed a window")
	}
}

func TestP999NeedsAThousandSamples(t *testing.T) {
	var s sketch.Sketch
	for i := range 999 {
		s.Add(float64(i))
	}
	if QuantilesOf(&s).P999.Ok() {
		t.Error("p99.9 of 999 samples is present")
	}
	s.Add(1000)
	if !QuantilesOf(&s).P999.Ok() {
		t.Error("p99.9 of 1000 samples is absent")
	}
}
