package sim

import (
	"strings"
	"sync"
)

// jobs are the requests that the engine works on, for those who tell it to stop.
type jobs struct {
	mu    sync.Mutex // protects what follows
	known map[*job]struct{}
}

// job is a request from its plan until its slot is free, which may be long after
// its client has left.
type job struct {
	ids  []string
	stop chan struct{} // closed when the engine is told to stop it
	slot *slot         // nil while it waits for one; under jobs.mu
	told bool          // stop is closed; under jobs.mu
}

func newJobs() *jobs { return &jobs{known: make(map[*job]struct{})} }

func (js *jobs) add(ids []string) *job {
	j := &job{ids: ids, stop: make(chan struct{})}
	js.mu.Lock()
	defer js.mu.Unlock()
	js.known[j] = struct{}{}
	return j
}

// start gives the job its slot; it is forgotten when that is released, and
// released is called.
func (js *jobs) start(j *job, sl *slot, released func()) {
	js.mu.Lock()
	defer js.mu.Unlock()
	j.slot = sl
	sl.released = func() {
		released()
		js.forget(j)
	}
}

func (js *jobs) forget(j *job) {
	js.mu.Lock()
	defer js.mu.Unlock()
	delete(js.known, j)
}

// abort stops the jobs with an id that begins with prefix, and returns how many.
// A job whose client has left, and which an engine slow to notice goes on with,
// gives its slot back at once.
func (js *jobs) abort(prefix string) int {
	var slots []*slot
	n := 0
	js.mu.Lock()
	for j := range js.known {
		if j.told || !j.answersTo(prefix) {
			continue
		}
		j.told = true
		close(j.stop)
		n++
		if j.slot != nil {
			slots = append(slots, j.slot)
		}
	}
	js.mu.Unlock()
	for _, s := range slots {
		s.release() // calls forget, which takes the lock
	}
	return n
}

func (j *job) answersTo(prefix string) bool {
	for _, id := range j.ids {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}
