package proxy

import (
	"os"
	"time"

	"tokenomics/internal/record"
)

// writeLimit is when a peer has to have taken some of what it is sent now.
func (c *looped) writeLimit(now time.Time) time.Time { return now.Add(c.proxy.cfg.WriteTimeout) }

// send writes the client its bytes, or keeps them until there is room.
func (c *looped) send(now time.Time, p []byte) {
	if len(p) == 0 || c.failed != nil {
		return
	}
	if c.failed = c.out.write(c.conn, p, c.writeLimit(now)); !c.out.empty() {
		c.deadline()
	}
}

// flushClient writes more of what the client has not taken yet.
func (c *looped) flushClient(now time.Time) {
	if err := c.out.flush(c.conn, c.writeLimit(now)); err != nil {
		c.clientFailed(now, err)
		return
	}
	c.deadline()
}

// clientFailed is told that the client can't be written to.
func (c *looped) clientFailed(now time.Time, err error) {
	c.failed = err
	if c.x == nil { // the exchange is over, and its Record made
		c.close()
		return
	}
	c.finish(now)
}

// finish ends the exchange: what is left for the client is written, the engine's
// connection is kept or closed, and the Record is handed on.
func (c *looped) finish(now time.Time) {
	x := c.x
	c.giveUp(now)
	left := c.over != nil || c.failed != nil
	if out := x.ToClient(); !left {
		c.send(now, out)
		left = c.failed != nil
	}
	switch {
	case x.KeepClient() && !left:
		c.after = again
	case x.Reset():
		c.after = resets
	case left || !x.Done():
		c.after = closes
	default:
		c.after = lingers
	}
	c.settle()
	if left {
		c.out.drop() // nobody takes it
		c.conclude()
	}
}

// settle gives back what the exchange had, and hands on its Record.
func (c *looped) settle() {
	x, begun := c.x, c.begun
	if c.dialing != nil {
		c.dialing()
	}
	if l := c.engine; l != nil {
		l.settle(x.KeepEngine() && l.out.empty())
	}
	c.x, c.engine, c.dialing = nil, nil, nil
	c.begun, c.over, c.failed = false, nil, nil
	c.deaf, c.hurry, c.tunnel = false, false, false
	c.readBy(time.Time{})
	c.proxy.handOn(x, begun)
}

// conclude does with the connection what was settled, when all is written.
func (c *looped) conclude() {
	switch c.after {
	case again:
		c.next()
	case resets:
		c.conn.Reset()
		c.close()
	case lingers:
		c.linger()
	default:
		c.close()
	}
}

// next waits for a request.
func (c *looped) next() {
	if c.proxy.draining.Load() && c.pending == nil {
		c.close()
		return
	}
	c.after, c.waiting = goesOn, true
	c.readBy(time.Now().Add(c.proxy.cfg.IdleTimeout))
}

// linger ends the connection so that the client gets what was written: closing
// with bytes unread would reset it, and with it the answer.
func (c *looped) linger() {
	if c.conn.Shut() != nil || c.gone {
		c.close()
		return
	}
	c.left = lingerBytes
	c.readBy(time.Now().Add(lingerFor))
}

// discard reads what nobody wants, and says whether there may be more.
func (c *looped) discard() (more bool) {
	n, err := c.conn.Read(c.room.buf[:])
	if c.left -= int32(n); err != nil || c.left <= 0 {
		c.close()
	}
	return n > 0
}

// close ends the connection at once.
func (c *looped) close() {
	if c.after != isClosed {
		c.conn.Close()
		c.closed()
	}
}

// closed tells the proxy that the connection is.
func (c *looped) closed() {
	c.after = isClosed
	c.proxy.gone(c.surplus)
	c.proxy.served.Done()
}

// readBy sets until when the client has to have sent something.
func (c *looped) readBy(t time.Time) {
	c.read = c.proxy.moment(t)
	c.deadline()
}

// deadline sets when the loop is to look after the client: when it has to have
// sent or taken something.
func (c *looped) deadline() { c.conn.SetDeadline(earliest(c.proxy.at(c.read), c.out.by())) }

// Expired is told by the loop that the client has taken too long.
func (c *looped) Expired(now time.Time) {
	defer c.recovered()
	switch {
	case due(c.out.by(), now):
		c.clientFailed(now, os.ErrDeadlineExceeded)
	case due(c.proxy.at(c.read), now):
		c.silent(now)
	default:
		c.deadline()
	}
	c.advance()
}

// silent is for a client that does not send what it has to.
func (c *looped) silent(now time.Time) {
	switch {
	case c.x == nil:
		c.close()
	case c.x.Underway():
		c.abort(record.ClientAbort, uploadFailure(os.ErrDeadlineExceeded))
	case c.gone || c.proxy.draining.Load():
		c.x.HeadCut(now)
		c.finish(now)
	default:
		c.x.HeadTimeout(now)
		c.finish(now)
	}
}
