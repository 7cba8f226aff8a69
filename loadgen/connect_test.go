package loadgen

import (
	"math"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

func TestConnectionsBeforeTheClock(t *testing.T) {
	rate := func(r float64, n int) results.Load {
		return results.Load{Shape: ShapeRate, RequestRate: results.Rate(r), Arrival: Constant, NumPrompts: n}
	}
	closed := results.Load{Shape: ShapeConcurrency, MaxConcurrency: 7, NumPrompts: 100}
	tests := []struct {
		name    string
		connect int
		load    results.Load
		want    int
	}{
		{"said", 5, rate(100, 1000), 5},
		{"none", 0, rate(100, 1000), 0},
		{"a closed loop", AutoConnect, closed, 7},
		{"a burst", AutoConnect, results.Load{Shape: ShapeBatch, BatchSize: 9}, 9},
		{"few requests", AutoConnect, rate(1, 10), 10},
		{"a slow loop", AutoConnect, rate(1, 1000), 64},
		{"a fast loop", AutoConnect, rate(199.5, 1000), 200},
		{"a very fast one", AutoConnect, rate(1e6, 1e6), 1024},
		{"all at once", AutoConnect, rate(math.Inf(1), 1e6), 1024},
	}
	for _, tt := range tests {
		if got := (Plan{Connect: tt.connect}).Point(tt.load).Connect; got != tt.want {
			t.Errorf("%s: %d connections, want %d", tt.name, got, tt.want)
		}
	}
}

// TestConnectionsAreOpenBeforeTheClockStarts: a request that is due later finds
// one.
func TestConnectionsAreOpenBeforeTheClockStarts(t *testing.T) {
	c := newEngine(t).client(t, 0)
	var open int
	run := Run{
		Client: c, Pacer: Schedule{0, 100 * time.Millisecond}, Workload: hello{}, ID: "r", Connect: 3,
		Began: func(time.Time) { open = c.pool.Stats().Open },
		Sink:  record.SinkFunc(func(*record.Record) {}),
	}
	if err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.pool.Stats(); open != 3 || got.Dialled != 3 {
		t.Errorf("%d connections at the beginning, %d made: want 3 and no more", open, got.Dialled)
	}
}

// hello is one small chat, again and again.
type hello struct{}

func (hello) Request(int) (Request, error) {
	return Request{Path: "/chat/completions", Stream: true, Body: []byte(`{"model":"m","stream":true,"messages":[{"role":"user","content":"Hello"}]}`)}, nil
}
