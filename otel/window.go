package otel

import (
	"sync"
	"time"
)

// window keeps the last readings of a counter that only grows, to tell its
// rate over the last while at any moment.
type window struct {
	mu       sync.Mutex // protects readings and next
	readings [windowLength]reading
	next     int
}

type reading struct {
	at time.Time
	n  int64
}

// The windows shown, and how often the counter is read for them: a window is
// at most one reading longer than it says.
const (
	shortWindow  = time.Second
	longWindow   = 10 * time.Second
	windowEvery  = 250 * time.Millisecond
	windowLength = int(longWindow/windowEvery) + 2
)

// add keeps a reading. Readings come in the order of time.
func (w *window) add(at time.Time, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readings[w.next%windowLength] = reading{at, n}
	w.next++
}

// rate is the growth per second over the last span, the counter being n now;
// absent until there is a reading that old. The span is stretched to the
// reading before it.
func (w *window) rate(now time.Time, n int64, span time.Duration) (perSecond float64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := w.next - 1; i >= 0 && i >= w.next-windowLength; i-- {
		r := w.readings[i%windowLength]
		if age := now.Sub(r.at); age >= span {
			return float64(n-r.n) / age.Seconds(), true
		}
	}
	return 0, false
}
