package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Findings of restart.
const (
	lostOutside = "requests lost outside a restart"
	lostInHand  = "requests that a draining engine had, lost"
	lostSilent  = "requests lost in a restart that were not told as lost"
)

// runRestart restarts the engine again and again under traffic: killed, and
// asked to stop, in turn.
func runRestart(ctx context.Context, o *options) (*report, error) {
	s := &soak{options: o, ledger: newLedger(), report: &report{Name: "restart", Started: time.Now(), Seed: o.seed}}
	defer func() { s.report.Seconds = time.Since(s.report.Started).Seconds() }()
	if err := s.start(); err != nil {
		return nil, err
	}
	defer s.engine.stop()
	x := &restarts{soak: s}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for i := range x.clients() {
		all.Go(func() { x.client(ctx, rand.New(rand.NewPCG(s.seed, uint64(i)))) })
	}
	err := x.restart(ctx)
	cancel()
	all.Wait()
	stopErr := s.proxy.stop()
	s.report.bar("the proxy's own word at its end", orGood(stopErr), "good", stopErr == nil)
	s.ledger.reconcile()
	x.account()
	return s.report, err
}

type restarts struct {
	*soak
	lost     atomic.Int64 // that the engine had
	unserved atomic.Int64 // that it never had
	made     atomic.Int64
	polite   atomic.Bool // the restart that goes on now is one by request
	finished int
}

func (x *restarts) clients() int { return min(x.conns, 64) }

func (x *restarts) restart(ctx context.Context) error {
	for i := range x.options.restarts {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(1500 * time.Millisecond):
		}
		x.polite.Store(i%2 == 1)
		x.ledger.dies(time.Now())
		if x.polite.Load() {
			x.engine.drain()
		} else {
			x.engine.kill()
		}
		time.Sleep(100 * time.Millisecond)
		err := reopen(x.engine)
		x.ledger.lives(time.Now())
		if err != nil {
			return errors.Join(errors.New("the engine could not come back"), err)
		}
		x.finished++
	}
	time.Sleep(time.Second)
	return nil
}

func (x *restarts) client(ctx context.Context, r *rand.Rand) {
	c := &caller{addr: x.proxy.addr, secure: x.secure, patience: patience}
	defer c.close()
	m := mix{r, 0}
	for ctx.Err() == nil {
		p := m.healthy(x.ledger.open(1))
		p.client, p.body = client{}, min(p.body, 1000)
		polite := x.polite.Load()
		result := c.call(p)
		x.made.Add(1)
		x.ledger.close(p, result)
		x.judge(p, result, polite && x.polite.Load())
		time.Sleep(upTo(r, 20*time.Millisecond))
	}
}

// judge sorts what failed: a restart excuses it, if it was told as a failure,
// and if a polite engine had not begun with it.
func (x *restarts) judge(p *plan, r *result, polite bool) {
	x.ledger.mu.Lock()
	in := x.ledger.during(r.began.Sub(x.ledger.began), r.ended.Sub(x.ledger.began))
	seen := x.ledger.entries[p.id].seen
	x.ledger.mu.Unlock()
	kind, of := verdict(p, r, in)
	switch {
	case !in && kind != "":
		x.ledger.add(lostOutside, p.id, of)
	case kind != "":
		x.ledger.add(lostSilent, p.id, kind+": "+of)
	case !r.exact && polite && seen > 0:
		x.ledger.add(lostInHand, p.id, fmt.Sprintf("(%s) status %d, %v %s", p.label(), r.status, r.err, r.says))
	}
	switch {
	case r.exact:
	case seen > 0:
		x.lost.Add(1)
	default:
		x.unserved.Add(1)
	}
}

func (x *restarts) account() {
	r := x.report
	r.figure("restarts, every second one by request", "%d", x.finished)
	r.figure("connections of clients at a time", "%d", x.clients())
	r.figure("requests", "%d", x.made.Load())
	r.figure("requests lost in flight", "%d", x.lost.Load())
	r.figure("requests answered with an error while there was no engine", "%d", x.unserved.Load())
	for _, kind := range []string{lostOutside, lostSilent, lostInHand, lostRecord, extraRecord, wrongTokens, sentTwice, changedRequest, malformedRequest} {
		r.none(kind, x.ledger.count(kind))
	}
	r.Findings = x.ledger.of
}
