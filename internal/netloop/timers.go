package netloop

import (
	"container/heap"
	"time"
)

// timers are the sockets that have a deadline, the earliest first. One that is
// put off stays where it is, to be moved when its old time has come.
type timers struct{ heap []*Conn }

// first is when the next socket has to be looked at; zero = never.
func (t *timers) first() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].armed
}

// set puts c where its deadline belongs.
func (t *timers) set(c *Conn) {
	switch {
	case c.deadline.IsZero():
	case c.place == 0:
		c.armed = c.deadline
		heap.Push(t, c)
	case c.deadline.Before(c.armed):
		c.armed = c.deadline
		heap.Fix(t, c.place-1)
	}
}

func (t *timers) remove(c *Conn) {
	if c.place > 0 {
		heap.Remove(t, c.place-1)
	}
}

// due takes out a socket whose time has come; nil = there is none (left).
func (t *timers) due(now time.Time) *Conn {
	for len(t.heap) > 0 && !t.heap[0].armed.After(now) {
		c := t.heap[0]
		switch {
		case c.deadline.IsZero():
			heap.Pop(t)
		case c.deadline.After(now):
			c.armed = c.deadline
			heap.Fix(t, 0)
		default:
			heap.Pop(t)
			c.deadline = time.Time{}
			return c
		}
	}
	return nil
}

func (t *timers) Len() int           { return len(t.heap) }
func (t *timers) Less(i, j int) bool { return t.heap[i].armed.Before(t.heap[j].armed) }

func (t *timers) Swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].place, t.heap[j].place = i+1, j+1
}

func (t *timers) Push(c any) {
	t.heap = append(t.heap, c.(*Conn))
	t.heap[len(t.heap)-1].place = len(t.heap)
}

func (t *timers) Pop() any {
	n := len(t.heap) - 1
	c := t.heap[n]
	t.heap[n] = nil
	t.heap, c.place = t.heap[:n], 0
	return c
}

var _ heap.Interface = (*timers)(nil)
