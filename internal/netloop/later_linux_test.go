package netloop

import (
	"io"
	"slices"
	"testing"
)

// TestLater comes behind what has happened before it is called, and before the
// loop waits.
func TestLater(t *testing.T) {
	l := newLoop(t)
	near, peer := pairs["unix"](t) // what is written to it is there at once
	t.Cleanup(func() { peer.Close() })
	fd, err := Detach(near)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	add(t, l, fd, func(p *probe) {
		p.ready = func() {
			if p.Readable() {
				order = append(order, "ready")
				p.Read(make([]byte, 8))
			}
		}
	})
	do(t, l, func() {
		l.Later(func() { order = append(order, "later") })
		l.Later(func() { l.Later(func() { order = append(order, "still later") }) })
		io.WriteString(peer, "x")
	})
	eventually(t, "all to be called", func() (done bool) {
		do(t, l, func() { done = len(order) == 3 })
		return done
	})
	do(t, l, func() {
		if want := []string{"ready", "later", "still later"}; !slices.Equal(order, want) {
			t.Errorf("called were %q, not %q", order, want)
		}
	})
}

// TestLaterOfALoopThatEnds is called, whoever asks for it in its last round.
func TestLaterOfALoopThatEnds(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	begun, called := make(chan struct{}), 0
	l.Post(func() {
		l.Later(func() { called++ })
		close(begun)
	})
	await(t, begun, "a post")
	l.Post(func() { l.Later(func() { called++ }) })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if called != 2 {
		t.Errorf("%d of 2 were called", called)
	}
}

// TestQuiet is what the loop has been told, and no more.
func TestQuiet(t *testing.T) {
	each(t, func(t *testing.T, pair func() (int, far)) {
		l := newLoop(t)
		fd, peer := pair()
		p := add(t, l, fd, func(*probe) {})
		is := func() (quiet bool) {
			do(t, l, func() { quiet = p.Quiet() })
			return quiet
		}
		if !is() {
			t.Error("a silent connection is not quiet")
		}
		io.WriteString(peer, "x")
		eventually(t, "a byte to be told of", func() bool { return !is() })
		do(t, l, func() { p.Read(make([]byte, 8)) })
		if !is() {
			t.Error("a connection that was read empty is not quiet")
		}
		peer.Close()
		eventually(t, "the end to be told of", func() bool { return !is() })
	})
}
