package proxy

import (
	"syscall"
	"testing"
)

// TestTheLastDescriptorIsServed: a connection that was accepted with it can't be
// put into a loop, which takes a second one, and is served all the same.
func TestTheLastDescriptorIsServed(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	p.knows(t)
	near, far := connected(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 3 // those that are open stay open
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	p.accept(near)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	far.send(t, getHead+"\r\n")
	u := e.accept(t)
	u.wantRequest(t)
	u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
	if m := far.wantAnswer(t, "GET"); m.status() != 204 {
		t.Errorf("answered %q", m.start)
	}
}
