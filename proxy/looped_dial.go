package proxy

import (
	"context"
	"errors"
	"time"

	"tokenomics/internal/netloop"
	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
	"tokenomics/proxy/exchange"
)

// connect gives the exchange a connection to the engine: one that is idle, else
// a new one, which the loop waits for.
func (c *looped) connect(now time.Time) {
	if c.gone {
		c.x.Abort(now, record.ClientAbort, "")
		c.finish(now)
		return
	}
	if !c.x.Fresh() {
		if s := c.room.pool.Idle(); s != nil {
			c.connected(now, s, 0)
			return
		}
	}
	s, done, err := c.room.pool.Begin(c.room.adopt)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		c.dial(now)
	case err != nil:
		c.unreachable(now, err)
	case done:
		made := time.Now()
		c.connected(made, s, made.Sub(now))
	default:
		d := &dial{client: c, line: s.Tag.(*line), x: c.x, began: now}
		d.line.conn.Handle(d)
		d.line.conn.SetDeadline(now.Add(c.room.pool.DialTimeout()))
		c.dialing = d.giveUp
	}
}

// dial is a connection to the engine that is being made.
type dial struct {
	client *looped
	line   *line
	x      *exchange.Exchange // that it is for
	began  time.Time
}

// giveUp ends it: nobody waits for it any more.
func (d *dial) giveUp() { _ = d.line.sock.Close() }

// Ready is told by the loop that it is made, or has failed.
func (d *dial) Ready() {
	switch done, err := d.line.conn.Connected(); {
	case err != nil:
		d.client.dialled(d.x, nil, d.line.sock.Failed(err), d.began)
	case done:
		d.line.conn.SetDeadline(time.Time{})
		d.line.conn.Handle(d.line)
		d.client.dialled(d.x, d.line.sock, nil, d.began)
	}
}

// Expired is told by the loop that it takes too long.
func (d *dial) Expired(time.Time) {
	d.client.dialled(d.x, nil, d.line.sock.Failed(nil), d.began)
}

var _ netloop.Handler = (*dial)(nil)

// dial makes a connection that has to be waited for, which is done elsewhere.
func (c *looped) dial(now time.Time) {
	ctx, cancel := context.WithCancel(context.Background())
	c.dialing = cancel
	x := c.x
	go func() {
		s, err := c.room.pool.Take(ctx, true)
		cancel()
		if !c.room.loop.Post(func() { c.dialled(x, s, err, now) }) && s != nil {
			_ = s.Close()
		}
	}()
}

// dialled is told what became of connecting for x, which began then.
func (c *looped) dialled(x *exchange.Exchange, s *upstream.Socket, err error, began time.Time) {
	defer c.recovered()
	if c.dialing == nil || c.x != x { // x is over
		if s != nil {
			_ = s.Close()
		}
		return
	}
	c.dialing = nil
	now := time.Now()
	if err != nil {
		c.unreachable(now, err)
	} else {
		c.connected(now, s, now.Sub(began))
	}
	c.advance()
}

// unreachable is for a request that there is no connection for.
func (c *looped) unreachable(now time.Time, err error) {
	c.x.Unreachable(now, err)
	go c.proxy.verdict.away(err) // it may wait for who reads the log
	c.finish(now)
}
