package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// aborts measures how long it takes from a client's leaving to the end of the
// engine's connection, as the engine's socket sees it.
type aborts struct {
	*options
	findings
	engine *engine
	report *report
	limit  time.Duration // until an abort counts as never told
	ids    atomic.Int64

	mu    sync.Mutex // protects watch
	watch map[int64]*abort
}

// abort is one client that leaves.
type abort struct {
	arrived chan struct{}
	gone    chan time.Time
}

// The phases in which a client leaves, with what makes the engine stay there.
var phases = []struct{ leave, fault, name string }{
	{"wait", holdWait, "waiting for an answer"},
	{"first", holdFirst, "before the first token"},
	{"mid", holdMid, "in the middle of the stream"},
}

// Abort findings.
const (
	neverTold    = "aborts that the engine never learnt of"
	sentOn       = "pipelined requests of clients that had left, sent on"
	brokenBehind = "pipelined requests of clients that stayed, answered wrong"
)

const (
	abortWorkers = 16
	abortLimit   = 5 * time.Second
	abortBar     = 10 * time.Millisecond
)

func runAborts(ctx context.Context, o *options) (*report, error) {
	a := &aborts{options: o, limit: abortLimit, watch: map[int64]*abort{}, report: &report{Name: "aborts", Started: time.Now(), Seed: o.seed}}
	defer func() { a.report.Seconds = time.Since(a.report.Started).Seconds() }()
	a.engine = newEngine()
	a.engine.arrived, a.engine.gone = a.seen, a.gone
	if err := a.engine.open(loopback); err != nil {
		return nil, err
	}
	defer a.engine.stop()
	if err := a.over(ctx, "plain", nil, nil); err != nil {
		return nil, err
	}
	if knows(o.program, "--tls-cert") {
		cert, key, config, err := selfSigned(o.dir)
		if err != nil {
			return nil, err
		}
		if err := a.over(ctx, "TLS", config, []string{"--tls-cert", cert, "--tls-key", key}); err != nil {
			return nil, err
		}
	} else {
		a.report.figure("over TLS", "skipped: this proxy has no --tls-cert")
	}
	a.report.none(neverTold, a.count(neverTold))
	a.report.none(sentOn, a.count(sentOn))
	a.report.none(brokenBehind, a.count(brokenBehind))
	a.report.Findings = a.of
	return a.report, nil
}

// over measures with one proxy: plain clients, or those over TLS.
func (a *aborts) over(ctx context.Context, name string, secure *tls.Config, args []string) (err error) {
	discard := func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }
	proxy, err := startProxy(a.program, a.engine.addr, discard, append(args, a.proxyArgs...)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy.stop()) }()
	for _, pipelined := range []bool{false, true} {
		for i := range phases {
			if ctx.Err() != nil {
				return nil
			}
			a.cell(ctx, proxy.addr, name, secure, i, pipelined)
		}
	}
	for i := range phases {
		a.stayers(ctx, proxy.addr, name, secure, i)
	}
	return nil
}

// cell makes the aborts of one phase.
func (a *aborts) cell(ctx context.Context, addr, over string, secure *tls.Config, phase int, pipelined bool) {
	var mu sync.Mutex
	var took []time.Duration
	a.workers(ctx, a.options.aborts, func(c *caller, r *rand.Rand) {
		if d, ok := a.one(c, r, phase, pipelined); ok {
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
		}
	}, addr, secure, uint64(phase))
	name := phases[phase].name + ", " + over
	if pipelined {
		name += ", with pipelined bytes"
	}
	slices.Sort(took)
	if len(took) == 0 {
		a.report.bar(name, "no aborts", "some", ctx.Err() != nil)
		return
	}
	at := func(q float64) time.Duration { return took[min(len(took)-1, int(q*float64(len(took))))] }
	a.report.bar(name, fmt.Sprintf("%d aborts: p50 %s, p99 %s, max %s", len(took), millis(at(.5)), millis(at(.99)), millis(took[len(took)-1])),
		"p99 below "+millis(abortBar), at(.99) < abortBar)
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// workers runs what n times, a few at a time.
func (a *aborts) workers(ctx context.Context, n int, what func(*caller, *rand.Rand), addr string, secure *tls.Config, seed uint64) {
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for i := range abortWorkers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(a.seed, seed<<32|uint64(i)))
			c := &caller{addr: addr, secure: secure, patience: patience}
			defer c.close()
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				what(c, r)
			}
		})
	}
	all.Wait()
}

// one lets a client leave and waits for the engine to learn of it.
func (a *aborts) one(c *caller, r *rand.Rand, phase int, pipelined bool) (time.Duration, bool) {
	p := &plan{id: a.ids.Add(1), kind: stream, events: 5, size: 20, body: 100, fault: phases[phase].fault, at: 3}
	if phases[phase].leave == "wait" && r.IntN(2) == 0 {
		p.kind = whole
	}
	p.leave, p.how = phases[phase].leave, []string{"fin", "rst", "half"}[r.IntN(3)]
	x := &abort{make(chan struct{}), make(chan time.Time, 1)}
	a.mu.Lock()
	a.watch[p.id] = x
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.watch, p.id)
		a.mu.Unlock()
	}()
	var behind []byte
	if pipelined {
		behind = a.behind()
	}
	c.ahead = nil
	if r.IntN(2) == 0 {
		c.ahead, behind = behind, nil
	}
	c.stay = func(*plan) {
		select {
		case <-x.arrived:
		case <-time.After(a.limit):
		}
		if len(behind) > 0 && c.write(behind) != nil {
			return // the proxy has closed: seen by the measurement
		}
		time.Sleep(upTo(r, 3*time.Millisecond))
	}
	result := c.call(p)
	c.close()
	if !result.left {
		a.add(neverTold, p.id, fmt.Sprintf("(%s %s) it came to nothing: status %d, %v", p.leave, p.how, result.status, result.err))
		return 0, false
	}
	select {
	case at := <-x.gone:
		return max(0, at.Sub(result.leftAt)), true
	case <-time.After(a.limit):
		a.add(neverTold, p.id, fmt.Sprintf("(%s %s) within %s", p.leave, p.how, a.limit))
		return a.limit, true
	}
}

// behind is a second request, whose id tells that it must not arrive.
func (a *aborts) behind() []byte {
	p := &plan{id: unwanted + a.ids.Add(1), kind: whole, size: 20, body: 100}
	body := p.appendRequest(nil)
	return append(appendHead(nil, p, len(body)), body...)
}

// unwanted is where the ids begin of requests that must not reach the engine.
const unwanted = 500_000_000

func (a *aborts) seen(p *plan, _ bool) {
	if p.id >= unwanted {
		a.add(sentOn, p.id, "")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if x := a.watch[p.id]; x != nil {
		select {
		case <-x.arrived: // a second time, on a fresh connection
		default:
			close(x.arrived)
		}
	}
}

func (a *aborts) gone(id int64, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if x := a.watch[id]; x != nil {
		select {
		case x.gone <- at:
		default: // only the first counts
		}
	}
}

// stayers have a second request waiting in the same phase, and do not leave:
// both must be answered whole.
func (a *aborts) stayers(ctx context.Context, addr, over string, secure *tls.Config, phase int) {
	n := max(1, a.options.aborts/8)
	a.workers(ctx, n, func(c *caller, r *rand.Rand) {
		first := a.ids.Add(2) - 1
		plans := []*plan{
			{id: first, kind: stream, events: 6, size: 20, body: 100, gap: 3 * time.Millisecond},
			{id: first + 1, kind: whole, size: 500, body: 100},
		}
		if phases[phase].leave == "wait" {
			plans[0].fault = late
		}
		for i, r := range c.callBehind(plans[0], plans[1], phases[phase].leave) {
			if kind, of := verdict(plans[i], r, false); kind != "" {
				a.add(brokenBehind, plans[i].id, fmt.Sprintf("(%s, %s) %s", phases[phase].name, over, of))
			}
		}
	}, addr, secure, 8+uint64(phase))
	a.report.figure("clients that stayed with a request behind, "+phases[phase].name+", "+over, "%d", n)
}

// callBehind makes a request, waits for the phase, and makes another one before
// the first is answered.
func (c *caller) callBehind(p, next *plan, phase string) [2]*result {
	body := next.appendRequest(nil)
	behind := append(appendHead(nil, next, len(body)), body...)
	r := [2]*result{{began: time.Now()}, {began: time.Now()}}
	err := c.dial(false)
	if err == nil {
		err = c.conn.SetDeadline(time.Now().Add(c.patience))
	}
	if err == nil {
		c.ahead = nil
		if c.request(p, r[0]); r[0].err != nil {
			err = r[0].err
		}
	}
	if err == nil && phase != "wait" {
		_, err = c.br.Peek(1)
	}
	if err == nil && phase == "mid" {
		time.Sleep(5 * time.Millisecond)
	}
	if err == nil {
		err = c.write(behind)
	}
	for i, p := range []*plan{p, next} {
		if r[i].err = err; err == nil && c.conn == nil {
			r[i].err = errors.New("the connection was closed behind the first answer")
		} else if err == nil {
			c.receive(p, r[i])
			c.conclude(r[i])
		}
	}
	if err != nil {
		c.close()
	}
	return r
}
