package proxy

import (
	"net"
	"testing"
	"time"

	"tokenomics/internal/upstream"
)

// connected are both ends of a TCP connection.
func connected(t *testing.T) (near net.Conn, far *rawPeer) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far = dialRaw(t, ln.Addr().String())
	if near, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	return near, far
}

// TestALinkThatWasHungUpIsNotKept, even where its exchange ended well before.
func TestALinkThatWasHungUpIsNotKept(t *testing.T) {
	e := listenRaw(t)
	target, err := upstream.ParseTarget(e.url)
	if err != nil {
		t.Fatal(err)
	}
	pool := upstream.NewPool(target, upstream.Options{})
	defer pool.Close()
	for _, hung := range []bool{false, true} {
		s, err := pool.Take(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		l := &link{sock: s, port: newPort(s.Raw(), time.Minute)}
		if hung {
			l.port.hangUp()
		}
		before := pool.Stats().Idle
		l.settle(true)
		if kept := pool.Stats().Idle > before; kept == hung {
			t.Errorf("hung up %v, kept %v", hung, kept)
		}
	}
}
