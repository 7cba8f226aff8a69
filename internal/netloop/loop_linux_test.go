package netloop

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDeadlines come in their order, whatever order they were set in; one that
// was put off comes later, one that was cancelled or whose socket was closed
// does not.
func TestDeadlines(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		var order []string
		last := make(chan struct{})
		conns := map[string]*probe{}
		for _, name := range []string{"put off", "third", "first", "second", "closed", "cancelled", "earlier", "last"} {
			fd, _ := pair()
			conns[name] = add(t, l, fd, func(p *probe) {
				p.expired = func(now time.Time) {
					if order = append(order, name); name == "last" {
						close(last)
					}
				}
			})
		}
		do(t, l, func() {
			now := time.Now()
			in := func(name string, ms int) {
				conns[name].SetDeadline(now.Add(time.Duration(ms) * time.Millisecond))
			}
			in("put off", 1)
			in("closed", 2)
			in("cancelled", 3)
			in("third", 30)
			in("first", 10)
			in("second", 20)
			in("earlier", 60_000)
			in("last", 60)
			in("put off", 50)
			in("earlier", 5)
			conns["cancelled"].SetDeadline(time.Time{})
			conns["closed"].Close()
		})
		await(t, last, "the last deadline")
		do(t, l, func() {
			if want := []string{"earlier", "first", "second", "third", "put off", "last"}; !slices.Equal(order, want) {
				t.Errorf("they came %q, want %q", order, want)
			}
		})
	})
}

// TestADeadlineMayBeSetAnewWhenItComes.
func TestADeadlineMayBeSetAnewWhenItComes(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, _ := pair()
		third := make(chan struct{})
		p := add(t, l, fd, func(p *probe) {
			n := 0
			p.expired = func(now time.Time) {
				if n++; n == 3 {
					close(third)
					return
				}
				p.SetDeadline(time.Now().Add(time.Millisecond))
			}
		})
		do(t, l, func() { p.SetDeadline(time.Now()) })
		await(t, third, "the third deadline")
	})
}

// TestPosts of every goroutine are called once and in the order that they were
// posted in.
func TestPosts(t *testing.T) {
	l := newLoop(t)
	const posters, each = 16, 500
	called := make([][]int, posters)
	var all sync.WaitGroup
	for i := range posters {
		all.Go(func() {
			for n := range each {
				if !l.Post(func() { called[i] = append(called[i], n) }) {
					t.Error("the loop is over")
				}
			}
		})
	}
	all.Wait()
	do(t, l, func() {
		for i, got := range called {
			if len(got) != each || !slices.IsSorted(got) {
				t.Errorf("poster %d: %d of %d posts were called, in order: %v", i, len(got), each, slices.IsSorted(got))
			}
		}
	})
}

// TestWhatWasPostedIsCalled, also where the loop is closed meanwhile.
func TestWhatWasPostedIsCalled(t *testing.T) {
	for range 200 {
		l, err := New()
		if err != nil {
			t.Fatal(err)
		}
		var taken, called atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for l.Post(func() { called.Add(1) }) {
					taken.Add(1)
				}
			})
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		if taken.Load() != called.Load() {
			t.Fatalf("%d of %d posts were called", called.Load(), taken.Load())
		}
	}
}

// TestAClosedNeighbourIsToldNothing: of two sockets that are ready in one round
// the first closes the second.
func TestAClosedNeighbourIsToldNothing(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		var probes [2]*probe
		var peers [2]far
		calls := 0
		armed := false
		for i := range probes {
			fd, peer := pair()
			peers[i] = peer
			probes[i] = add(t, l, fd, func(p *probe) {
				p.ready = func() {
					if armed {
						calls++
						probes[1-i].Close()
					}
				}
			})
		}
		do(t, l, func() {})
		do(t, l, func() { // both are found ready in the round after this
			armed = true
			for _, peer := range peers {
				io.WriteString(peer, "x")
			}
		})
		eventually(t, "one of them to be called", func() (called bool) {
			do(t, l, func() { called = calls > 0 })
			return called
		})
		do(t, l, func() {
			if calls != 1 {
				t.Errorf("%d of the two were called", calls)
			}
		})
	})
}

// TestADescriptorIsNotAnothersInTheSameRound: one that was closed is given back
// to the system when all that was fetched with it has been dealt with.
func TestADescriptorIsNotAnothersInTheSameRound(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, _ := pair()
		p := add(t, l, fd, func(*probe) {})
		do(t, l, func() {
			p.Close()
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
				t.Errorf("the descriptor is gone within the round: %v", err)
			}
		})
		do(t, l, func() {
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
				t.Errorf("the descriptor is not closed after the round: %v", err)
			}
		})
	})
}

// TestAgain is once more, and after the others had their turn.
func TestAgain(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		var order []int
		var probes [2]*probe
		begun := false
		for i := range probes {
			fd, _ := pair()
			probes[i] = add(t, l, fd, func(p *probe) {
				p.ready = func() {
					if begun && len(order) < 6 {
						order = append(order, i)
						p.Again()
						p.Again()
					}
				}
			})
		}
		do(t, l, func() {
			begun = true
			probes[0].Again()
			probes[1].Again()
		})
		eventually(t, "six turns", func() (done bool) {
			do(t, l, func() { done = len(order) == 6 })
			return done
		})
		do(t, l, func() {
			// A turn may be that of a socket that can be written to, which comes
			// before the others that asked.
			for i := 3; i < len(order); i++ {
				if order[i] == order[i-1] {
					t.Errorf("the turns were %v", order)
				}
			}
		})
	})
}

// TestClosingALoop closes its sockets, tells no handler, and leaves nothing to
// be done with it.
func TestClosingALoop(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		before := descriptors(t)
		l, err := New()
		if err != nil {
			t.Fatal(err)
		}
		var peers []far
		var conns []*probe
		var over atomic.Bool
		for range 8 {
			fd, peer := pair()
			peers = append(peers, peer)
			conns = append(conns, add(t, l, fd, func(p *probe) {
				p.ready = func() {
					if over.Load() {
						t.Error("a handler was called after Close")
					}
				}
			}))
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		over.Store(true)
		for _, peer := range peers {
			if b, err := io.ReadAll(peer); len(b) > 0 || err != nil {
				t.Errorf("a peer read %q and %v", b, err)
			}
		}
		if l.Post(func() { t.Error("a post was called after Close") }) {
			t.Error("it takes a post")
		}
		for _, p := range conns {
			p.CloseLater()
			if !p.closed {
				t.Error("a socket is not said to be closed")
			}
		}
		fd, peer := pair()
		late := NewConn(fd, new(probe))
		if err := l.Add(late); !errors.Is(err, ErrClosed) || !late.closed {
			t.Errorf("it takes a socket: %v", err)
		}
		if b, err := io.ReadAll(peer); len(b) > 0 || err != nil {
			t.Errorf("the peer of a socket that came too late read %q and %v", b, err)
		}
		for _, peer := range append(peers, peer) {
			peer.Close()
		}
		if n := descriptors(t); n != before {
			t.Errorf("%d descriptors, before %d", n, before)
		}
	})
}

// TestAddingWhileTheLoopCloses closes each descriptor once: a second time it
// would be another's.
func TestAddingWhileTheLoopCloses(t *testing.T) {
	before := descriptors(t)
	for range 100 {
		l, err := New()
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var kept [4][]int
		var begun atomic.Int32
		some := make(chan struct{})
		for i := range kept {
			all.Go(func() {
				for range 100 {
					mine, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
					if err != nil {
						t.Error(err)
						return
					}
					kept[i] = append(kept[i], mine[1]) // is to stay open
					if begun.Add(1) == 20 {
						close(some)
					}
					if l.Add(NewConn(mine[0], new(probe))) != nil {
						return
					}
				}
			})
		}
		await(t, some, "sockets to be added")
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		for _, fds := range kept {
			for _, fd := range fds {
				if err := unix.Close(fd); err != nil {
					t.Fatalf("descriptor %d was closed by the loop: %v", fd, err)
				}
			}
		}
	}
	if n := descriptors(t); n > before { // one of an earlier test may have been closing
		t.Errorf("%d descriptors, before %d", n, before)
	}
}
