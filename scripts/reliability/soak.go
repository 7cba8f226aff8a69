package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// soak puts mixed traffic through the proxy for minutes while both sides
// misbehave, and then asks for an account of every request.
type soak struct {
	*options
	ledger *ledger
	engine *engine
	proxy  *process
	report *report
	secure *tls.Config   // of clients that speak TLS
	peaks  [2]usage      // of the first and of the second half
	busy   time.Duration // in which there was traffic
	client func(context.Context, *rand.Rand)
}

// patience is how long a client waits for all of an answer.
const patience = 20 * time.Second

func runSoak(ctx context.Context, o *options) (*report, error) {
	s := newSoak(o, "soak")
	s.client = s.mixed
	return s.measure(ctx)
}

func newSoak(o *options, name string) *soak {
	return &soak{options: o, ledger: newLedger(), report: &report{Name: name, Started: time.Now(), Seed: o.seed}}
}

func (s *soak) measure(ctx context.Context) (*report, error) {
	defer func() { s.report.Seconds = time.Since(s.report.Started).Seconds() }()
	if err := s.start(); err != nil {
		return nil, err
	}
	defer s.engine.stop()
	err := s.run(ctx)
	stopErr := s.proxy.stop()
	s.report.bar("the proxy's own word at its end", orGood(stopErr), "good", stopErr == nil)
	if err != nil {
		return nil, err
	}
	s.ledger.reconcile()
	s.account()
	return s.report, nil
}

func orGood(err error) string {
	if err != nil {
		return err.Error()
	}
	return "good"
}

func (s *soak) start() (err error) {
	s.engine = newEngine()
	s.engine.arrived = func(p *plan, _ bool) { s.ledger.arrived(p) }
	s.engine.whole = s.ledger.whole
	s.engine.wrong = s.ledger.add
	if err := s.engine.open(loopback); err != nil {
		return err
	}
	args := s.proxyArgs
	if s.tls {
		var cert, key string
		if cert, key, s.secure, err = selfSigned(s.dir); err != nil {
			s.engine.stop()
			return err
		}
		args = append([]string{"--tls-cert", cert, "--tls-key", key}, args...)
	}
	s.proxy, err = startProxy(s.program, s.engine.addr, func(r io.Reader) error { return readRecords(r, s.ledger.record) }, args...)
	if err != nil {
		s.engine.stop()
	}
	return err
}

// run is the traffic, from a rest to a rest.
func (s *soak) run(ctx context.Context) error {
	warm, cancel := context.WithTimeout(ctx, 3*time.Second)
	s.traffic(warm, 0)
	cancel()
	before, err := s.rest(nil)
	if err != nil {
		return err
	}
	loaded, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	var aside sync.WaitGroup
	aside.Go(func() { s.trouble(loaded) })
	aside.Go(func() { s.watch(loaded) })
	s.traffic(loaded, 1)
	cancel()
	aside.Wait()
	s.report.Cut = ctx.Err() != nil
	after, err := s.rest(&before)
	if err != nil {
		return err
	}
	s.resources(before, after)
	return nil
}

// traffic runs the clients until ctx ends. round keeps their seeds apart.
func (s *soak) traffic(ctx context.Context, round uint64) {
	began := time.Now()
	defer func() { s.busy += time.Since(began) }()
	var clients sync.WaitGroup
	for i := range s.conns {
		clients.Go(func() { s.client(ctx, rand.New(rand.NewPCG(s.seed, round<<32|uint64(i)))) })
	}
	clients.Wait()
}

// mixed is a client that makes one request after the other.
func (s *soak) mixed(ctx context.Context, r *rand.Rand) {
	c := &caller{addr: s.proxy.addr, secure: s.secure, patience: patience, stay: func(*plan) { time.Sleep(upTo(r, 30*time.Millisecond)) }}
	defer c.close()
	m := mix{r, s.faults}
	for ctx.Err() == nil {
		switch n := r.IntN(100); {
		case n == 0 && s.faults > 0:
			s.malformed(c, r)
		case n < 4:
			s.pipeline(c, m)
		default:
			s.one(c, m)
		}
		if r.IntN(8) == 0 {
			c.close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(upTo(r, 2*s.pace+1)):
		}
	}
}

func (s *soak) one(c *caller, m mix) {
	p := m.draw(s.ledger.open(1))
	if p.slow {
		c.close() // to read slowly is decided when connecting
	}
	r := c.call(p)
	if p.slow {
		c.close()
	}
	s.ledger.close(p, r)
	s.ledger.judge(p, r)
}

// pipeline makes several requests at once.
func (s *soak) pipeline(c *caller, m mix) {
	n := 2 + m.IntN(3)
	first := s.ledger.open(n)
	plans := make([]*plan, n)
	for i := range plans {
		p := m.healthy(first + int64(i))
		p.client, p.body = client{}, min(p.body, 1000)
		plans[i] = p
	}
	for i, r := range c.callAll(plans) {
		s.ledger.close(plans[i], r)
		s.ledger.judge(plans[i], r)
		s.ledger.change(plans[i].id, func(e *entry) { e.kind = "pipelined" })
	}
}

// malformed makes a request that must be refused.
func (s *soak) malformed(c *caller, r *rand.Rand) {
	shape := shapes[r.IntN(len(shapes))]
	first := s.ledger.open(2)
	for i := range int64(2) {
		s.ledger.change(first+i, func(e *entry) { e.kind, e.good = malformedKind+shape.name, true })
	}
	s.ledger.change(first+1, func(e *entry) { e.kind = smuggledKind + shape.name })
	_, _, closed, err := c.provoke(shape.bytes(first, first+1))
	if err == nil && !closed {
		s.ledger.add(hungRequest, first, "("+malformedKind+shape.name+") the connection was not closed")
	}
}

const (
	malformedKind = "malformed: "
	smuggledKind  = "smuggled in: "
)

// trouble kills the engine from time to time, and closes idle connections.
func (s *soak) trouble(ctx context.Context) {
	if s.faults == 0 {
		return
	}
	r := rand.New(rand.NewPCG(s.seed, 1<<40))
	next := time.Now().Add(3 * time.Second)
	kills, closes := 0, 0
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(200*time.Millisecond + upTo(r, 800*time.Millisecond)):
		}
		if closes++; time.Now().Before(next) {
			s.engine.closeIdle(func() bool { return r.IntN(3) > 0 })
			continue
		}
		kills++
		if err := s.restart(50*time.Millisecond + upTo(r, 350*time.Millisecond)); err != nil {
			s.ledger.add(failedRequest, 0, err.Error())
			return
		}
		next = time.Now().Add(3*time.Second + upTo(r, 7*time.Second))
	}
	s.report.figure("times that the engine was killed and came back", "%d", kills)
	s.report.figure("times that idle connections were closed by the engine", "%d", closes-kills)
}

// restart kills the engine and brings it back after a while.
func (s *soak) restart(away time.Duration) error {
	s.ledger.dies(time.Now())
	s.engine.kill()
	time.Sleep(away)
	err := reopen(s.engine)
	s.ledger.lives(time.Now())
	return err
}

// reopen listens again, for which the port may need a moment.
func reopen(e *engine) (err error) {
	for range 50 {
		if err = e.listen(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// watch notes what the proxy uses, until ctx ends.
func (s *soak) watch(ctx context.Context) {
	began := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		u, err := s.proxy.usage()
		if err != nil {
			continue // a proxy that is gone is seen by everybody else
		}
		half := 0
		if time.Since(began) > s.duration/2 {
			half = 1
		}
		s.peaks[half] = s.peaks[half].most(u)
	}
}

func (u usage) most(v usage) usage {
	return usage{max(u.RSS, v.RSS), max(u.Threads, v.Threads), max(u.FDs, v.FDs), max(u.Goroutines, v.Goroutines)}
}

// rest waits until the proxy has let go of what the traffic needed: until its
// use is down to before, or steady where there is none to compare with.
func (s *soak) rest(before *usage) (u usage, err error) {
	steady := 0
	for range 60 {
		time.Sleep(500 * time.Millisecond)
		v, err := s.proxy.usage()
		if err != nil {
			return u, errors.Join(errors.New("the proxy can't be asked what it uses"), err)
		}
		if steady++; v.FDs != u.FDs || v.Goroutines != u.Goroutines {
			steady = 0
		}
		u = v
		if before != nil && u.FDs <= before.FDs && u.Goroutines <= before.Goroutines || before == nil && steady >= 8 {
			return u, nil
		}
	}
	return u, nil
}

// resources says what the traffic left behind.
func (s *soak) resources(before, after usage) {
	peak := s.peaks[0].most(s.peaks[1])
	s.report.figure("memory: before, peak, after", "%s, %s, %s", mib(before.RSS), mib(peak.RSS), mib(after.RSS))
	s.report.figure("threads: before, peak, after", "%d, %d, %d", before.Threads, peak.Threads, after.Threads)
	s.report.figure("descriptors: before, peak, after", "%d, %d, %d", before.FDs, peak.FDs, after.FDs)
	if before.Goroutines > 0 {
		s.report.figure("goroutines: before, peak, after", "%d, %d, %d", before.Goroutines, peak.Goroutines, after.Goroutines)
		s.report.bar("goroutines left over", fmt.Sprint(max(0, after.Goroutines-before.Goroutines)), "0", after.Goroutines <= before.Goroutines)
	} else {
		s.report.figure("goroutines", "not told: /metrics has no go_goroutines")
	}
	s.report.bar("descriptors left over", fmt.Sprint(max(0, after.FDs-before.FDs)), "0", after.FDs <= before.FDs)
	if first, second := s.peaks[0].RSS, s.peaks[1].RSS; second > 0 {
		limit := first + first/4 + 16<<20
		s.report.bar("memory at most in the second half", mib(second), "up to "+mib(limit)+", a quarter and 16 MiB above the first", second <= limit)
	}
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// account turns the ledger into the report.
func (s *soak) account() {
	l, r := s.ledger, s.report
	r.Counts, r.Outcomes = map[string]int{}, map[string]int{}
	healthy, faulty, during, records := 0, 0, 0, l.foreign
	for _, e := range l.entries {
		switch {
		case e.kind == "":
			continue
		case e.healthy:
			healthy++
		default:
			faulty++
		}
		if l.during(e.from, e.to) {
			during++
		}
		r.Counts[e.kind]++
		records += int(e.records)
		if e.outcome != "" {
			r.Outcomes[e.outcome]++
		}
	}
	r.Outcomes["of heads that were refused, with an id of the proxy's own"] = l.foreign
	r.figure("connections of clients at a time", "%d", s.conns)
	r.figure("requests", "%d", healthy+faulty)
	r.figure("of them with a fault of either side", "%d", faulty)
	r.figure("of them while the engine was dead", "%d", during)
	r.figure("requests with a question for usage that was taken out again", "%d", s.engine.asked.Load())
	r.figure("Records", "%d", records)
	for _, kind := range []string{failedRequest, unfaithful, alienBytes, wrongBytes, unreadable, falseEnd, hungRequest, lostTrailers,
		lostRecord, extraRecord, strangeRecord, wrongOutcome, wrongTokens,
		malformedRequest, changedRequest, halfRequest, sentTwice, smuggled, notTold} {
		r.none(kind, l.count(kind))
	}
	r.Findings = l.of
}
