package netloop

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// crowd is a loop whose sockets come and go, each of which says nothing but its
// own number and hears nothing else.
type crowd struct {
	*testing.T
	loop  *Loop
	alive atomic.Int64
	calls atomic.Int64

	// Of the loop's goroutine.
	members []*member
	rand    *rand.Rand
}

// member is one socket of a crowd.
type member struct {
	crowd *crowd
	conn  *Conn
	word  [8]byte
	heard int
	said  int
	over  bool // it was closed: it must be told nothing
}

// joined puts a member into the loop, from any goroutine.
func (c *crowd) joined(fd int, word [8]byte) (*member, error) {
	m := &member{crowd: c, word: word}
	m.conn = NewConn(fd, m)
	c.alive.Add(1)
	if err := c.loop.Add(m.conn); err != nil {
		return nil, err
	}
	c.loop.Post(func() {
		c.members = append(c.members, m)
		if !m.over {
			m.conn.SetDeadline(time.Now().Add(time.Duration(c.rand.IntN(20)) * time.Millisecond))
			m.say()
		}
	})
	return m, nil
}

// mayBeCalled fails for a member that was closed.
func (m *member) mayBeCalled() {
	m.crowd.calls.Add(1)
	if m.over {
		m.crowd.Error("a socket was told something after it was closed")
	}
}

func (m *member) Ready() {
	m.mayBeCalled()
	var b [64]byte
	for m.conn.Readable() && !m.over {
		n, err := m.conn.Read(b[:1+m.crowd.rand.IntN(len(b))])
		for _, got := range b[:n] {
			if got != m.word[m.heard%8] {
				m.crowd.Errorf("socket %x heard another's byte %x, its %dth", m.word, got, m.heard)
				m.leave()
				return
			}
			m.heard++
		}
		if err != nil {
			m.leave()
		}
	}
	m.whim()
}

func (m *member) Expired(time.Time) {
	m.mayBeCalled()
	m.whim()
	if !m.over {
		m.conn.SetDeadline(time.Now().Add(time.Millisecond))
	}
}

// say says its number, or as much of it as there is room for.
func (m *member) say() {
	out := append(m.word[m.said%8:], m.word[:m.said%8]...)
	n, err := m.conn.Write(out)
	if m.said += n; err != nil {
		m.leave()
	}
}

// whim does one of the things that a handler may do.
func (m *member) whim() {
	c := m.crowd
	other := m
	if n := len(c.members); n > 0 {
		other = c.members[n-1-c.rand.IntN(min(n, 16))] // of the latest
	}
	switch n := c.rand.IntN(12); {
	case m.over:
	case n == 0:
		m.conn.Reset()
		m.leave()
	case n == 1:
		m.leave()
	case n == 2:
		other.leave() // perhaps in the round in which it is ready too
	case n == 3:
		m.conn.Again()
	case n == 4:
		m.conn.SetDeadline(time.Time{})
		m.conn.SetDeadline(time.Now().Add(time.Millisecond))
	case n == 5 && m.conn.Shut() != nil:
		m.leave()
	case n > 5:
		m.say()
	}
}

// leave closes the socket.
func (m *member) leave() {
	if !m.over {
		m.over = true
		m.conn.Close()
		m.crowd.alive.Add(-1)
	}
}

// TestChurn opens and closes thousands of connections, by their handlers, by
// others' handlers, by other goroutines and by their peers, at any moment: no
// socket hears another's bytes or is told anything once it is closed, no peer
// hears another's, and no descriptor is left.
func TestChurn(t *testing.T) {
	const workers, each = 8, 400
	before := descriptors(t)
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{T: t, loop: l, rand: rand.New(rand.NewPCG(1, 2))}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 3))
			for i := range each {
				c.visit([]string{"tcp", "unix"}[r.IntN(2)], uint64(w)<<32|uint64(i)*0x9e3779b97f4a7c15, r)
			}
		})
	}
	all.Wait()
	do(t, l, func() {
		for _, m := range c.members {
			m.leave()
		}
	})
	do(t, l, func() {})
	if n := c.alive.Load(); n != 0 {
		t.Errorf("%d sockets are left", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors, before %d", n, before)
	}
	if n := c.calls.Load(); n < workers*each {
		t.Errorf("handlers were called %d times: the test shows nothing", n)
	}
}

// visit is a peer's side of one connection.
func (c *crowd) visit(kind string, number uint64, r *rand.Rand) {
	near, peer := pairs[kind](c)
	defer peer.Close()
	fd, err := Detach(near)
	if err != nil {
		c.Error(err)
		return
	}
	var word [8]byte
	binary.BigEndian.PutUint64(word[:], number)
	m, err := c.joined(fd, word)
	if err != nil {
		c.Error(err)
		return
	}
	if err := peer.SetDeadline(time.Now().Add(patience)); err != nil {
		c.Error(err)
	}
	said, heard := 0, 0
	for range r.IntN(8) {
		switch r.IntN(3) {
		case 0:
			n, err := peer.Write(append(word[said%8:], word[:said%8]...)[:1+r.IntN(8)])
			if said += n; err != nil {
				return // it is gone
			}
		case 1:
			b := make([]byte, 1+r.IntN(16))
			n, err := peer.Read(b)
			for _, got := range b[:n] {
				if got != word[heard%8] {
					c.Errorf("the peer of %x heard another's byte %x", word, got)
					return
				}
				heard++
			}
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
					c.Error(err)
				}
				return
			}
		case 2:
			if r.IntN(4) == 0 {
				c.loop.Post(m.leave) // as CloseLater, and known to the test
				return
			}
		}
	}
	if tcp, ok := peer.(*net.TCPConn); ok && r.IntN(3) == 0 {
		_ = tcp.SetLinger(0) // it ends either way
	}
}
