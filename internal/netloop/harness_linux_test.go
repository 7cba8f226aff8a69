package netloop

import (
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait for something that has to happen.
const patience = 10 * time.Second

// newLoop is a loop that ends with the test.
func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing the loop: %v", err)
		}
	})
	return l
}

// do has the loop's goroutine call f, and waits for it.
func do(t *testing.T, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if !l.Post(func() { defer close(done); f() }) {
		t.Fatal("the loop takes no more posts")
	}
	await(t, done, "a post")
}

func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// far is the other end of a socket in the loop. Its reads and writes are
// bounded by patience.
type far interface {
	net.Conn
	CloseWrite() error
}

// pairs are the kinds of sockets that a loop has.
var pairs = map[string]func(t testing.TB) (near net.Conn, peer far){
	"tcp": func(t testing.TB) (net.Conn, far) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		peer, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		near, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return near, peer.(*net.TCPConn)
	},
	"unix": func(t testing.TB) (net.Conn, far) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		var ends [2]net.Conn
		for i, fd := range fds {
			f := os.NewFile(uintptr(fd), "pair")
			if ends[i], err = net.FileConn(f); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
		return ends[0], ends[1].(*net.UnixConn)
	},
}

// each runs a test with sockets of every kind.
func each(t *testing.T, test func(t *testing.T, pair func() (fd int, peer far))) {
	for kind, pair := range pairs {
		t.Run(kind, func(t *testing.T) {
			test(t, func() (int, far) {
				near, peer := pair(t)
				t.Cleanup(func() { peer.Close() })
				if err := peer.SetDeadline(time.Now().Add(patience)); err != nil {
					t.Fatal(err)
				}
				fd, err := Detach(near)
				if err != nil {
					t.Fatal(err)
				}
				return fd, peer
			})
		})
	}
}

// probe is a Handler made of functions; a nil one is not called.
type probe struct {
	*Conn
	ready   func()
	expired func(now time.Time)
}

func (p *probe) Ready() {
	if p.ready != nil {
		p.ready()
	}
}

func (p *probe) Expired(now time.Time) {
	if p.expired != nil {
		p.expired(now)
	}
}

// add puts a socket into the loop whose handler is what set makes of it.
func add(t *testing.T, l *Loop, fd int, set func(p *probe)) *probe {
	t.Helper()
	p := new(probe)
	p.Conn = NewConn(fd, p)
	set(p)
	if err := l.Add(p.Conn); err != nil {
		t.Fatal(err)
	}
	return p
}

// descriptors is how many the process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}
