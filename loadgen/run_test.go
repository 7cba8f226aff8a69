package loadgen

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/upstream"
)

// TestAConnectionGivenBackIsAnothers: what another request reads from it does
// not move the end of the one before.
func TestAConnectionGivenBackIsAnothers(t *testing.T) {
	c := newEngine(t).client(t, 0)
	req, err := hello{}.Request(0)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	first := c.prepare(t.Context(), req, "first")
	first.due, first.rec = begin, first.record(begin)
	if err := first.once(t.Context()); err != nil {
		t.Fatal(err)
	}
	over := time.Since(begin)
	if second := c.prepare(t.Context(), req, "second").do(t.Context(), time.Now()); second.Outcome != record.Complete || second.Connect.Ok() {
		t.Fatalf("the second is %s, its connection a new one: %v", second.Outcome, second.Connect.Ok())
	}
	rec := first.end(t.Context(), nil)
	if end := rec.End.Or(0); end == 0 || end > over {
		t.Errorf("the first ended after %v, the second's time and not its own, which was below %v", end, over)
	}
}

// TestARunsTimeEndsIt although every request that may be in flight still is.
func TestARunsTimeEndsIt(t *testing.T) {
	e := newEngine(t)
	e.hang = true
	sink := new(kept)
	run := Run{
		Client: e.client(t, 10*time.Second), Pacer: Steady{For: 20 * time.Millisecond}, Workload: hello{},
		MaxInFlight: 2, Grace: 20 * time.Millisecond, ID: "r", Sink: sink,
	}
	if err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range sink.records {
		if r.Outcome != record.ClientAbort || r.ErrorType != record.BrokenOff || r.Error != errGrace.Error() {
			t.Errorf("%s, %s, %s", r.Outcome, r.ErrorType, r.Error)
		}
	}
	if sink.count() != 2 {
		t.Errorf("%d requests", sink.count())
	}
}

// TestNobodySpeaksAfterTheEnd: a turn that is due when the run's time is over is
// not sent, and nobody else comes in the place of who would send it.
func TestNobodySpeaksAfterTheEnd(t *testing.T) {
	e := newEngine(t)
	c := talks(2, true)
	c.Think = time.Hour
	sink := new(kept)
	run := Run{Client: e.client(t, 0), Pacer: Steady{For: 50 * time.Millisecond}, Workload: c, MaxInFlight: 2, ID: "r", Sink: sink}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := run.Do(ctx); err != nil {
		t.Fatal(err)
	}
	if sink.count() != 2 {
		t.Errorf("%d requests, of two users who think for an hour", sink.count())
	}
}

// TestGraceIsOfDurations: a run that is over when its requests are has no other
// end, however long the answers take.
func TestGraceIsOfDurations(t *testing.T) {
	for _, tt := range []struct {
		load results.Load
		want time.Duration
	}{
		{results.Load{Shape: ShapeBatch, BatchSize: 2}, 0},
		{results.Load{Shape: ShapeConcurrency, MaxConcurrency: 2, NumPrompts: 9}, 0},
		{results.Load{Shape: ShapeConcurrency, MaxConcurrency: 2, DurationS: 9}, time.Second},
		{results.Load{Shape: ShapeConversations, MaxConcurrency: 2, DurationS: 9}, time.Second},
		{results.Load{Shape: ShapeRate, RequestRate: 2, NumPrompts: 9}, 0},
		{results.Load{Shape: ShapeRate, RequestRate: 2, DurationS: 9}, time.Second},
		{results.Load{Shape: ShapeTrace, NumPrompts: 9, DurationS: 9}, 0},
	} {
		if got := (Plan{Grace: time.Second}).Point(tt.load).Grace; got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.load, got, tt.want)
		}
	}
}

// TestNoKeyInRecords, also where the server quotes the one that it refuses.
func TestNoKeyInRecords(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem(w, 401, fmt.Sprint("no such key: ", r.Header.Get("Authorization"), " ", r.Header.Get("X-Api-Key")))
	}))
	defer srv.Close()
	target, err := upstream.ParseTarget(srv.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]ClientConfig{
		"the API key": {APIKey: "sk-secret"},
		"headers":     {Headers: []Header{{"Authorization", "Bearer sk-secret"}, {"x-api-key", "sk-secret"}}},
	} {
		cfg.Target = target
		c, sink := newClient(t, cfg), new(kept)
		if err := (&Run{Client: c, Pacer: Burst{N: 1}, Workload: hello{}, ID: "r", Sink: sink}).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if text := sink.records[0].Error; !strings.Contains(text, "[API key]") || strings.Contains(text, "secret") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// TestNobodyListensInAClosedLoop: it does not fail as fast as it can.
func TestNobodyListensInAClosedLoop(t *testing.T) {
	e := newEngine(t)
	c := e.client(t, 0)
	e.srv.Close()
	var sink kept
	run := Run{Client: c, Pacer: Steady{For: unreachablePause / 2}, MaxInFlight: 3, Workload: hello{}, ID: "r", Sink: &sink}
	if err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sink.count() != 3 || sink.records[0].Outcome != record.Unreachable {
		t.Errorf("%d requests, the first is %s: want 3 that found nobody", sink.count(), sink.records[0].Outcome)
	}
}
