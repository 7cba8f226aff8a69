package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"
)

// churn is soak's account of a traffic whose connections are short: they are
// opened and broken off thousands of times a second, at every point, while the
// engine breaks off its own. A descriptor is then another connection's at once;
// every byte names its request, and none may reach another.
type churn struct {
	*soak
	opened atomic.Int64 // by clients
	silent atomic.Int64 // of them those that asked nothing
}

func runChurn(ctx context.Context, o *options) (*report, error) {
	c := &churn{soak: newSoak(o, "churn")}
	c.client = c.brief
	r, err := c.measure(ctx)
	if err != nil {
		return nil, err
	}
	seconds := c.busy.Seconds()
	r.figure("connections that clients opened and closed", "%d, %.0f a second", c.opened.Load(), float64(c.opened.Load())/seconds)
	r.figure("of them without a request", "%d", c.silent.Load())
	r.figure("connections that the proxy opened to the engine", "%d, %.0f a second", c.engine.accepted.Load(), float64(c.engine.accepted.Load())/seconds)
	return r, nil
}

// brief is a client whose connections see one request or a few.
func (c *churn) brief(ctx context.Context, r *rand.Rand) {
	call := &caller{addr: c.proxy.addr, secure: c.secure, patience: patience, opened: &c.opened, stay: func(*plan) {
		if r.IntN(2) == 0 {
			time.Sleep(upTo(r, 3*time.Millisecond))
		}
	}}
	defer call.close()
	for ctx.Err() == nil {
		if call.conn == nil {
			// A port that was just used may not be used again at once: more addresses
			// have more of them.
			call.from = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+r.IntN(250)))}
		}
		if r.IntN(20) == 0 {
			c.comesAndGoes(call, r)
			continue
		}
		c.request(call, mix{r, c.faults})
		if r.IntN(2) == 0 {
			leave(call, r)
		}
	}
}

// comesAndGoes opens a connection, says nothing on it or a little, and is gone.
func (c *churn) comesAndGoes(call *caller, r *rand.Rand) {
	call.close()
	if err := call.dial(false); err != nil {
		c.ledger.add(failedRequest, 0, fmt.Sprintf("connecting: %v", err))
		return
	}
	c.silent.Add(1)
	if r.IntN(2) == 0 {
		_ = call.write([]byte("\r\n")) // what stands in front of a request is none
	}
	leave(call, r)
}

// leave ends a connection on which nothing is asked, properly or not.
func leave(call *caller, r *rand.Rand) {
	if call.conn != nil && r.IntN(3) == 0 {
		_ = call.tcp.SetLinger(0) // it is closed either way
	}
	call.close()
}

func (c *churn) request(call *caller, m mix) {
	p := m.brief(c.ledger.open(1))
	if p.slow {
		call.close()
	}
	r := call.call(p)
	if p.slow {
		call.close()
	}
	c.ledger.close(p, r)
	c.ledger.judge(p, r)
}

// brief draws a short request. Half of those with a fault are broken off by
// their client, at any point; the others by the engine.
func (m mix) brief(id int64) *plan {
	p := m.healthy(id)
	p.body, p.size, p.send = min(p.body, 4000), min(p.size, 3000), ""
	if p.kind.streams() {
		p.events, p.gap = 1+m.IntN(8), min(p.gap, 500*time.Microsecond)
	}
	if p.slow {
		p.size = 1 << 20
	}
	switch f := m.Float64(); {
	case p.slow || f >= m.share:
	case f < m.share/2:
		m.breakOff(p)
	default:
		if m.spoil(p); p.fault == pause || p.fault == drip {
			p.fault = "" // they take their time
		}
	}
	return p
}

// breakOff has the client leave, wherever that is.
func (m mix) breakOff(p *plan) {
	p.leave, p.how = []string{"head", "body", "wait", "first", "mid", "mid", "mid"}[m.IntN(7)], []string{"fin", "rst", "half"}[m.IntN(3)]
	if p.leave == "body" && !p.kind.hasBody() || p.kind == headOnly {
		p.leave = "head"
	}
	if p.leave == "mid" {
		p.after = 1 + m.IntN(len(p.appendAnswer(nil)))
	}
}
