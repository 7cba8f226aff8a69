package proxy

import (
	"time"

	"tokenomics/internal/netloop"
	"tokenomics/internal/record"
)

// looped is one client's connection in a readiness loop: the second driver of
// the exchanges, which waits nowhere. All of it belongs to the loop's goroutine.
// What it does is what client does; a test compares the two.
type looped struct {
	turn
	room    *room
	conn    *netloop.Conn
	out     outlet
	pending *[]byte       // bytes behind the last request: the next one's; nil = none, as nearly always
	read    time.Duration // when the client has to have sent something, by the proxy's clock; 0 = it need not

	dialing func() // ends the making of a connection; nil while none is being made
	engine  *line  // nil while there is none
	left    int32  // lingering: how much more is read
	after   ending // what becomes of the connection when out is written
	gone    bool   // the client has closed its side
	waiting bool   // for the first byte of a request
	deaf    bool   // the engine takes no more of the request
	hurry   bool   // and has little time to answer
	tunnel  bool
}

// ending is what becomes of a client's connection after an exchange.
type ending uint8

const (
	goesOn ending = iota // the exchange is not over
	again                // it waits for the next one
	closes
	resets
	lingers  // it closes, once the client has had time to read the answer
	isClosed // it is
)

func newLooped(t turn, r *room, fd int) *looped {
	c := &looped{turn: t, room: r, after: again}
	c.conn = netloop.NewConn(fd, c)
	return c
}

// start begins to serve the connection.
func (c *looped) start() {
	if err := c.room.loop.Add(c.conn); err != nil {
		c.proxy.log.Warn("a connection could not be served", "error", err)
		c.closed()
		return
	}
	c.next()
}

// quit makes an idle connection close, and a busy one close after its answer.
func (c *looped) quit() {
	defer c.recovered()
	if c.x == nil && c.after == goesOn && c.pending == nil {
		c.close()
	}
}

// cut ends the connection.
func (c *looped) cut() {
	defer c.recovered()
	c.abort(record.Timeout, cutOff)
	c.close()
}

// Ready is told by the loop that the client has sent something, or that there is
// room to write, or that it has left.
func (c *looped) Ready() {
	defer c.recovered()
	if c.conn.Ended() && !c.gone {
		c.gone = true
		if c.begun && !c.x.Done() && !c.tunnel { // what it has been answered it may leave after
			c.abort(record.ClientAbort, "")
			return
		}
	}
	if !c.out.empty() && c.conn.Writable() {
		c.flushClient(time.Now())
	}
	c.advance()
}

// recovered keeps a mistake of ours from taking more than one connection.
func (c *looped) recovered() {
	v := recover()
	if v == nil {
		return
	}
	c.proxy.live.Panics.Add(1)
	go c.proxy.log.Error("relaying failed", "panic", v) // who reads the log may be slow
	if c.x != nil {
		c.over = &broken{record.Error, ourMistake}
		c.finish(time.Now())
	}
	c.close()
}

// share is how often one connection is read before the others have their turn.
const share = 8

// advance does what can be done without waiting.
func (c *looped) advance() {
	for range share {
		switch {
		case c.after == isClosed:
			return
		case c.after == goesOn:
			if !c.relay() {
				return
			}
		case !c.out.empty():
			return
		case c.left == 0:
			c.conclude()
		case !c.discard():
			return
		}
	}
	c.conn.Again()
}

// relay reads each side once, where there may be something and it has somewhere
// to go, and says whether one was read. Neither waits for the other: a peer may
// say all that it has to before it listens, and an engine that never pauses does
// not drown the client.
func (c *looped) relay() (read bool) {
	if c.engine != nil && c.out.empty() && c.engine.conn.Readable() {
		read = true
		c.readEngine()
	}
	if c.after == goesOn && c.wantsClient() {
		read = true
		c.readClient()
	}
	return read
}

// wantsClient says whether there may be more of the client that has somewhere to
// go.
func (c *looped) wantsClient() bool {
	switch {
	case c.dialing != nil || c.pending == nil && !c.conn.Readable():
		return false
	case c.engine == nil:
		return c.out.empty() && (c.x == nil || c.x.WantsClient())
	}
	return c.x.WantsClient() && !c.deaf && c.engine.out.empty()
}

// readClient takes what the client has sent.
func (c *looped) readClient() {
	if p := c.pending; p != nil {
		c.pending = nil
		c.fromClient(*p)
		return
	}
	n, err := c.conn.Read(c.room.buf[:])
	switch {
	case err != nil:
		c.clientEnded(time.Now())
	case n > 0:
		c.fromClient(c.room.buf[:n])
	}
}

// fromClient takes bytes of the client, for this exchange and for the next.
func (c *looped) fromClient(p []byte) {
	now := time.Now()
	if c.x == nil {
		c.x = c.newExchange()
	}
	used := c.x.Client(now, p)
	if used < len(p) {
		rest := append([]byte(nil), p[used:]...)
		c.pending = &rest
	}
	if !c.begun && (c.x.Underway() || c.x.Done()) {
		c.begin(now)
	}
	if c.engine != nil {
		c.upload(now)
		return
	}
	c.x.Spent(time.Since(now))
	c.send(now, c.x.ToClient())
	switch {
	case c.failed != nil || c.x.Done():
		c.finish(now)
	case c.x.NeedsEngine():
		c.readBy(time.Time{})
		c.connect(now)
	case c.begun:
		c.readBy(now.Add(c.proxy.cfg.BodyTimeout))
	case c.waiting:
		c.readBy(now.Add(c.proxy.cfg.HeadTimeout))
	}
	c.waiting = false
}

// clientEnded is told that the client sends no more.
func (c *looped) clientEnded(now time.Time) {
	switch {
	case c.x == nil:
		c.close()
	case c.engine != nil:
		c.abort(record.ClientAbort, "") // in the middle of its request
	default:
		if !c.x.Underway() {
			c.x.HeadCut(now)
		}
		c.finish(now)
	}
}

// abort ends the exchange that runs from outside, in whatever phase it is.
func (c *looped) abort(how record.Outcome, why string) {
	if c.x == nil {
		return
	}
	c.over = &broken{how, why}
	c.finish(time.Now())
}
