package upstream

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"tokenomics/internal/sock"
)

// Socket is one connection to an engine, with nothing buffered on it. All but
// Close belong to one goroutine at a time.
type Socket struct {
	Tag any // what its user wants to remember; the pool does not look at it

	conn   io.Closer // a net.Conn, or the Own that has taken its place
	pool   *Pool
	msg    *Conn         // the messages over it; nil until it is first got as a Conn
	idle   time.Duration // since when, while in the pool, by the pool's clock
	reused bool
	closed atomic.Bool
}

// Raw is the connection itself: a *net.TCPConn, *net.UnixConn or *tls.Conn, nil
// once it is adopted. It is to be closed with the Socket's Close, which the pool
// counts.
func (s *Socket) Raw() net.Conn {
	c, _ := s.conn.(net.Conn)
	return c
}

// Own is a connection that its user reads and writes by means of their own.
type Own interface {
	Close() error // from any goroutine
	Idle() bool   // nothing waits to be read, and the engine has not closed
}

// Adopt makes own what is closed and looked at in place of Raw, which its user
// has taken apart. It is for Options.OnOpen.
func (s *Socket) Adopt(own Own) { s.conn = own }

// Reused says whether the connection has carried a request before.
func (s *Socket) Reused() bool { return s.reused }

// Release gives the connection back to the pool. Only the caller knows that it
// is clean: the last answer was read to its end, nothing came behind it, and
// the engine did not say that it would close.
func (s *Socket) Release() {
	if s.closed.Load() {
		return
	}
	s.reused = true
	s.pool.put(s)
}

// Close closes the connection: whoever reads or writes it fails at once, and
// the engine learns that nobody wants the answer. It may be called from any
// goroutine, and more than once.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.pool.open.Add(-1)
	if s.pool.opt.OnClose != nil {
		s.pool.opt.OnClose(s)
	}
	return s.conn.Close()
}

// alive looks whether the engine has closed an idle connection, or sent on it
// what nobody asked for.
func (s *Socket) alive() bool {
	if own, ok := s.conn.(Own); ok {
		return own.Idle() && !s.closed.Load()
	}
	conn := s.Raw()
	secure, isTLS := conn.(*tls.Conn)
	if isTLS {
		conn = secure.NetConn()
	}
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false // what can't be asked is not trusted
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	err = rc.Control(func(fd uintptr) {
		n, err := sock.Peek(fd)
		// Before its first answer a TLS server sends session tickets. Later, what
		// waits unasked is most likely the alert that comes with its close.
		alive = err == syscall.EAGAIN || err == nil && n > 0 && isTLS && !s.reused
	})
	return err == nil && alive && (!isTLS || s.emptied(secure))
}

// emptied says whether nothing waits inside a TLS connection either, where the
// socket does not show it: several records may come in one read. Nothing is read
// of the socket, because the time for that is over.
func (s *Socket) emptied(secure *tls.Conn) bool {
	if secure.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	n, err := secure.Read(make([]byte, 1))
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && secure.SetReadDeadline(time.Time{}) == nil
}
