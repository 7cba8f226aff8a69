package proxy

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// deadEnd is a client's connection that brings bytes and takes none.
type deadEnd struct {
	net.Conn
	in io.Reader
}

func (d deadEnd) Read(p []byte) (int, error)       { return d.in.Read(p) }
func (d deadEnd) Write([]byte) (int, error)        { return 0, syscall.EPIPE }
func (d deadEnd) Close() error                     { return nil }
func (d deadEnd) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (d deadEnd) SetDeadline(time.Time) error      { return nil }
func (d deadEnd) SetReadDeadline(time.Time) error  { return nil }
func (d deadEnd) SetWriteDeadline(time.Time) error { return nil }

// bringing is a connection that brings text and then no more.
func bringing(text string) deadEnd {
	in, out := io.Pipe()
	go out.Write([]byte(text))
	return deadEnd{in: in}
}

// TestAClientThatCantBeToldToGoOn has its Record, and what was held for it is
// let go of.
func TestAClientThatCantBeToldToGoOn(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, func(c *Config) { c.Usage = UsageFinal })
	p.accept(bringing(jsonHead + "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"))
	if r := p.records.next(t); r.Outcome != record.ClientAbort {
		t.Errorf("the Record says %s", r.Outcome)
	}
	eventually(t, "no request to run", func() bool { return p.running.Load() == 0 && p.live.Active.Load() == 0 })
	if n := p.held.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// TestAConnectionThatWasCutServesNoMore, not even what was pipelined: the
// engine hears nothing of it, and is not taken for away.
func TestAConnectionThatWasCutServesNoMore(t *testing.T) {
	e := listenDeaf(t)
	t.Run("cut", func(t *testing.T) {
		p := startFor(t, e.url, 1, nil)
		p.knows(t)
		conn := bringing("")
		c := newClient(newTurn(p.Proxy, conn, false), conn)
		c.pending = []byte(getHead + "\r\n")
		c.cut()
		if c.exchange() {
			t.Error("it is to serve another")
		}
		if r := p.records.next(t); r.Outcome != record.Timeout {
			t.Errorf("the Record says %s %s", r.Outcome, r.Error)
		}
		if ready, why := p.verdict.ready(); !ready {
			t.Errorf("the engine is taken for away: %s", why)
		}
	})
	e.heardNothing(t)
}

// TestAClientThatLeavesAfterItsAnswer has had it whole, and what it had asked for
// besides has a Record of its own, and goes no further.
func TestAClientThatLeavesAfterItsAnswer(t *testing.T) {
	e := listenDeaf(t)
	t.Run("left", func(t *testing.T) {
		p := startFor(t, e.url, 2, nil)
		p.knows(t)
		conn := &noted{deadEnd: deadEnd{in: strings.NewReader("")}}
		c := newClient(newTurn(p.Proxy, conn, false), conn)
		now := time.Now()
		c.x, c.begun = c.newExchange(), true
		p.begin()
		c.x.Client(now, []byte(getHead+"\r\n"))
		c.x.Refuse(now, 503, "overloaded", "full")
		c.pending = []byte(getHead + "\r\n")
		c.left()
		if c.over != nil || !c.end() {
			t.Errorf("its answer is broken off (%+v), or its next request is not read", c.over)
		}
		if r := p.records.next(t); r.Status != 503 {
			t.Errorf("the first Record has status %d", r.Status)
		}
		if c.exchange() {
			t.Error("it is to serve a third")
		}
		if r := p.records.next(t); r.Outcome != record.ClientAbort {
			t.Errorf("the second Record says %s", r.Outcome)
		}
	})
	e.heardNothing(t)
}

// TestACutRequestSaysSo also where its body was still being read.
func TestACutRequestSaysSo(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c := dialRaw(t, p.addr)
	c.send(t, jsonHead+"Content-Length: 100\r\n\r\n{")
	eventually(t, "the request to have begun", func() bool { return p.running.Load() == 1 })
	p.cutAll()
	if r := p.records.next(t); r.Outcome != record.Timeout || r.Error == "" {
		t.Errorf("the Record says %s %q", r.Outcome, r.Error)
	}
}
