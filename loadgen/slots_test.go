package loadgen

import (
	"testing"
	"time"
)

// TestRamp: what may be in flight is kept in flight from the beginning, and
// becomes more.
func TestRamp(t *testing.T) {
	tests := []struct {
		name     string
		together int // in flight, or the engine does not answer
		ramp     time.Duration
		inFlight int
	}{
		{"one at a time until the second is let in", 1, time.Hour, 1},
		{"all of them in the end", 3, 30 * time.Millisecond, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t)
			e.together = tt.together
			var sink kept
			run := Run{
				Client: e.client(t, 10*time.Second), Pacer: Steady{N: 6}, MaxInFlight: 3, Ramp: tt.ramp,
				Workload: hello{}, ID: "r", Sink: &sink,
			}
			if err := run.Do(t.Context()); err != nil {
				t.Fatal(err)
			}
			most := 0
			for _, r := range sink.records {
				most = max(most, r.InFlight)
			}
			if len(sink.records) != 6 || most != tt.inFlight {
				t.Errorf("%d requests, %d in flight at most: want 6 and %d", len(sink.records), most, tt.inFlight)
			}
		})
	}
}
