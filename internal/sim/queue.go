package sim

import (
	"container/list"
	"errors"
	"sync"
	"time"
)

var (
	errQueueFull = errors.New("the request queue is full")
	errGone      = errors.New("the client is gone")
	errStopped   = errors.New("the engine was told to stop")
)

// queue admits requests to a fixed number of slots, first come first served.
type queue struct {
	maxWaiting int // 0 is no limit but the connections'

	mu      sync.Mutex // protects what follows
	free    int
	running int
	waiting list.List // of chan struct{}, closed when the slot is handed over
}

func newQueue(slots, maxWaiting int) *queue {
	return &queue{free: slots, maxWaiting: maxWaiting}
}

// acquire waits for a slot until gone or stop is closed.
func (q *queue) acquire(gone, stop <-chan struct{}) (*slot, error) {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.running++
		q.mu.Unlock()
		return &slot{q: q}, nil
	}
	if q.maxWaiting > 0 && q.waiting.Len() >= q.maxWaiting {
		q.mu.Unlock()
		return nil, errQueueFull
	}
	turn := make(chan struct{})
	e := q.waiting.PushBack(turn)
	q.mu.Unlock()

	err := errGone
	select {
	case <-turn:
		return &slot{q: q}, nil
	case <-gone:
	case <-stop:
		err = errStopped
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-turn: // handed over in the same instant: pass it on
		q.passOn()
	default:
		q.waiting.Remove(e)
	}
	return nil, err
}

// passOn hands a slot to the first in line, or frees it. q.mu is held.
func (q *queue) passOn() {
	if e := q.waiting.Front(); e != nil {
		close(q.waiting.Remove(e).(chan struct{}))
		return
	}
	q.running--
	q.free++
}

// load returns how many requests run and how many wait.
func (q *queue) load() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, q.waiting.Len()
}

// slot is the right to run. It is released once, whoever does so first: the
// engine is done with a request when its last token is made, not when a slow
// reader has taken it.
type slot struct {
	q        *queue
	once     sync.Once
	timer    *time.Timer
	released func() // called once, just before it is; may be nil
}

func (s *slot) release() {
	s.once.Do(func() {
		if s.released != nil {
			s.released()
		}
		s.q.mu.Lock()
		s.q.passOn()
		s.q.mu.Unlock()
	})
}

// releaseAfter frees the slot d from now at the latest. It is called by one
// goroutine only.
func (s *slot) releaseAfter(d time.Duration) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if d <= 0 {
		s.release()
		return
	}
	s.timer = time.AfterFunc(d, s.release)
}
