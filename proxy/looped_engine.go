package proxy

import (
	"time"

	"tokenomics/internal/upstream"
)

// connected sends the engine what there is of the request.
func (c *looped) connected(now time.Time, s *upstream.Socket, took time.Duration) {
	c.engine = s.Tag.(*line)
	c.engine.client = c
	c.x.Connected(s.Reused(), took)
	c.toEngine(now)
}

// upload passes on what the client has sent.
func (c *looped) upload(now time.Time) {
	if c.x.Done() { // the body was refused
		c.finish(now)
		return
	}
	c.toEngine(now)
}

// toEngine writes what the exchange has for the engine.
func (c *looped) toEngine(now time.Time) {
	l := c.engine
	if err := l.out.write(l.conn, c.x.ToEngine(), c.writeLimit(now)); err != nil {
		c.engineStopped(now)
		return
	}
	c.sent(now)
}

// sent looks how much of what the engine is sent is on its way.
func (c *looped) sent(now time.Time) {
	if l := c.engine; !l.out.empty() {
		c.readBy(time.Time{})
		l.conn.SetDeadline(l.out.by())
		return
	}
	c.x.Flushed(now)
	if c.x.WantsClient() && !c.tunnel {
		c.readBy(now.Add(c.proxy.cfg.BodyTimeout))
	} else {
		c.readBy(time.Time{})
	}
}

// flushEngine writes more of what the engine has not taken yet.
func (c *looped) flushEngine(now time.Time) {
	l := c.engine
	if err := l.out.flush(l.conn, c.writeLimit(now)); err != nil {
		c.engineStopped(now)
		return
	}
	l.conn.SetDeadline(l.out.by())
	c.sent(now)
}

// engineStopped is for an engine that could not be sent all: it may have
// answered before it had read it, with 413 or 401.
func (c *looped) engineStopped(now time.Time) {
	c.deaf, c.hurry = true, true
	c.engine.out.drop()
	c.readBy(time.Time{})
	c.engine.conn.SetDeadline(now.Add(earlyAnswer))
}

// readEngine takes what the engine has sent.
func (c *looped) readEngine() {
	n, err := c.engine.conn.Read(c.room.buf[:])
	switch {
	case err != nil:
		c.engineEnded(time.Now(), err)
	case n > 0:
		c.fromEngine(c.room.buf[:n])
	}
}

// fromEngine takes bytes of the engine. What comes of them goes out at once.
func (c *looped) fromEngine(p []byte) {
	now := time.Now()
	if c.hurry {
		c.hurry = false
		c.engine.conn.SetDeadline(time.Time{}) // it is answering
	}
	c.x.Engine(now, p)
	out := c.x.ToClient()
	c.x.Spent(time.Since(now))
	c.send(now, out)
	c.measure()
	switch {
	case c.failed != nil || c.x.Done():
		c.finish(now)
		return
	case c.x.Tunnel() && !c.tunnel:
		c.tunnel = true
		c.proxy.live.Upgrades.Add(1)
	}
	c.x.Idle()
}

// measure measures what the client has been sent.
func (c *looped) measure() {
	now := time.Now()
	c.x.Measure()
	c.x.Spent(time.Since(now))
}

// engineEnded is told that nothing more comes of the engine.
func (c *looped) engineEnded(now time.Time, err error) {
	if c.x.EngineEnd(now, err) {
		c.proxy.live.Replays.Add(1)
	}
	c.engine.settle(false)
	c.engine, c.deaf, c.hurry = nil, false, false
	if c.x.Unanswered() {
		go c.proxy.verdict.away(errNoAnswer)
	}
	if c.x.NeedsEngine() {
		c.connect(now)
		return
	}
	c.finish(now)
}
