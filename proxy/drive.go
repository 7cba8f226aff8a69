package proxy

import (
	"errors"
	"os"
	"time"

	"tokenomics/internal/record"
	"tokenomics/proxy/exchange"
)

// exchange serves one request, and says whether the connection can take
// another. It is the goroutine driver of the state machine: it reads what the
// machine wants, writes what it gives, and knows nothing of HTTP.
func (c *client) exchange() (again bool) {
	x := c.newExchange()
	c.mu.Lock()
	c.x, c.begun, c.upload, c.waiting = x, false, nil, true
	c.mu.Unlock()
	defer c.recovered(x)
	if !c.request() {
		c.end()
		return false
	}
	for x.NeedsEngine() && !c.aborted() {
		if !c.connect() {
			break
		}
		c.talk()
	}
	return c.end()
}

// recovered keeps a mistake of ours from taking more than one connection.
func (c *client) recovered(x *exchange.Exchange) {
	v := recover()
	if v == nil {
		return
	}
	c.failure(v)
	c.endUpload()
	x.Abort(time.Now(), record.Error, ourMistake)
	c.settle(x)
	c.close()
}

const ourMistake = "relaying the request failed inside the proxy"

// failure tells of a panic and ends the exchange. Nobody holds mu for it: who
// took it lets go of it as the panic passes.
func (c *client) failure(cause any) {
	c.proxy.live.Panics.Add(1)
	c.abort(record.Error, ourMistake)
	c.proxy.log.Error("relaying failed", "panic", cause)
}

// locked calls f with mu held, and lets go of it also where f panics.
func (c *client) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// request reads the request, to its end or as far as the engine can be given
// it. False: there is none.
func (c *client) request() bool {
	if !c.readBy(c.proxy.cfg.IdleTimeout) || c.proxy.draining.Load() && len(c.pending) == 0 {
		return false
	}
	if p := c.pending; len(p) > 0 {
		c.pending = nil
		if !c.fromClient(p) {
			return true
		}
	}
	err := c.port.pump(c.fromClient)
	if err == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch now := time.Now(); {
	case c.x.Underway():
		if c.over == nil {
			c.over = &broken{record.ClientAbort, uploadFailure(err)}
		}
		c.giveUp(now)
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.gone.Load() && !c.proxy.draining.Load():
		c.x.HeadTimeout(now)
	default:
		c.x.HeadCut(now)
	}
	return true
}

// readBy sets how long the client may take for what it sends next.
func (c *client) readBy(limit time.Duration) bool {
	return c.port.readBy(time.Now().Add(limit)) == nil
}

// fromClient takes what the client sends before the engine is asked, and says
// whether there is to be more of it.
func (c *client) fromClient(p []byte) (more bool) {
	now := time.Now()
	var (
		out          []byte
		first, begun bool
	)
	c.locked(func() {
		first, c.waiting = c.waiting, false
		used := c.x.Client(now, p)
		c.pending = append(c.pending, p[used:]...)
		if !c.begun && (c.x.Underway() || c.x.Done()) {
			c.begin(now)
		}
		c.x.Spent(time.Since(now))
		out, begun = c.x.ToClient(), c.begun
		more = !c.x.NeedsEngine() && !c.x.Done()
	})
	if !c.write(out) {
		return false
	}
	switch {
	case !more:
	case begun:
		more = c.readBy(c.proxy.cfg.BodyTimeout)
	case first:
		more = c.readBy(c.proxy.cfg.HeadTimeout)
	}
	return more
}

// connect gives the exchange a connection to the engine.
func (c *client) connect() bool {
	began := time.Now()
	l, err := c.proxy.dial(c.ctx, c.x.Fresh())
	now := time.Now()
	if err != nil {
		c.unreachable(now, err)
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine = l
	if c.over != nil {
		l.port.hangUp() // the client left meanwhile
	}
	c.x.Connected(l.sock.Reused(), now.Sub(began))
	return true
}

func (c *client) unreachable(now time.Time, err error) {
	c.mu.Lock()
	ours := c.over != nil // the dial was broken off
	if !ours {
		c.x.Unreachable(now, err)
	}
	c.mu.Unlock()
	if !ours {
		c.proxy.verdict.away(err)
	}
}

// talk sends the request and relays the answer, until the exchange is over, its
// client is, or the request has to be sent again.
func (c *client) talk() {
	c.mu.Lock()
	out, whole := c.x.ToEngine(), !c.x.WantsClient()
	c.mu.Unlock()
	err := c.engine.port.write(out)
	now := time.Now()
	c.mu.Lock()
	if err == nil {
		c.x.Flushed(now)
	}
	c.mu.Unlock()
	switch {
	case err != nil:
		c.stoppedReading(c.engine)
	case !whole:
		c.startUpload()
	}
	c.hear()
}

// earlyAnswer is how long an engine that stopped reading may take to say why.
const earlyAnswer = time.Second

// stoppedReading is for an engine that could not be sent all: it may have
// answered before it had read it, with 413 or 401.
func (c *client) stoppedReading(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurry = true
	_ = l.port.readBy(time.Now().Add(earlyAnswer)) // a closed connection needs no limit
}

// hear relays the answer.
func (c *client) hear() {
	err := c.engine.port.pump(c.take)
	over, away := c.heard(time.Now(), err)
	if over != nil {
		over.close() // not with mu held: over TLS it may wait for the engine
	}
	if away {
		c.proxy.verdict.away(errNoAnswer)
	}
}

// heard is where nothing more is heard of the engine, because of err or because
// enough has been. over is its connection, where that has ended; away says that
// it is not there.
func (c *client) heard(now time.Time, err error) (over *link, away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.x.Done():
	case c.over != nil || c.failed != nil:
		c.giveUp(now)
	case err != nil:
		if c.x.EngineEnd(now, err) {
			c.proxy.live.Replays.Add(1)
		}
		c.engine.port.hangUp() // an upload may still be writing
		over, c.engine = c.engine, nil
	}
	return over, c.x.Unanswered()
}

var errNoAnswer = errors.New("it closed the connection without an answer")

// fromEngine takes what one read of the engine's socket brought, and says
// whether there is to be more of it. What comes of it goes out at once.
func (c *client) fromEngine(p []byte) (more bool) {
	now := time.Now()
	var (
		out          []byte
		done, tunnel bool
	)
	c.locked(func() {
		if c.over != nil {
			c.x.ClientLeft()
		}
		if c.hurry {
			c.hurry = false
			_ = c.engine.port.readBy(time.Time{}) // it is answering
		}
		c.x.Engine(now, p)
		out, done, tunnel = c.x.ToClient(), c.x.Done(), c.x.Tunnel()
		c.x.Spent(time.Since(now))
	})
	left := !c.write(out)
	c.locked(func() { // also where it has left: p is another's when we return
		now := time.Now()
		c.x.Measure()
		c.x.Spent(time.Since(now))
	})
	if left || done {
		return false
	}
	if tunnel && c.upload == nil {
		c.proxy.live.Upgrades.Add(1)
		c.startUpload()
	}
	c.x.Idle()
	return true
}

// write sends the client its bytes.
func (c *client) write(p []byte) bool {
	if err := c.port.write(p); err != nil {
		c.mu.Lock()
		c.failed = err
		c.mu.Unlock()
		return false
	}
	return true
}

// aborted says whether the exchange was ended from outside, and ends it.
func (c *client) aborted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over != nil:
		c.x.Abort(time.Now(), c.over.how, c.over.why)
	case c.gone.Load():
		c.x.Abort(time.Now(), record.ClientAbort, "")
	}
	return c.x.Done()
}

// end finishes the exchange: what is left for the client is written, the
// connections are kept or closed, and the Record is handed on.
func (c *client) end() (again bool) {
	var (
		x    *exchange.Exchange
		out  []byte
		left bool
	)
	c.locked(func() {
		c.giveUp(time.Now())
		x, left = c.x, c.over != nil || c.failed != nil
		out = x.ToClient()
	})
	if !left {
		left = !c.write(out)
	}
	c.endUpload()
	again = x.KeepClient() && !left // also where it has left: it may have asked for more before
	c.settle(x)
	switch {
	case again:
		return true
	case x.Reset():
		c.reset()
	case left:
		c.port.hangUp() // over TLS, saying goodbye would wait for a client that does not read
		c.close()
	case !x.Done():
		c.close()
	default:
		c.linger()
	}
	return false
}

// settle gives the engine's connection back and hands on the Record.
func (c *client) settle(x *exchange.Exchange) {
	c.mu.Lock()
	engine := c.engine
	c.engine, c.x = nil, nil
	begun := c.begun
	c.begun = false
	c.mu.Unlock()
	if engine != nil {
		engine.settle(x.KeepEngine())
	}
	c.proxy.handOn(x, begun)
}
