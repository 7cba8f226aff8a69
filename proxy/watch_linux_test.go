package proxy

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAnEngineThatCantBeWatchedIsStillHeard to its end: where the system has no
// more watches, nobody tells that it closed, and reading has to find out.
func TestAnEngineThatCantBeWatchedIsStillHeard(t *testing.T) {
	w, err := newWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.ctl = func(int, int, int, *unix.EpollEvent) error { return unix.ENOSPC }
	near, far := connected(t)
	p := newPort(near, time.Minute)
	stop, told, err := w.watch(near, p.left)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if p.watched = told; told {
		t.Error("it is taken for watched")
	}
	far.send(t, "x")
	far.leave(t, "FIN")
	if err := p.readBy(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var got []byte
	err = p.pump(func(b []byte) bool { got = append(got, b...); return true })
	if string(got) != "x" || err.Error() != "EOF" {
		t.Errorf("read %q and %v", got, err)
	}
}
