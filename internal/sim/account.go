package sim

import (
	"sync"
	"time"
)

// account is what one admitted request does to the engine's own counters. They
// follow the plan, not the wire: an engine has made a token before its client
// has read it, and goes on making them until it sees that the client has left.
type account struct {
	s                *Server
	queued           time.Duration
	times            []time.Duration // of the plan's steps, since admission
	made             []int           // tokens by the end of each
	prompted, cached int
	finish           string
	hung             bool // nothing is made, whatever the plan

	mu     sync.Mutex // protects what follows
	filled bool
	told   int // tokens counted so far
	closed bool
}

// openAccount begins the account of a request that has its slot, and its plan.
func (s *Server) openAccount(p *plan, queued time.Duration) *account {
	a := &account{s: s, queued: queued, times: p.times, made: p.made(), prompted: p.promptTokens(), cached: p.cachedTokens(), finish: "stop"}
	if len(p.choices) > 0 {
		a.finish = engineFinish(p.choices[0].finish)
	}
	s.held.Add(int64(a.room()))
	return a
}

// engineFinish is why a generation ended, in the engine's own words.
func engineFinish(reason string) string {
	if reason == "length" || reason == "abort" {
		return reason
	}
	return "stop"
}

// room is how many tokens the request may come to hold.
func (a *account) room() int {
	if len(a.made) == 0 {
		return a.prompted
	}
	return a.prompted + a.made[len(a.made)-1]
}

// fill counts the prompt, once.
func (a *account) fill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fillOnce()
}

func (a *account) fillOnce() {
	if a.filled {
		return
	}
	a.filled = true
	a.s.prompted.Add(uint64(a.prompted))
	a.s.cached.Add(uint64(a.cached))
}

// count adds tokens that were sent.
func (a *account) count(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.told += n
		a.s.generated.Add(uint64(n))
	}
}

// close brings the counters to what was done by worked, the time since admission
// at which the engine lets go of the request. As on vLLM, the times of one that
// it did not finish count nowhere but in the TTFT.
func (a *account) close(worked time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.s.held.Add(-int64(a.room()))
	first, end := a.times[0], a.times[len(a.times)-1]
	if worked < first || a.hung {
		return
	}
	a.fillOnce()
	made := 0
	for k, n := range a.made {
		if a.times[k] <= worked {
			made = n
		}
	}
	a.s.generated.Add(uint64(max(made-a.told, 0)))
	a.s.spans.ttft.observe(a.queued + first)
	if worked < end {
		return
	}
	a.s.spans.queue.observe(a.queued)
	a.s.spans.prefill.observe(first)
	a.s.spans.decode.observe(end - first)
	a.s.spans.e2e.observe(a.queued + end)
	a.s.finished.add(a.finish)
}

// made is how many tokens there are, of all choices, by the end of each step.
func (p *plan) made() []int {
	made := make([]int, len(p.times))
	for i := range p.choices {
		steps := p.choices[i].steps
		for k := range made {
			if len(steps) > 0 {
				made[k] += steps[min(k, len(steps)-1)]
			}
		}
	}
	return made
}
