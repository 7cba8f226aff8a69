package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tokenomics/internal/record"
)

// Run is one Pacer over one Workload, once.
type Run struct {
	Client   *Client
	Pacer    Pacer
	Workload Workload
	// MaxInFlight holds requests back while so many run; 0 means no bound but
	// the Pacer's.
	MaxInFlight int
	// ID begins each request's X-Request-Id, which must be the run's own.
	ID string
	// Sink is given each Record when its request has ended, one at a time. A
	// request that was never begun, because ctx was cancelled, has none.
	Sink record.Sink
}

// Do sends the requests and returns when all have ended. Those that are due
// at the beginning are made ready first, connections open, and released
// together: only then the clock starts. Cancelling ctx closes what is in
// flight and sends no more; the error is then ctx's. An error otherwise means
// that a request could not even be made.
func (r *Run) Do(ctx context.Context) error {
	d := &dispatch{run: r, begin: make(chan struct{})}
	if r.MaxInFlight > 0 {
		d.slots = make(chan struct{}, r.MaxInFlight)
	}
	going, stop := context.WithCancel(ctx)
	defer stop()
	sent, err := d.first(going, stop)
	if err == nil {
		err = d.rest(going, sent)
	}
	d.all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// dispatch is the state of a Run that is being done.
type dispatch struct {
	run   *Run
	begin chan struct{} // closed when the clock starts
	clock time.Time     // set before begin is closed
	slots chan struct{} // nil without MaxInFlight
	all   sync.WaitGroup

	inFlight atomic.Int64
	mu       sync.Mutex // one call to Sink at a time
}

// first makes ready what is due at 0 and releases it. Where one can't be made
// it stops the others.
func (d *dispatch) first(ctx context.Context, stop func()) (sent int, err error) {
	var ready sync.WaitGroup
	for ; ; sent++ {
		if wait, over := d.run.Pacer.Pace(0, sent); over || wait > 0 {
			break
		}
		if d.slots != nil && sent >= cap(d.slots) {
			break
		}
		var req Request
		if req, err = d.run.Workload.Request(sent); err != nil {
			break
		}
		if d.slots != nil {
			d.slots <- struct{}{}
		}
		id := requestID(d.run.ID, sent)
		ready.Add(1)
		d.all.Go(func() {
			x := d.run.Client.prepare(ctx, req, id)
			ready.Done()
			<-d.begin
			d.do(ctx, x, d.clock)
		})
	}
	ready.Wait()
	if err != nil {
		stop()
	}
	d.clock = time.Now()
	close(d.begin)
	return sent, err
}

// rest sends what is due later, or was held back.
func (d *dispatch) rest(ctx context.Context, sent int) error {
	for ; ctx.Err() == nil; sent++ {
		if d.slots != nil {
			select {
			case d.slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
		}
		elapsed := time.Since(d.clock)
		wait, stop := d.run.Pacer.Pace(elapsed, sent)
		if stop {
			return nil
		}
		due := d.clock.Add(elapsed + wait)
		if !sleepUntil(ctx, due) {
			return nil
		}
		req, err := d.run.Workload.Request(sent)
		if err != nil {
			return err
		}
		id := requestID(d.run.ID, sent)
		d.all.Go(func() {
			x := d.run.Client.prepare(ctx, req, id)
			x.heldBack = d.slots != nil
			d.do(ctx, x, due)
		})
	}
	return nil
}

// do sends one request and hands its Record on.
func (d *dispatch) do(ctx context.Context, x *exchange, due time.Time) {
	inFlight := d.inFlight.Add(1)
	rec := x.do(ctx, due)
	d.inFlight.Add(-1)
	if d.slots != nil {
		<-d.slots // before the Sink, which may take its time
	}
	if rec != nil {
		rec.InFlight = int(inFlight)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.run.Sink.Observe(rec)
	}
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
