package proxy

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"tokenomics/internal/record"
	"tokenomics/proxy/exchange"
)

// turn is the exchange that runs on a client's connection, as either driver
// keeps it.
type turn struct {
	proxy *Proxy
	peer  *exchange.Peer // nil where the engine is not told of it

	x      *exchange.Exchange
	over   *broken // it was ended from outside; nil = it was not
	failed error   // of writing to the client

	surplus bool // the connection is one more than there may be, and will be told so
	begun   bool // the exchange counts as a request
}

// broken is how an exchange was ended from outside, and why.
type broken struct {
	how record.Outcome
	why string
}

func newTurn(p *Proxy, conn net.Conn, surplus bool) turn {
	t := turn{proxy: p, surplus: surplus}
	if p.cfg.Forwarded {
		_, secure := conn.(*tls.Conn)
		t.peer = &exchange.Peer{Addr: conn.RemoteAddr().String(), TLS: secure}
	}
	return t
}

// newExchange begins one, whose connection waits for a request.
func (t *turn) newExchange() *exchange.Exchange {
	var peer exchange.Peer
	if t.peer != nil {
		peer = *t.peer
	}
	return exchange.New(&t.proxy.env, peer)
}

// begin counts a request whose head has come.
func (t *turn) begin(now time.Time) {
	t.begun = true
	n := t.proxy.begin()
	t.x.InFlight(n)
	switch {
	case t.x.Done():
	case t.surplus:
		t.x.Last()
		t.full(now, "the proxy has as many connections as it may have (--max-connections)")
	case n > t.proxy.cfg.MaxInFlight:
		t.full(now, "the proxy has as many requests in flight as it may have (--max-in-flight)")
	case t.proxy.draining.Load():
		t.x.Last()
	}
}

// full turns a request away because a limit is reached.
func (t *turn) full(now time.Time, why string) {
	t.proxy.live.Refused.Add(1)
	t.x.Refuse(now, 503, "overloaded", why)
}

// giveUp ends an exchange that is not over, for the reason there is. A client
// that sent no whole head has made no request.
func (t *turn) giveUp(now time.Time) {
	switch {
	case t.over != nil:
		t.x.Abort(now, t.over.how, t.over.why)
	case t.x.Underway():
		t.x.Abort(now, record.ClientAbort, writeFailure(t.failed))
	}
}

// writeFailure says of a client that could not be written to what is worth
// saying: that it did not read. That it left is its outcome.
func writeFailure(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "the client stopped reading"
	}
	return ""
}

// handOn gives an exchange's memory back and hands on its Record. begun says
// that it counts as a request already.
func (p *Proxy) handOn(x *exchange.Exchange, begun bool) {
	x.Release()
	rec := x.Record()
	if rec == nil {
		return
	}
	if p.aborter != nil && rec.Outcome == record.ClientAbort {
		if ids, authorization := x.Abortion(); len(ids) > 0 {
			p.aborter.abort(abortion{ids, authorization})
		}
	}
	if !begun {
		p.begin()
	}
	p.finish(rec)
}
