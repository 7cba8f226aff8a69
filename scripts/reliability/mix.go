package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// mix draws requests as a service sees them, and faults among them.
type mix struct {
	*rand.Rand
	share float64 // of requests with a fault
}

// faultNames are all but none, in an order that does not change.
var faultNames = func() (names []string) {
	for name := range faults {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}()

// draw is the next request.
func (m mix) draw(id int64) *plan {
	p := m.healthy(id)
	if m.Float64() < m.share {
		m.spoil(p)
	}
	return p
}

func (m mix) healthy(id int64) *plan {
	p := &plan{id: id, body: 50 + m.IntN(600), size: 5 + m.IntN(50)}
	switch n := m.IntN(100); {
	case n < 48:
		p.kind = stream
	case n < 57:
		p.kind = completions
	case n < 77:
		p.kind, p.size = whole, 20+m.IntN(4000)
	case n < 87:
		p.kind, p.size = embeddings, 4000+m.IntN(12000)
	case n < 96:
		p.kind, p.size = get, 20+m.IntN(3000) // never empty: that is whole with its head, and no fault can cut it
	default:
		p.kind, p.size = headOnly, 20+m.IntN(3000)
	}
	if p.kind.streams() {
		p.events, p.usage = 1+m.IntN(40), m.IntN(10) == 0
		if m.IntN(2) == 0 {
			p.gap = time.Duration(200+m.IntN(4000)) * time.Microsecond
		}
	}
	m.size(p)
	m.manner(p)
	return p
}

// size makes a few large, in one direction.
func (m mix) size(p *plan) {
	switch m.IntN(60) {
	case 0:
		p.body = 200<<10 + m.IntN(1800<<10)
	case 1:
		if !p.kind.streams() && p.kind != headOnly {
			p.size = 200<<10 + m.IntN(800<<10)
		}
	}
}

// manner is how the client writes and reads.
func (m mix) manner(p *plan) {
	switch n := m.IntN(100); {
	case n < 8 && p.kind.hasBody():
		p.send = "chunked"
	case n < 13:
		p.send = "http10"
	case n < 16 && p.kind.hasBody():
		p.send = "expect"
	case n < 21:
		p.send = "close"
	case n == 22 && p.body < 1000:
		p.send = "slow"
	case n == 23 && p.kind == get:
		p.slow, p.size = true, 3<<20
	}
}

// spoil gives a request a fault of the engine's, or a client that leaves.
func (m mix) spoil(p *plan) {
	how := []string{"fin", "rst", "half"}[m.IntN(3)]
	if m.IntN(6) == 0 {
		p.leave, p.how = "head", how
		if p.kind.hasBody() && p.send != "chunked" && m.IntN(2) == 0 {
			p.leave = "body"
		}
		p.send, p.slow = "", false
		return
	}
	fault := faultNames[m.IntN(len(faultNames))]
	rule := faults[fault]
	if !rule.fits(p.kind) || fault == early413 && !p.kind.hasBody() {
		return
	}
	p.fault, p.at = fault, 1+m.IntN(3)
	if p.kind.streams() && fault != error200 {
		p.at = 1 + m.IntN(p.events)
	}
	if fault == surplus || fault == shortLength {
		p.size = min(p.size, 4000) // one write, and one read
	}
	if fault == early413 && m.IntN(2) == 0 {
		p.body = 300 << 10
	}
	if rule.held {
		p.leave, p.how = map[string]string{holdWait: "wait", holdFirst: "first", holdMid: "mid"}[fault], how
		if p.send == "http10" || p.send == "close" {
			p.send = ""
		}
		p.slow = false
	}
}

// upTo is a random duration below most.
func upTo(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}
