package record

import "sync/atomic"

// Live is what can be told of requests that are still running: counters that
// the relay moves and that metrics and tickers read. The zero value is ready.
type Live struct {
	Active        atomic.Int64 // requests in flight
	Requests      atomic.Int64 // requests begun
	AfterClient   atomic.Int64 // tokens that arrived after their client had left
	ParseFailures atomic.Int64 // events and bodies that could not be read
	Panics        atomic.Int64 // panics caught in measuring code

	Connections atomic.Int64 // clients' connections that are open
	Refused     atomic.Int64 // requests turned away because a limit was reached
	Replays     atomic.Int64 // requests sent once more because a kept connection was dead
	Upgrades    atomic.Int64 // connections that were tunnelled after an upgrade

	streamed atomic.Int64 // output tokens, never falling
	debt     atomic.Int64 // tokens streamed counted too many, still to be made up
}

// Stream counts output tokens as they pass. At the end of a request the
// difference to the engine's own count is passed too, and may be negative: the
// counter then waits until real tokens have made it up, because a counter that
// falls reads as a restart.
func (l *Live) Stream(n int64) {
	if n == 0 {
		return
	}
	if n < 0 {
		l.debt.Add(-n)
		return
	}
	for {
		owed := l.debt.Load()
		if owed <= 0 {
			break
		}
		paid := min(owed, n)
		if l.debt.CompareAndSwap(owed, owed-paid) {
			n -= paid
			break
		}
	}
	l.streamed.Add(n)
}

// Streamed is the output tokens streamed so far; it never falls.
func (l *Live) Streamed() int64 { return l.streamed.Load() }
