package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const staleUpload = "uploads too large to be sent again, on a connection that was not fresh"

const (
	// injectLimit makes larger bodies pass as streams. The proxy may still keep
	// a few tens of kilobytes to send them again.
	injectLimit = 1024
	// largeBody is more than anybody keeps.
	largeBody = 128 << 10
)

// idleClose has the engine close connections between requests, at moments that
// race with the next one, and expects that no client ever notices.
type idleClose struct {
	*options
	ledger  *ledger
	engine  *engine
	proxy   *process
	report  *report
	retries atomic.Int64
	pulled  atomic.Int64 // connections closed as a request arrived
}

func runIdleClose(ctx context.Context, o *options) (*report, error) {
	s := &idleClose{options: o, ledger: newLedger(), report: &report{Name: "idle-close", Started: time.Now(), Seed: o.seed}}
	defer func() { s.report.Seconds = time.Since(s.report.Started).Seconds() }()
	if err := s.start(); err != nil {
		return nil, err
	}
	defer s.engine.stop()
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { s.closer(ctx) })
	const clients = 64
	for i := range clients {
		all.Go(func() { s.client(ctx, rand.New(rand.NewPCG(s.seed, uint64(i)))) })
	}
	all.Wait()
	stopErr := s.proxy.stop()
	s.report.bar("the proxy's own word at its end", orGood(stopErr), "good", stopErr == nil)
	s.ledger.reconcile()
	s.account()
	return s.report, nil
}

func (s *idleClose) start() (err error) {
	s.engine = newEngine()
	s.engine.arrived = func(p *plan, fresh bool) {
		s.ledger.arrived(p)
		if p.body > largeBody && !fresh {
			s.ledger.add(staleUpload, p.id, p.label())
		}
	}
	s.engine.whole, s.engine.wrong, s.engine.idle = s.ledger.whole, s.ledger.add, s.idle
	if err := s.engine.open(loopback); err != nil {
		return err
	}
	take := func(line recordLine) {
		s.retries.Add(int64(line.Retries))
		s.ledger.record(line)
	}
	args := append([]string{"--inject-limit", strconv.Itoa(injectLimit)}, s.proxyArgs...)
	s.proxy, err = startProxy(s.program, s.engine.addr, func(r io.Reader) error { return readRecords(r, take) }, args...)
	if err != nil {
		s.engine.stop()
	}
	return err
}

// idle is how long a connection is kept: some close at the moment that a
// request arrives, many soon, the others within 0.1 to 5 s.
func (s *idleClose) idle(int) idleness {
	how := idleness{reset: rand.IntN(3) == 0}
	switch n := rand.IntN(20); {
	case n == 0:
		how.onArrival = true
		s.pulled.Add(1)
	case n < 12:
		how.after = 100*time.Millisecond + time.Duration(rand.Int64N(int64(4900*time.Millisecond)))
	default:
		how.after = time.Millisecond + time.Duration(rand.Int64N(int64(100*time.Millisecond)))
	}
	return how
}

// closer closes a part of the idle connections every few milliseconds.
func (s *idleClose) closer(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(rand.Int64N(int64(100 * time.Millisecond)))):
			s.engine.closeIdle(func() bool { return rand.IntN(4) > 0 })
		}
	}
}

// client makes a few requests, and then is silent for a while: never, or for as
// long as connections to the engine live.
func (s *idleClose) client(ctx context.Context, r *rand.Rand) {
	c := &caller{addr: s.proxy.addr, patience: patience}
	defer c.close()
	for ctx.Err() == nil {
		for range 1 + r.IntN(6) {
			s.one(c, r)
		}
		pause := upTo(r, 30*time.Millisecond)
		switch r.IntN(10) {
		case 0:
			pause = time.Second + upTo(r, 2500*time.Millisecond)
		case 1, 2, 3:
			pause = 50*time.Millisecond + upTo(r, 500*time.Millisecond)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (s *idleClose) one(c *caller, r *rand.Rand) {
	p := &plan{id: s.ledger.open(1), kind: whole, size: 100, body: 100 + r.IntN(400)}
	switch n := r.IntN(20); {
	case n < 7:
		p.kind, p.events = stream, 1+r.IntN(6)
	case n < 9:
		p.kind = get
	case n == 9:
		p.body = 20 << 10
	case n == 10:
		p.body = 2 * largeBody
	case n == 11:
		p.body, p.send = []int{20 << 10, 2 * largeBody}[r.IntN(2)], "chunked"
	case n == 12:
		p.send = "chunked"
	}
	result := c.call(p)
	s.ledger.close(p, result)
	s.ledger.judge(p, result)
}

func (s *idleClose) account() {
	l, r := s.ledger, s.report
	uploads := 0
	for _, e := range l.entries {
		if e.upload {
			uploads++
		}
	}
	r.figure("requests", "%d", len(l.entries))
	r.figure(fmt.Sprintf("of them uploads above --inject-limit %d", injectLimit), "%d", uploads)
	r.figure("connections set to close as a request arrives", "%d", s.pulled.Load())
	r.figure("replays, by the Records", "%d", s.retries.Load())
	for _, kind := range []string{failedRequest, alienBytes, wrongBytes, hungRequest, staleUpload, sentTwice, changedRequest, malformedRequest, lostRecord, extraRecord, wrongOutcome, wrongTokens} {
		r.none(kind, l.count(kind))
	}
	r.Findings = l.of
}
