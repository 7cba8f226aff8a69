package loadgen

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
)

// Run is one Pacer over one Workload, once.
type Run struct {
	Client   *Client
	Pacer    Pacer
	Workload Workload
	// MaxInFlight holds requests back while so many run; 0 means no bound but
	// the Pacer's.
	MaxInFlight int
	// Ramp is the time in which MaxInFlight grows evenly from 1 to what it is; 0
	// is at once.
	Ramp time.Duration
	// Connect is how many connections are open before the clock starts, besides
	// those of requests that are due at the beginning. The server or we close
	// those that stay unused for some seconds.
	Connect int
	// Grace is how long requests may still run once no more are sent; those
	// that take longer are broken off and count as aborted. 0 means no bound.
	Grace time.Duration
	// ID begins each request's X-Request-Id, which must be the run's own.
	ID string
	// Began is told when the clock starts; nil is fine.
	Began func(at time.Time)
	// Sink is given each Record when its request has ended, one at a time. A
	// request that was never begun, because ctx was cancelled, has none.
	Sink record.Sink
}

// ahead is how long before it is due a request is made ready, its connection
// opened, so that it leaves on time.
const ahead = 50 * time.Millisecond

// unreachablePause is how long a request that found no server keeps its slot: a
// closed loop would otherwise do nothing but fail, as fast as it can.
const unreachablePause = 100 * time.Millisecond

// Do sends the requests and returns when all have ended. Those that are due
// at the beginning are made ready first, connections open, and released
// together: only then the clock starts. Cancelling ctx closes what is in
// flight and sends no more; the error is then ctx's. An error otherwise means
// that a request could not even be made.
func (r *Run) Do(ctx context.Context) error {
	going, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d := &dispatch{run: r, begin: make(chan struct{}), stop: stop}
	if r.MaxInFlight > 0 {
		d.slots = make(chan struct{}, r.MaxInFlight)
	}
	d.narrow()
	_ = r.Client.pool.Warm(going, r.Connect) // what fails here fails for a request too, which tells
	sent := d.first(going)
	go d.widen(going)
	d.rest(going, sent)
	d.finish(going)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := context.Cause(going); err != nil && err != errGrace {
		return err
	}
	return nil
}

// dispatch is the state of a Run that is being done.
type dispatch struct {
	run   *Run
	stop  context.CancelCauseFunc
	begin chan struct{} // closed when the clock starts
	clock time.Time     // set before begin is closed
	ends  time.Time     // no request is due from then on; zero where only their number ends the run
	slots chan struct{} // nil without MaxInFlight
	all   sync.WaitGroup

	inFlight atomic.Int64
	mu       sync.Mutex // one call to Sink at a time
}

// first makes ready what is due at 0 and releases it.
func (d *dispatch) first(ctx context.Context) (sent int) {
	var ready sync.WaitGroup
	for ; ctx.Err() == nil; sent++ {
		if wait, over := d.run.Pacer.Pace(0, sent); over || wait > 0 {
			break
		}
		if !d.take() {
			break
		}
		ready.Add(1)
		i := sent
		d.all.Go(func() {
			x := d.make(ctx, i)
			ready.Done()
			d.all.Go(func() {
				<-d.begin
				d.do(ctx, x, d.clock)
			})
		})
	}
	ready.Wait()
	d.clock = time.Now()
	if p, ok := d.run.Pacer.(ending); ok && p.Ends() > 0 {
		d.ends = d.clock.Add(p.Ends())
	}
	if d.run.Began != nil {
		d.run.Began(d.clock)
	}
	close(d.begin)
	return sent
}

// rest sends what is due later, or was held back. A server that lets every
// request wait does not keep it beyond the run's end.
func (d *dispatch) rest(ctx context.Context, sent int) {
	sending := ctx
	if !d.ends.IsZero() {
		var stop context.CancelFunc
		sending, stop = context.WithDeadline(ctx, d.ends)
		defer stop()
	}
	for ; sending.Err() == nil; sent++ {
		if d.slots != nil {
			select {
			case d.slots <- struct{}{}:
			case <-sending.Done():
				return
			}
		}
		elapsed := time.Since(d.clock)
		wait, over := d.run.Pacer.Pace(elapsed, sent)
		due := d.clock.Add(elapsed + wait)
		if over || !sleepUntil(sending, due.Add(-ahead)) {
			return
		}
		i := sent
		d.all.Go(func() {
			x := d.make(ctx, i)
			x.heldBack = d.slots != nil
			d.all.Go(func() {
				if sleepUntil(ctx, due) {
					d.do(ctx, x, due)
					return
				}
				d.free()
				x.drop()
			})
		})
	}
}

// finish waits for what is in flight, no longer than it may take.
func (d *dispatch) finish(ctx context.Context) {
	if d.run.Grace > 0 && ctx.Err() == nil {
		timer := time.AfterFunc(d.run.Grace, func() { d.stop(errGrace) })
		defer timer.Stop()
	}
	d.all.Wait()
}

// make makes request number i ready. One that can't even be made ends the run,
// and so does a load that this machine has no room for: its failures would say
// nothing of the server.
// It runs in a goroutine of its own: the one that waits for the answer keeps
// the stack that it has grown, and building and dialling need a deep one.
func (d *dispatch) make(ctx context.Context, i int) *exchange {
	req, err := d.run.Workload.Request(i)
	if err != nil {
		d.stop(err)
		return &exchange{client: d.run.Client, err: err}
	}
	return d.prepare(ctx, req, requestID(d.run.ID, i))
}

func (d *dispatch) prepare(ctx context.Context, req Request, id string) *exchange {
	x := d.run.Client.prepare(ctx, req, id)
	if upstream.UsedUp(x.err) {
		d.stop(fmt.Errorf("with %d requests in flight: %w", d.inFlight.Load(), x.err))
	}
	return x
}

// do sends one request, hands its Record on, and then what follows it.
func (d *dispatch) do(ctx context.Context, x *exchange, due time.Time) {
	defer d.free()
	for x != nil {
		inFlight := d.inFlight.Add(1)
		rec := x.do(ctx, due)
		d.inFlight.Add(-1)
		if rec == nil {
			return
		}
		rec.InFlight = int(inFlight)
		next, think := d.follow(x, rec)
		d.observe(rec)
		if rec.Outcome == record.Unreachable && d.slots != nil {
			sleepUntil(ctx, time.Now().Add(unreachablePause))
		}
		if next == nil {
			return
		}
		x, due = d.think(ctx, *next, nextID(x.id), time.Now().Add(think))
	}
}

// follow is the request that the answered one's sender sends next, and how long
// they think first; nil where there is none.
func (d *dispatch) follow(x *exchange, rec *record.Record) (*Request, time.Duration) {
	if x.req.Next == nil || rec.Outcome != record.Complete {
		return nil, 0
	}
	next, think, err := x.req.Next(x.answer.String())
	if err != nil {
		d.stop(err)
		return nil, 0
	}
	return next, think
}

// think waits until req is due and has it ready then: not before, because a
// server closes a connection that is unused for seconds. nil is the end: who
// would still be thinking when the run's time is over is not replaced by
// another until then.
func (d *dispatch) think(ctx context.Context, req Request, id string, due time.Time) (*exchange, time.Time) {
	if !d.ends.IsZero() && !due.Before(d.ends) {
		sleepUntil(ctx, d.ends)
		return nil, due
	}
	if !sleepUntil(ctx, due.Add(-ahead)) {
		return nil, due
	}
	x := d.prepare(ctx, req, id)
	if !sleepUntil(ctx, due) {
		x.drop()
		return nil, due
	}
	return x, due
}

func (d *dispatch) observe(rec *record.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.run.Sink.Observe(rec)
}

// sleepUntil says whether the moment came before ctx was cancelled.
func sleepUntil(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
