package loadgen

import "time"

// Pacer says when requests are due, on an absolute schedule: arithmetic
// without a clock, so that a late request never moves those after it.
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

var _ Pacer = Burst{}
