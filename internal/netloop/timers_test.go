package netloop

import (
	"math/rand/v2"
	"testing"
)

// FuzzTimers: whatever is set, put off, brought forward, cancelled and removed,
// each socket comes once, when its own deadline has come and not before, in the
// order in which the earliest moments were due, and the heap stays a heap.
func FuzzTimers(f *testing.F) {
	for seed := range byte(8) {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		steps := make([]byte, 300)
		for i := range steps {
			steps[i] = byte(r.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		now := moment(1)
		var when timers
		conns := make([]*Conn, 7)
		for i := range conns {
			conns[i] = new(Conn)
		}
		model := map[*Conn]moment{}
		for i := 0; i+1 < len(steps); i += 2 {
			c, by := conns[int(steps[i])%len(conns)], moment(steps[i+1])
			switch steps[i] >> 5 {
			case 0: // cancelled
				c.deadline = 0
				when.set(c)
				delete(model, c)
			case 1: // closed
				c.deadline = 0
				when.remove(c)
				delete(model, c)
			case 2, 3: // time passes
				now += by / 4
				for due := when.due(now); due != nil; due = when.due(now) {
					at, ok := model[due]
					if !ok || at > now {
						t.Fatalf("step %d: one came that is due %v (set: %v), now is %v", i, at, ok, now)
					}
					delete(model, due)
				}
				for _, at := range model {
					if at <= now {
						t.Fatalf("step %d: one that was due %v did not come at %v", i, at, now)
					}
				}
			default:
				c.deadline = now + by
				when.set(c)
				model[c] = c.deadline
			}
			checkHeap(t, &when, model)
		}
	})
}

// checkHeap holds the heap to its order and its places, and the next moment to
// be no later than any deadline.
func checkHeap(t *testing.T, when *timers, model map[*Conn]moment) {
	t.Helper()
	for i, c := range when.heap {
		if c.place != int32(i+1) {
			t.Fatalf("the one at %d believes to be at %d", i+1, c.place)
		}
		if above := when.heap[max(0, i-1)/2]; c.armed < above.armed {
			t.Fatalf("the one at %d is before the one above it", i+1)
		}
	}
	for c, at := range model {
		if c.place == 0 || when.first() > at {
			t.Fatalf("one is due at %v, and nobody looks before %v (place %d)", at, when.first(), c.place)
		}
	}
}
