package loadgen

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"tokenomics/internal/netloop"
	"tokenomics/internal/record"
	"tokenomics/internal/sim"
	"tokenomics/internal/upstream"
)

// TestBothDriversMeasureTheSame: the same traffic, whole and broken in many
// ways, comes to the same Records whoever reads it.
func TestBothDriversMeasureTheSame(t *testing.T) {
	if driver == netloop.Off {
		t.Skip("one comparison is enough")
	}
	for _, fault := range []string{
		"", "status=400", "error-event", "cut", "hang", "garbage", "comment", "no-done", "slow-headers=20ms", "split=1",
		"coalesce", "crlf", "big-event", "abort", "encode=gzip", "informational", "trailers", "content-length", "close-delimited", "http10",
	} {
		t.Run(fault, func(t *testing.T) {
			looped, plain := drive(t, netloop.Auto, fault), drive(t, netloop.Off, fault)
			for i, want := range plain {
				if got := looped[i]; counts(got) != counts(want) {
					t.Errorf("in a loop:     %s\nin goroutines: %s", counts(got), counts(want))
				}
			}
		})
	}
}

// drive sends a few requests to a simulator with a fault and returns their
// Records in order.
func drive(t *testing.T, by netloop.Mode, fault string) []*record.Record {
	t.Helper()
	base, stop := simulated(t, sim.Config{Model: "m", Seed: 3, Deterministic: true, TokensPerStep: sim.ConstantCount(2), ReportCached: true})
	target, err := upstream.ParseTarget(base)
	if err != nil {
		t.Fatal(err)
	}
	cfg := ClientConfig{Target: target, Loop: by, Timeline: true, Timeout: time.Minute}
	if fault != "" {
		cfg.Headers = []Header{{sim.FaultHeader, fault}}
	}
	if fault == "hang" {
		cfg.Timeout = 50 * time.Millisecond
	}
	sink := new(kept)
	run := Run{Client: newClient(t, cfg), Pacer: Steady{N: 6}, MaxInFlight: 3, Workload: chats(long(t), 1, 20), ID: "r", Sink: sink}
	if err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	run.Client.Close()
	stop()
	slices.SortFunc(sink.records, func(a, b *record.Record) int { return cmp.Compare(a.RequestID, b.RequestID) })
	if len(sink.records) != 6 {
		t.Fatalf("%d records", len(sink.records))
	}
	for _, r := range sink.records {
		inOrder(t, r)
	}
	return sink.records
}

// counts is all of a Record that is no time and follows from none.
func counts(r *record.Record) string {
	at := func(o record.Offset) bool { return o.Ok() }
	return fmt.Sprint(
		r.RequestID, r.Request, r.Status, r.Outcome, r.Error, r.ErrorType, r.ResponseModel, r.FinishReasons,
		r.Usage, r.FirstTokens, len(r.Choices), len(r.Timeline), r.Events, r.RequestBytes, r.ResponseBytes, r.Retries, r.Warnings,
		at(r.Sent), at(r.Headers), at(r.FirstEvent), at(r.FirstToken), at(r.FirstOutput), at(r.LastToken), at(r.End),
	)
}

// inOrder says whether a Record's moments are.
func inOrder(t *testing.T, r *record.Record) {
	t.Helper()
	last := time.Duration(0)
	for i, o := range []record.Offset{r.Sent, r.Headers, r.FirstEvent, r.FirstToken, r.LastToken, r.End} {
		if at, ok := o.Get(); ok {
			if at < last {
				t.Errorf("%s: moment %d is %v, after one at %v", r.RequestID, i, at, last)
			}
			last = at
		}
	}
	if !slices.IsSortedFunc(r.Timeline, func(a, b record.Event) int { return int(a.At - b.At) }) {
		t.Errorf("%s: events out of order", r.RequestID)
	}
}
