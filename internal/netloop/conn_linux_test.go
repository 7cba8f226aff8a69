package netloop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestWhatComesIsRead, in pieces of whatever size, up to the end, and then there
// is nothing more to read.
func TestWhatComesIsRead(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		var got []byte
		come, over := make(chan struct{}, 64), make(chan struct{})
		add(t, l, fd, func(p *probe) {
			p.ready = func() {
				for b := make([]byte, 3); p.Readable() && !p.closed; {
					n, err := p.Read(b)
					got = append(got, b[:n]...)
					if err != nil {
						if err != io.EOF || !p.Ended() {
							t.Errorf("it ends with %v, and is said to have ended: %v", err, p.Ended())
						}
						p.Close()
						close(over)
					}
				}
				come <- struct{}{}
			}
		})
		want := ""
		for _, piece := range []string{"hello", "abc", "a", "sixsix"} {
			if _, err := io.WriteString(peer, piece); err != nil {
				t.Fatal(err)
			}
			want += piece
			eventually(t, "what was sent", func() (all bool) {
				do(t, l, func() { all = string(got) == want })
				return all
			})
		}
		peer.Close()
		await(t, over, "the end")
	})
}

// TestAHalfClosedPeerIsReadToItsEndAndWrittenTo.
func TestAHalfClosedPeerIsReadToItsEndAndWrittenTo(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		over := make(chan []byte, 1)
		hold := make(chan struct{})
		if !l.Post(func() { <-hold }) { // so that the end comes together with the bytes
			t.Fatal("the loop is over")
		}
		add(t, l, fd, func(p *probe) {
			var got []byte
			p.ready = func() {
				for p.Ended() && !p.closed {
					var b [4]byte
					n, err := p.Read(b[:])
					if got = append(got, b[:n]...); err == nil {
						continue
					}
					if _, err := p.Write([]byte("and you")); err != nil {
						t.Error(err)
					}
					p.Close()
					over <- got
				}
			}
		})
		io.WriteString(peer, "goodbye")
		if err := peer.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		close(hold)
		if got := <-over; string(got) != "goodbye" {
			t.Errorf("read %q", got)
		}
		if b, err := io.ReadAll(peer); string(b) != "and you" || err != nil {
			t.Errorf("the peer read %q and %v", b, err)
		}
	})
}

// TestShutTellsThePeer that no more comes, and what it says is still read.
func TestShutTellsThePeer(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		got := make(chan string, 1)
		p := add(t, l, fd, func(p *probe) {
			p.ready = func() {
				var b [16]byte
				if n, err := p.Read(b[:]); n > 0 || err != nil {
					got <- string(b[:n])
				}
			}
		})
		do(t, l, func() {
			if err := p.Shut(); err != nil {
				t.Error(err)
			}
		})
		if b, err := io.ReadAll(peer); len(b) > 0 || err != nil {
			t.Errorf("the peer read %q and %v", b, err)
		}
		io.WriteString(peer, "still here")
		if s := <-got; s != "still here" {
			t.Errorf("read %q", s)
		}
	})
}

// TestResets are seen by either side.
func TestResets(t *testing.T) {
	near, peer := pairs["tcp"](t)
	fd, err := Detach(near)
	if err != nil {
		t.Fatal(err)
	}
	l := newLoop(t)
	over := make(chan error, 1)
	p := add(t, l, fd, func(p *probe) {
		p.ready = func() {
			if p.Ended() {
				_, err := p.Read(make([]byte, 1))
				over <- err
				p.Close()
			}
		}
	})
	if err := peer.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	if err := <-over; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a reset reads as %v", err)
	}

	near, peer = pairs["tcp"](t)
	defer peer.Close()
	if fd, err = Detach(near); err != nil {
		t.Fatal(err)
	}
	p = add(t, l, fd, func(*probe) {})
	do(t, l, func() { p.Reset(); p.Close() })
	if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the peer of a reset reads %v", err)
	}
}

// TestAResetThatAWriteWasToldIsReadToo: the system tells it once, and the next
// one would see a proper end.
func TestAResetThatAWriteWasToldIsReadToo(t *testing.T) {
	near, peer := pairs["tcp"](t)
	fd, err := Detach(near)
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	l := newLoop(t)
	p := add(t, l, fd, func(*probe) {})
	do(t, l, func() {
		defer p.Close()
		if _, err := p.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a reset writes as %v", err)
		}
		if _, err := p.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("behind that write it reads as %v", err)
		}
	})
}

// TestAFullSocketIsToldWhenThereIsRoom, and nothing is lost or changed in order,
// however slowly the peer reads.
func TestAFullSocketIsToldWhenThereIsRoom(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		want := make([]byte, 16<<20)
		for i := range want {
			want[i] = byte(i ^ i>>8 ^ i>>16)
		}
		rest, stalls := want, 0
		var p *probe
		write := func() {
			n, err := p.Write(rest)
			if rest = rest[n:]; err != nil {
				t.Error(err)
				rest = nil
			}
			if len(rest) == 0 {
				p.Close()
			} else if stalls++; p.Writable() {
				t.Error("a socket that took no more is said to be writable")
			}
		}
		p = add(t, l, fd, func(p *probe) {
			p.ready = func() {
				if stalls > 0 && p.Writable() {
					write()
				}
			}
		})
		do(t, l, write)
		got, err := io.ReadAll(peer)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("the peer read %d bytes, the right ones %v, and %v", len(got), bytes.Equal(got, want), err)
		}
		if stalls == 0 {
			t.Error("the socket was never full: the test shows nothing")
		}
	})
}

// TestWritingToAPeerThatIsGone fails, and kills nobody.
func TestWritingToAPeerThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		ended := make(chan struct{}, 8)
		p := add(t, l, fd, func(p *probe) {
			p.ready = func() {
				if p.Ended() {
					ended <- struct{}{}
				}
			}
		})
		peer.Close()
		await(t, ended, "the end to be told")
		var err error
		eventually(t, "writing to fail", func() bool {
			do(t, l, func() { _, err = p.Write([]byte("x")) })
			return err != nil
		})
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("writing fails with %v", err)
		}
	})
}

// TestIdle is asked from any goroutine.
func TestIdle(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		p := add(t, l, fd, func(*probe) {})
		if !p.Idle() {
			t.Error("a silent connection is not idle")
		}
		io.WriteString(peer, "x")
		eventually(t, "a byte to be there", func() bool { return !p.Idle() })
		do(t, l, func() { p.Read(make([]byte, 8)) })
		if !p.Idle() {
			t.Error("a connection that was read empty is not idle")
		}
		peer.Close()
		eventually(t, "the end to be seen", func() bool { return !p.Idle() })
	})
}

// TestAClosedConnDoesNothing more: its descriptor may be another's.
func TestAClosedConnDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		told := false
		p := add(t, l, fd, func(p *probe) {
			p.ready = func() { told = told || p.closed }
			p.expired = func(time.Time) { told = true }
		})
		do(t, l, func() {
			p.SetDeadline(time.Now())
			p.Again()
			p.Close()
			p.Close()
			p.SetDeadline(time.Now())
			p.Again()
			p.Reset()
			if _, err := p.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("reading: %v", err)
			}
			if _, err := p.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("writing: %v", err)
			}
			if err := p.Shut(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("shutting: %v", err)
			}
		})
		p.CloseLater()
		for range 3 {
			do(t, l, func() {})
		}
		do(t, l, func() {
			if told {
				t.Error("its handler was called after Close")
			}
			if n := l.when.Len(); n != 0 {
				t.Errorf("%d deadlines are left", n)
			}
		})
		if b, err := io.ReadAll(peer); len(b) > 0 || err != nil {
			t.Errorf("the peer read %q and %v", b, err)
		}
	})
}

// TestDetachLeavesWhatItCantTake as it was: also where there is no descriptor left
// to take it with.
func TestDetachLeavesWhatItCantTake(t *testing.T) {
	near, other := net.Pipe()
	if CanDetach(near) {
		t.Error("a pipe in memory is said to have a socket")
	}
	if _, err := Detach(near); err == nil {
		t.Error("a pipe in memory was detached")
	}
	go near.Write([]byte("x"))
	if _, err := other.Read(make([]byte, 1)); err != nil {
		t.Errorf("it is closed: %v", err)
	}
	closed, _ := pairs["tcp"](t)
	closed.Close()
	open, peer := pairs["tcp"](t)
	defer open.Close()
	defer peer.Close()
	before := descriptors(t)
	withoutDescriptors(t, func() {
		if _, err := Detach(open); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("without a descriptor: %v", err)
		}
	})
	if _, err := io.WriteString(open, "x"); err != nil {
		t.Errorf("a connection that could not be detached: %v", err)
	}
	if _, err := Detach(closed); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed connection: %v", err)
	}
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors, before %d", n, before)
	}
}

// withoutDescriptors calls f while the process can open no more of them.
func withoutDescriptors(t *testing.T, f func()) {
	t.Helper()
	var limit, none syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none = limit
	none.Cur = 3 // those that are open stay open
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}
