package proxy

import (
	"errors"
	"net"
	"os"
	"slices"
	"syscall"
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

// noted is a connection that notes when its time limit was set and how much was
// written.
type noted struct {
	deadEnd
	did []int
}

func (n *noted) SetWriteDeadline(time.Time) error { n.did = append(n.did, 0); return nil }
func (n *noted) Write(p []byte) (int, error)      { n.did = append(n.did, len(p)); return len(p), nil }

// TestAWriteOverTLSHasItsTimePerRecord, and not for all of it, however slowly
// the peer reads.
func TestAWriteOverTLSHasItsTimePerRecord(t *testing.T) {
	n := new(noted)
	if err := newPort(n, time.Minute).write(make([]byte, 40<<10)); err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 16 << 10, 0, 16 << 10, 0, 8 << 10}; !slices.Equal(n.did, want) {
		t.Errorf("limits and bytes %v, want %v", n.did, want)
	}
}

// TestAResetThatAWriteWasToldIsReadToo: an answer that ends with its connection
// would else look whole.
func TestAResetThatAWriteWasToldIsReadToo(t *testing.T) {
	near, far := connected(t)
	far.leave(t, "RST")
	p := newPort(near, time.Minute)
	if err := p.write([]byte("x")); err == nil {
		t.Error("a broken connection took a write")
	}
	err := p.pump(func([]byte) bool { return true })
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("behind that write it reads as %v", err)
	}
}

// TestADeadlineThatIsPutOffIsNotSetAnew: the one that there is does, until it
// comes, and then what is meant counts. One that is to come sooner is set at
// once.
func TestADeadlineThatIsPutOffIsNotSetAnew(t *testing.T) {
	near, far := connected(t)
	counted := &counting{TCPConn: near.(*net.TCPConn)}
	p := newPort(counted, time.Minute)
	read := func(limit time.Duration) (got string, err error) {
		if err := p.readBy(time.Now().Add(limit)); err != nil {
			t.Fatal(err)
		}
		err = p.pump(func(b []byte) bool { got = string(b); return false })
		return got, err
	}
	if _, err := read(20 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing came in time: %v", err)
	}
	far.send(t, "a")
	if got, err := read(60 * time.Millisecond); got != "a" || err != nil {
		t.Errorf("read %q and %v", got, err)
	}
	set := counted.set
	far.send(t, "b")
	if got, err := read(time.Minute); got != "b" || err != nil || counted.set != set {
		t.Errorf("read %q and %v, and set %d deadlines", got, err, counted.set-set)
	}
	late := time.AfterFunc(200*time.Millisecond, func() { far.send(t, "c") })
	defer late.Stop()
	if got, err := read(time.Minute); got != "c" || err != nil || counted.set != set+1 {
		t.Errorf("read %q and %v, and set %d deadlines", got, err, counted.set-set)
	}
	if _, err := read(20 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing came in time: %v", err)
	}
}

// counting is a connection that counts how often its reads were given a time.
type counting struct {
	*net.TCPConn
	set int
}

func (c *counting) SetReadDeadline(d time.Time) error { c.set++; return c.TCPConn.SetReadDeadline(d) }
