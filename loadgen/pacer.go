package loadgen

import "time"

// Pacer says when requests are due, on an absolute schedule: arithmetic
// without a clock, so that a late request never moves those after it. A Pacer
// is a value; the same one gives the same schedule again.
type Pacer interface {
	// Pace is asked before each request. elapsed is the time since the run
	// began, sent how many requests were sent before this one. The request is
	// due at elapsed+wait: wait is negative where that moment has passed. stop
	// says that there is no further request.
	Pace(elapsed time.Duration, sent int) (wait time.Duration, stop bool)
}

// Burst sends N requests at once, at the beginning of the run.
type Burst struct{ N int }

// Pace is due at 0 for every request.
func (b Burst) Pace(elapsed time.Duration, sent int) (time.Duration, bool) {
	return -elapsed, sent >= b.N
}

// Steady keeps as many requests in flight as the run may have: each is due the
// moment that it is asked for, which is when another has ended.
type Steady struct {
	N   int           // requests; 0 is no bound
	For time.Duration // none is due after it; 0 is no bound
}

// Pace is due now.
func (s Steady) Pace(elapsed time.Duration, sent int) (time.Duration, bool) {
	return 0, s.N > 0 && sent >= s.N || s.For > 0 && elapsed >= s.For
}

// Ends is when the time of the run is over.
func (s Steady) Ends() time.Duration { return s.For }

// ending is a Pacer that knows a moment from which on no request is due: a run
// that waits for a request to end need not wait longer. 0 is none.
type ending interface{ Ends() time.Duration }

// Schedule is the moments at which requests are due, in order.
type Schedule []time.Duration

// Pace is due at the request's own moment, however late the others were.
func (s Schedule) Pace(elapsed time.Duration, sent int) (time.Duration, bool) {
	if sent >= len(s) {
		return 0, true
	}
	return s[sent] - elapsed, false
}

var (
	_ Pacer = Burst{}
	_ Pacer = Steady{}
	_ Pacer = Schedule{}

	_ ending = Steady{}
)
