package netloop

import (
	"container/heap"
	"time"
)

// moment is a time, in ns since the loop began; 0 = never.
type moment int64

// moment is t, or never where that is zero.
func (l *Loop) moment(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(max(1, t.Sub(l.born)))
}

// at is the time of m; the zero time where that is never.
func (l *Loop) at(m moment) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return l.born.Add(time.Duration(m))
}

// timers are the sockets that have a deadline, the earliest first. One that is
// put off stays where it is, to be moved when its old time has come.
type timers struct{ heap []*Conn }

// first is when the next socket has to be looked at; zero = never.
func (t *timers) first() moment {
	if len(t.heap) == 0 {
		return 0
	}
	return t.heap[0].armed
}

// set puts c where its deadline belongs.
func (t *timers) set(c *Conn) {
	switch {
	case c.deadline == 0:
	case c.place == 0:
		c.armed = c.deadline
		heap.Push(t, c)
	case c.deadline < c.armed:
		c.armed = c.deadline
		heap.Fix(t, int(c.place-1))
	}
}

func (t *timers) remove(c *Conn) {
	if c.place > 0 {
		heap.Remove(t, int(c.place-1))
	}
}

// due takes out a socket whose time has come; nil = there is none (left).
func (t *timers) due(now moment) *Conn {
	for len(t.heap) > 0 && t.heap[0].armed <= now {
		c := t.heap[0]
		switch {
		case c.deadline == 0:
			heap.Pop(t)
		case c.deadline > now:
			c.armed = c.deadline
			heap.Fix(t, 0)
		default:
			heap.Pop(t)
			c.deadline = 0
			return c
		}
	}
	return nil
}

func (t *timers) Len() int           { return len(t.heap) }
func (t *timers) Less(i, j int) bool { return t.heap[i].armed < t.heap[j].armed }

func (t *timers) Swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].place, t.heap[j].place = int32(i+1), int32(j+1)
}

func (t *timers) Push(c any) {
	t.heap = append(t.heap, c.(*Conn))
	t.heap[len(t.heap)-1].place = int32(len(t.heap))
}

func (t *timers) Pop() any {
	n := len(t.heap) - 1
	c := t.heap[n]
	t.heap[n] = nil
	t.heap, c.place = t.heap[:n], 0
	return c
}

var _ heap.Interface = (*timers)(nil)
