package loadgen

import (
	"testing"
	"time"
)

func TestBurst(t *testing.T) {
	tests := []struct {
		name    string
		n, sent int
		elapsed time.Duration
		due     time.Duration // on the run's clock
		stop    bool
	}{
		{"first", 4, 0, 0, 0, false},
		{"last", 4, 3, 0, 0, false},
		{"all sent", 4, 4, 0, 0, true},
		{"a late one is still due at the beginning", 4, 2, 5 * time.Millisecond, 0, false},
		{"none at all", 0, 0, 0, 0, true},
	}
	for _, tt := range tests {
		wait, stop := Burst{N: tt.n}.Pace(tt.elapsed, tt.sent)
		if tt.elapsed+wait != tt.due || stop != tt.stop {
			t.Errorf("%s: due %v, stop %v; want %v, %v", tt.name, tt.elapsed+wait, stop, tt.due, tt.stop)
		}
	}
}
