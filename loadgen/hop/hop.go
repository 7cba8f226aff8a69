// Package hop puts the load generator's Records and a proxy's Records of the
// same requests side by side, and says where their time went: with us, on the
// way through the proxy, or in the engine. The proxy's come as Records, from a
// proxy in this process, or as the lines that it logs (lines.go). It prints
// nothing.
package hop

import (
	"sync"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// Join is the requests of a sweep. A request that only one end has told of yet
// waits for the other; what is joined is only summed, so that memory is needed
// for what waits. It is safe for concurrent use.
type Join struct {
	point func(requestID string) (name string, ok bool)

	mu      sync.Mutex // protects the rest
	clients map[string]ours
	proxies map[string]theirs
	points  map[string]*sums
}

// ours is a request as the load generator has it, times in ms.
type ours struct{ queue, ttft, e2e record.Opt[float64] }

// theirs is a request as the proxy has it, times in ms.
type theirs struct{ ttft, e2e, overhead record.Opt[float64] }

// sums are those of one point.
type sums struct {
	joined, firsts, told                 int // requests; of them with a TTFT at both ends; with the proxy's overhead
	queue, hopTTFT, ttft, hop, e2e, code float64
}

// New joins what has an id that point knows the point of.
func New(point func(requestID string) (name string, ok bool)) *Join {
	return &Join{point: point, clients: make(map[string]ours), proxies: make(map[string]theirs), points: make(map[string]*sums)}
}

// Client takes the load generator's Records. Only requests that succeeded are
// joined: one that was sent again has several Records at the proxy, and the one
// that was answered is the one we have.
func (j *Join) Client() record.Sink {
	return record.SinkFunc(func(r *record.Record) {
		if r.Outcome == record.Complete {
			j.client(r.RequestID, ours{queue: ms(r.ClientQueue()), ttft: ms(r.TTFT()), e2e: ms(r.E2E())})
		}
	})
}

// Proxy takes the Records of a proxy in this process.
func (j *Join) Proxy() record.Sink {
	return record.SinkFunc(func(r *record.Record) {
		if r.Outcome == record.Complete {
			j.proxy(r.RequestID, theirs{ttft: ms(r.TTFT()), e2e: ms(r.E2E()), overhead: ms(r.Overhead.Get())})
		}
	})
}

func ms(d time.Duration, ok bool) record.Opt[float64] {
	if !ok {
		return record.Opt[float64]{}
	}
	return record.Some(float64(d) / float64(time.Millisecond))
}

func (j *Join) client(id string, o ours) {
	j.mu.Lock()
	defer j.mu.Unlock()
	name, ok := j.point(id)
	if !ok {
		return
	}
	if t, both := j.proxies[id]; both {
		delete(j.proxies, id)
		j.at(name).add(o, t)
		return
	}
	j.clients[id] = o
}

func (j *Join) proxy(id string, t theirs) {
	j.mu.Lock()
	defer j.mu.Unlock()
	name, ok := j.point(id)
	if !ok {
		return
	}
	if o, both := j.clients[id]; both {
		delete(j.clients, id)
		j.at(name).add(o, t)
		return
	}
	j.proxies[id] = t
}

func (j *Join) at(name string) *sums {
	s := j.points[name]
	if s == nil {
		s = new(sums)
		j.points[name] = s
	}
	return s
}

// add sums a request up. One that an end has no time of is in no mean.
func (s *sums) add(o ours, t theirs) {
	e2e, ok := o.e2e.Get()
	engine, known := t.e2e.Get()
	if !ok || !known {
		return
	}
	s.joined++
	s.queue += o.queue.Or(0)
	s.hop += e2e - engine
	s.e2e += engine
	if ttft, ok := o.ttft.Get(); ok {
		if engine, ok := t.ttft.Get(); ok {
			s.firsts++
			s.hopTTFT += ttft - engine
			s.ttft += engine
		}
	}
	if code, ok := t.overhead.Get(); ok {
		s.told++
		s.code += code
	}
}

// Waiting is how many of our requests the proxy has not told of.
func (j *Join) Waiting() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.clients)
}

// Of is what a point came to; nil where neither end told of a request of it.
func (j *Join) Of(point string) *results.Hop {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := &results.Hop{ClientOnly: count(j, j.clients, point), ProxyOnly: count(j, j.proxies, point)}
	s := j.points[point]
	if s == nil {
		if h.ClientOnly+h.ProxyOnly == 0 {
			return nil
		}
		return h
	}
	h.Joined = s.joined
	h.Client, h.HopE2E, h.EngineE2E = mean(s.queue, s.joined), mean(s.hop, s.joined), mean(s.e2e, s.joined)
	h.HopTTFT, h.EngineTTFT = mean(s.hopTTFT, s.firsts), mean(s.ttft, s.firsts)
	h.Proxy = mean(s.code, s.told)
	if code, ok := h.Proxy.Get(); ok {
		h.Unattributed = record.Some(h.HopE2E.Or(0) - code)
	}
	return h
}

// count is how many of a point's requests wait.
func count[T any](j *Join, waiting map[string]T, point string) (n int) {
	for id := range waiting {
		if name, _ := j.point(id); name == point {
			n++
		}
	}
	return n
}

func mean(sum float64, n int) record.Opt[float64] {
	if n == 0 {
		return record.Opt[float64]{}
	}
	return record.Some(sum / float64(n))
}
