package main

import (
	"context"
	"os"
	"testing"
)

// TestSignals: the first ends a command, the second what it still waits for
// where it asked to be told, and the next one kills.
func TestSignals(t *testing.T) {
	for _, tt := range []struct {
		name   string
		asks   bool
		killBy int // the signal from which on the next one kills
	}{
		{"a command that wants to know", true, 2},
		{"any other", false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signals, kills := make(chan os.Signal), make(chan struct{}, 2)
			ctx := untilSignal(t.Context(), signals, func() { kills <- struct{}{} })
			var again context.Context
			if tt.asks {
				again = untilAgain(ctx)
			}
			if ctx.Err() != nil || tt.asks && again.Err() != nil {
				t.Fatal("over before any signal")
			}
			signals <- os.Interrupt
			<-ctx.Done()
			if tt.asks {
				if again.Err() != nil || len(kills) > 0 {
					t.Errorf("after the first signal: %v, %d kills", again.Err(), len(kills))
				}
				signals <- os.Interrupt
				<-again.Done()
			}
			if len(kills) != 1 {
				t.Errorf("the next signal does not kill after number %d", tt.killBy)
			}
		})
	}
}

// TestNobodyCanAskAgain: what is done after the end of a plain context is done
// to its own end.
func TestNobodyCanAskAgain(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := untilAgain(ctx).Err(); err != nil {
		t.Error(err)
	}
}
