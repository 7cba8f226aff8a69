package proxy

import (
	"os"
	"time"

	"tokenomics/internal/netloop"
	"tokenomics/internal/upstream"
)

// line is a connection to the engine in a readiness loop, for as long as it
// lasts.
type line struct {
	sock   *upstream.Socket
	conn   *netloop.Conn
	client *looped // whose request it carries; nil = nobody's
	out    outlet
}

// opened puts a connection that has just been made into the loop.
func (r *room) opened(s *upstream.Socket) error {
	fd, err := netloop.Detach(s.Raw())
	if err != nil {
		return err
	}
	return r.adopt(s, fd)
}

// adopt puts a connection, or one that is being made, into the loop.
func (r *room) adopt(s *upstream.Socket, fd int) error {
	l := &line{sock: s}
	l.conn = netloop.NewConn(fd, l)
	s.Tag = l
	s.Adopt(l)
	return r.loop.Add(l.conn)
}

// Close closes the connection, from any goroutine.
func (l *line) Close() error {
	l.conn.CloseLater()
	return nil
}

// Idle says whether it can take a request, for the pool.
func (l *line) Idle() bool { return l.conn.Idle() }

// settle gives the connection back, where it can take another request.
func (l *line) settle(keep bool) {
	l.client = nil
	l.out.drop()
	l.conn.SetDeadline(time.Time{})
	if keep && !l.conn.Ended() {
		l.sock.Release()
		return
	}
	_ = l.sock.Close() // nothing is lost with it
}

// Ready is told by the loop that there is something to read, or room to write.
func (l *line) Ready() {
	c := l.client
	if c == nil {
		if l.conn.Ended() || l.conn.Readable() && !l.conn.Idle() { // it has closed, or says what nobody asked for
			_ = l.sock.Close()
		}
		return
	}
	defer c.recovered()
	if !l.out.empty() && l.conn.Writable() {
		c.flushEngine(time.Now())
	}
	c.advance()
}

// Expired is told by the loop that the engine has taken too long: to take some
// of what it is sent, or to say why it does not.
func (l *line) Expired(now time.Time) {
	c := l.client
	if c == nil {
		return
	}
	defer c.recovered()
	if c.hurry {
		c.engineEnded(now, os.ErrDeadlineExceeded)
	} else if !l.out.empty() {
		c.engineStopped(now)
	}
	c.advance()
}

var (
	_ netloop.Handler = (*line)(nil)
	_ upstream.Own    = (*line)(nil)
)
