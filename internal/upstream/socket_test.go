package upstream

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// TestSocket follows one bare connection through the pool.
func TestSocket(t *testing.T) {
	var opened []*Socket
	p := NewPool(engine(t, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"), Options{
		IdleTimeout: time.Hour,
		OnOpen:      func(s *Socket) error { s.Tag = len(opened); opened = append(opened, s); return nil },
	})
	defer p.Close()
	s, err := p.Take(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, plain := s.Raw().(*net.TCPConn); !plain || s.Reused() || s.Tag != 0 {
		t.Errorf("first: %T, reused %v, tag %v", s.Raw(), s.Reused(), s.Tag)
	}
	const answer = len("HTTP/1.1 204 No Content\r\n\r\n")
	if _, err := io.WriteString(s.Raw(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s.Raw(), make([]byte, answer)); err != nil {
		t.Fatal(err)
	}
	s.Release()
	if got, want := p.Stats(), (Stats{Open: 1, Idle: 1, Dialled: 1}); got != want {
		t.Errorf("released: %+v, want %+v", got, want)
	}
	again, err := p.Take(t.Context(), false)
	if err != nil || again != s || !again.Reused() {
		t.Fatalf("the idle connection was not taken: %v", err)
	}
	fresh, err := p.Take(t.Context(), true)
	if err != nil || fresh == s || fresh.Reused() || fresh.Tag != 1 {
		t.Fatalf("asked for a fresh one: %v, %+v", err, fresh)
	}
	if got, want := p.Stats(), (Stats{Open: 2, Dialled: 2, Reused: 1}); got != want {
		t.Errorf("both taken: %+v, want %+v", got, want)
	}
	var closers sync.WaitGroup
	for range 4 {
		closers.Go(func() { s.Close() })
	}
	if n, err := s.Raw().Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes of a closed connection", n)
	}
	closers.Wait()
	s.Release() // too late: it stays closed and out of the pool
	if got, want := p.Stats(), (Stats{Open: 1, Dialled: 2, Reused: 1}); got != want {
		t.Errorf("one closed: %+v, want %+v", got, want)
	}
	if len(opened) != 2 {
		t.Errorf("OnOpen was called %d times for 2 connections", len(opened))
	}
	fresh.Close()
}
