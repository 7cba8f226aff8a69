package main

import (
	"context"
	"os"
	"sync/atomic"
)

// secondSignal is what becomes of a second signal.
type secondSignal struct {
	wanted atomic.Bool     // by the command that runs
	came   context.Context // ends with it
}

type secondSignalKey struct{}

// untilSignal is ctx until the first of signals, which end the program. The
// second is told to a command that has asked for it with untilAgain, and kills
// any other: whoever asks twice means it. kill lets the signals that are still to
// come do so.
func untilSignal(ctx context.Context, signals <-chan os.Signal, kill func()) context.Context {
	came, tell := context.WithCancel(ctx)
	second := &secondSignal{came: came}
	ctx, stop := context.WithCancel(context.WithValue(ctx, secondSignalKey{}, second))
	go func() {
		<-signals
		if !second.wanted.Load() {
			kill()
			stop()
			return
		}
		stop()
		<-signals
		kill()
		tell()
	}()
	return ctx
}

// untilAgain is for what is still to be done when ctx has ended: it ends when
// the user asks once more. It is to be asked for before the first time.
func untilAgain(ctx context.Context) context.Context {
	second, ok := ctx.Value(secondSignalKey{}).(*secondSignal)
	if !ok {
		return context.WithoutCancel(ctx) // nobody can ask
	}
	second.wanted.Store(true)
	return second.came
}
