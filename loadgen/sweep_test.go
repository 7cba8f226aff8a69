package loadgen

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
	"tokenomics/internal/upstream"
	"tokenomics/loadgen/body"
	"tokenomics/loadgen/dataset"
	"tokenomics/loadgen/prompt"
)

// batches is a sweep against e, which is taken for a vLLM.
func (e *engine) batches(t *testing.T, sizes []int, runs, warmup int) (*Sweep, *kept) {
	t.Helper()
	d := prompts(t, 50)
	s, warnings := Plan{
		Loads: batchesOf(sizes...), Runs: runs, Warmup: warmup, Nonce: "n", Seed: 42, Prompts: d.Len(),
		Make: beginning(chats(d, 42, 3)),
	}.Sweep()
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	sink := new(kept)
	s.Client, s.Sink, s.Prepare = e.client(t, time.Minute), sink, salted
	return s, sink
}

func batchesOf(sizes ...int) (loads []results.Load) {
	for _, n := range sizes {
		loads = append(loads, results.Load{Shape: ShapeBatch, BatchSize: n})
	}
	return loads
}

// chats are streams of up to max tokens from d.
func chats(d *dataset.Dataset, seed uint64, max int) Requests {
	temperature := 0.5
	return Requests{
		Source: prompt.Rows{
			Order: func(i int) int { return NewOrder(seed, d.Len()).Row(i) },
			At:    func(row int) (prompt.Prompt, error) { return prompt.Prompt{Text: d.At(row).Text}, nil },
		},
		Asking: body.Asking{Endpoint: "chat", Model: "m", MaxTokens: max, Temperature: &temperature, Stream: true},
	}
}

// beginning is r from any prompt on, with any salt.
func beginning(r Requests) func(int, Cache) Workload {
	return func(first int, cache Cache) Workload {
		r := r
		r.First, r.Asking.CacheSalt, r.Asking.NoPromptCache = first, cache.Salt, cache.NoPromptCache
		return r
	}
}

// salted has every run salted.
func salted(context.Context, Point, int) (Prepared, error) {
	return Prepared{Cache: Cache{Salt: "-"}}, nil
}

func contents(bodies []chatBody) (out []string) {
	for _, b := range bodies {
		out = append(out, b.Messages[0].Content)
	}
	slices.Sort(out)
	return out
}

// TestBatchIsInFlightAtOnce: the engine answers nobody before all B are there,
// so a batch that is not sent at once never ends.
func TestBatchIsInFlightAtOnce(t *testing.T) {
	e := newEngine(t)
	e.together = 8
	s, sink := e.batches(t, []int{8}, 2, 0)
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := done[0].Summary()
	if sum.Requests != 16 || sum.Succeeded != 16 || sink.count() != 16 {
		t.Fatalf("%d requests, %d succeeded (%s), %d records", sum.Requests, sum.Succeeded, sum.FirstError, sink.count())
	}
	if in, out, cached := sum.InputTokens.Or(0), sum.OutputTokens.Or(0), sum.CachedTokens.Or(0); in != 112 || out != 48 || cached != 32 {
		t.Errorf("tokens %d in, %d out, %d cached; want 112, 48, 32", in, out, cached)
	}
	if sum.TTFT == nil || sum.TTFT.N != 16 || sum.ClientQueue == nil || sum.ClientQueue.N != 16 {
		t.Errorf("TTFT %+v, client queue %+v", sum.TTFT, sum.ClientQueue)
	}
	seen := map[string]bool{}
	for _, r := range sink.records {
		seen[r.RequestID] = true
		if r.Outcome != record.Complete || r.Model != "m" || r.Path != "/v1/chat/completions" || r.Endpoint != "chat" || r.RequestBytes == 0 {
			t.Errorf("record %+v", r)
		}
	}
	if len(seen) != 16 || !seen["n-8-1-0000"] || !seen["n-8-2-0007"] {
		t.Errorf("request ids %v", seen)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	slices.Sort(e.ids)
	if len(slices.Compact(e.ids)) != 16 || e.ids[0] != "n-8-1-0000" {
		t.Errorf("the engine saw the ids %q", e.ids)
	}
}

// watcher notes which requests the engine got in each run.
type watcher struct {
	quiet
	e        *engine
	runs     map[string][]chatBody
	begun    []string
	warnings []string
}

func (w *watcher) Begin(point string, run, _ int) {
	w.flush()
	w.begun = append(w.begun, point+"/"+string(rune('0'+run)))
}

func (w *watcher) flush() {
	if len(w.begun) > 0 {
		w.runs[w.begun[len(w.begun)-1]] = w.e.asked()
	}
}

func (w *watcher) Warning(text string) { w.warnings = append(w.warnings, text) }

func TestRunsRepeatPromptsWithFreshSalt(t *testing.T) {
	e := newEngine(t)
	s, sink := e.batches(t, []int{2, 3}, 2, 2)
	w := &watcher{e: e, runs: map[string][]chatBody{}}
	s.Progress = w
	if _, err := s.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.flush()
	if want := []string{"warmup/0", "2/1", "2/2", "3/1", "3/2"}; !slices.Equal(w.begun, want) {
		t.Fatalf("runs %q, want %q", w.begun, want)
	}
	if sink.count() != 10 {
		t.Errorf("%d measured records, want 10 without the warm-up", sink.count())
	}
	if a, b := contents(w.runs["3/1"]), contents(w.runs["3/2"]); len(a) != 3 || !slices.Equal(a, b) {
		t.Errorf("runs of one batch size have the prompts %q and %q", a, b)
	}
	all, salts := []string{}, map[string]bool{}
	for name, bodies := range w.runs {
		if !strings.HasSuffix(name, "/2") {
			all = append(all, contents(bodies)...)
		}
		for _, b := range bodies {
			if b.CacheSalt == "" || b.CacheSalt != bodies[0].CacheSalt {
				t.Errorf("%s: salts %q and %q", name, bodies[0].CacheSalt, b.CacheSalt)
			}
		}
		salts[bodies[0].CacheSalt] = true
	}
	if len(salts) != 5 {
		t.Errorf("%d salts for 5 runs", len(salts))
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 7 {
		t.Errorf("warm-up and batch sizes share prompts: %q", all)
	}
}

// TestAPointThatSendsNothing ends the sweep, which would otherwise come to it
// again and again.
func TestAPointThatSendsNothing(t *testing.T) {
	e := newEngine(t)
	s, _ := e.batches(t, []int{1}, 1, 0)
	s.Route = InOrder(Point{Name: "none", Pacer: func(int) Pacer { return Burst{} }})
	if _, err := s.Do(t.Context()); err == nil || !strings.Contains(err.Error(), "sent no request") {
		t.Errorf("error %v", err)
	}
}

// TestWarmupByTime sends as many at a time as the first load has, and measures
// none of it.
func TestWarmupByTime(t *testing.T) {
	e := newEngine(t)
	s, sink := e.batches(t, []int{2}, 1, 0)
	s.Warmup = Plan{WarmupTime: 30 * time.Millisecond, Loads: batchesOf(2)}.warmUp(2)
	if s.Warmup.MaxInFlight != 2 {
		t.Errorf("%d at a time", s.Warmup.MaxInFlight)
	}
	if _, err := s.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(e.asked()); n < 6 || sink.count() != 2 {
		t.Errorf("the engine had %d requests, %d were measured", n, sink.count())
	}
}

func TestServerThatRefusesStreamOptions(t *testing.T) {
	for name, warmup := range map[string]int{"found by the warm-up": 1, "found in the run": 0} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t)
			e.refuseUsage = true
			s, _ := e.batches(t, []int{2}, 2, warmup)
			done, err := s.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sum := done[0].Summary()
			if sum.Succeeded != 4 || !s.Client.UsageRefused() {
				t.Fatalf("%d succeeded, first error %q", sum.Succeeded, sum.FirstError)
			}
			if sum.TokenSources[record.SourceEvents] != 4 {
				t.Errorf("sources %v: estimates must say so", sum.TokenSources)
			}
			refused := 0
			for _, b := range e.asked() {
				if b.StreamOptions != nil {
					refused++
				}
			}
			if refused < 1 || refused > 2 {
				t.Errorf("the server was asked %d times for what it had refused", refused)
			}
			if warmup > 0 && sum.Retries != 0 {
				t.Errorf("%d measured requests were sent again", sum.Retries)
			}
		})
	}
}

func TestFailedRequestIsCountedAndNotAveraged(t *testing.T) {
	e := newEngine(t)
	e.fail = func(n int) bool { return n == 2 }
	s, _ := e.batches(t, []int{4}, 1, 0)
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := results.Of(done[0], 1)
	if f.Requests != 4 || f.Succeeded != 3 || f.Failed != 1 || f.FirstError != "HTTP 500: engine on fire" {
		t.Errorf("%+v", f.Figures)
	}
	if in, out := f.AvgInputTokens.Or(0), f.AvgOutputTokens.Or(0); in != 7 || out != 3 {
		t.Errorf("averages %v and %v are not those of the successes", in, out)
	}
	if f.E2E.N != 3 {
		t.Errorf("E2E of %v requests", f.E2E.N)
	}
}

// TestUsageThatLiesIsAFailure with a name of its own.
func TestUsageThatLiesIsAFailure(t *testing.T) {
	e := newEngine(t)
	e.lie = true
	s, sink := e.batches(t, []int{2}, 1, 0)
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sum := done[0].Summary(); sum.Failed != 2 || sum.FirstError != "usage disagrees with the stream's events" || sink.records[0].ErrorType != "usage_disagrees" {
		t.Errorf("%+v", sum)
	}
}

func TestWholeAnswers(t *testing.T) {
	e := newEngine(t)
	s, sink := e.batches(t, []int{2}, 1, 0)
	inner := s.Workload
	s.Workload = func(p Point, run int, cache Cache) Workload {
		r := inner(p, run, cache).(Requests)
		r.Asking.Stream = false
		return r
	}
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := done[0].Summary()
	if sum.Succeeded != 2 || sum.OutputTokens.Or(0) != 6 || sum.TTFT != nil || sum.NoFirstToken != 0 || !sum.OutputTokS.Ok() {
		t.Errorf("%+v (%s)", sum, sum.FirstError)
	}
	for _, r := range sink.records {
		if r.Stream {
			t.Error("recorded as a stream")
		}
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	e := newEngine(t)
	s, sink := e.batches(t, []int{2}, 1, 1)
	w := &watcher{e: e, runs: map[string][]chatBody{}}
	s.Progress = w
	s.Client = newClient(t, ClientConfig{Target: upstream.Target{Scheme: "http", Addr: addr, Prefix: "/v1"}})
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := done[0].Summary()
	if sum.Failed != 2 || sum.Outcomes[record.Unreachable] != 2 || !strings.Contains(sum.FirstError, "refused") {
		t.Errorf("%+v", sum)
	}
	if sum.OutputTokS.Ok() || sum.Span.Ok() {
		t.Errorf("figures without data: %+v", sum)
	}
	if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "1 of 1 warm-up requests failed") {
		t.Errorf("warnings %q", w.warnings)
	}
	for _, r := range sink.records {
		if r.Model != "m" || r.Sent.Ok() || r.ErrorType != "unreachable" {
			t.Errorf("record %+v", r)
		}
	}
}

func TestTimeout(t *testing.T) {
	e := newEngine(t)
	e.hang = true
	s, _ := e.batches(t, []int{2}, 1, 0)
	s.Client = e.client(t, 20*time.Millisecond)
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := done[0].Summary()
	if sum.Outcomes[record.Timeout] != 2 || sum.FirstError != "timed out after 0.02 s" || sum.NoFirstToken != 2 {
		t.Errorf("%+v", sum)
	}
}

// stopper cancels when a run has begun and the engine has all its requests.
type stopper struct {
	quiet
	at     string
	cancel func()
}

func (s *stopper) End(point string, run int, _ stats.Summary) {
	if point == s.at && run == 1 {
		s.cancel()
	}
}

func TestStoppedBetweenRuns(t *testing.T) {
	e := newEngine(t)
	s, _ := e.batches(t, []int{1, 2, 3}, 3, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Progress = &stopper{at: "2", cancel: cancel}
	done, err := s.Do(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(done) != 2 || len(done[0].Runs) != 3 || len(done[1].Runs) != 1 {
		t.Fatalf("measured %+v", done)
	}
	if results.Of(done[0], 3).Partial || !results.Of(done[1], 3).Partial {
		t.Error("the point that was stopped, and no other, is partial")
	}
}

func TestStoppedInFlight(t *testing.T) {
	e := newEngine(t)
	e.together, e.hang = 2, true
	e.mu.Lock()
	gathered := e.gather
	e.mu.Unlock()
	s, _ := e.batches(t, []int{2}, 3, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-gathered
		cancel()
	}()
	done, err := s.Do(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(done) != 1 || len(done[0].Runs) != 1 || !done[0].Runs[0].Partial {
		t.Fatalf("measured %+v", done)
	}
	p := results.Of(done[0], 3)
	if !p.Partial || p.Aborted != 2 || p.Failed != 0 || p.Requests != 2 {
		t.Errorf("%+v", p)
	}
}

// TestClosedLoop holds two in flight of six: the seam that sustained
// concurrency needs.
func TestClosedLoop(t *testing.T) {
	e := newEngine(t)
	e.together = 2
	s, _ := e.batches(t, []int{1}, 1, 0)
	s.Route = InOrder(Point{Name: "c", Pacer: func(int) Pacer { return Steady{N: 6} }, MaxInFlight: 2})
	done, err := s.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sum := done[0].Summary(); sum.Succeeded != 6 {
		t.Errorf("%+v", sum)
	}
}
