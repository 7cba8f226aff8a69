package loadgen

import (
	"context"
	"time"
)

// narrow takes all slots but one, where they are to become free in a ramp.
func (d *dispatch) narrow() {
	for range d.ramped() {
		d.slots <- struct{}{}
	}
}

// widen gives back what narrow took, evenly over the ramp.
func (d *dispatch) widen(ctx context.Context) {
	for i := range d.ramped() {
		at := time.Duration(float64(d.run.Ramp) * float64(i+1) / float64(cap(d.slots)))
		if !sleepUntil(ctx, d.clock.Add(at)) {
			return
		}
		d.free()
	}
}

// ramped is how many slots become free in the ramp.
func (d *dispatch) ramped() int {
	if d.run.Ramp <= 0 {
		return 0
	}
	return max(0, cap(d.slots)-1)
}

// take takes a slot if one is free.
func (d *dispatch) take() bool {
	if d.slots == nil {
		return true
	}
	select {
	case d.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// free lets another request begin.
func (d *dispatch) free() {
	if d.slots != nil {
		<-d.slots
	}
}
