package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tokenomics/internal/sock"
)

// readSize is how much one read of a socket may bring.
const readSize = 16 << 10

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// port is one end of a connection, as the relay needs it: a read that waits
// holds no buffer, a write has a time limit that begins anew with every byte
// that goes, and anyone may interrupt both. One goroutine reads and one writes
// at a time. A TLS connection, which can't be asked whether there is something
// to read, holds its buffer while it waits.
type port struct {
	conn  net.Conn
	raw   syscall.RawConn // nil for TLS, and where sockets are not Direct
	limit time.Duration   // of one write without progress

	take    func([]byte) bool // of the pump that runs
	readErr error
	pumpFn  func(uintptr) bool
	out     []byte // of the write that runs
	outErr  error
	blocked bool // it has had to wait
	writeFn func(uintptr) bool

	watched bool        // the watcher tells when the peer closes
	ended   atomic.Bool // it has
	broke   atomic.Bool // a write was told that it broke the connection: reading would see nothing but an end

	mu        sync.Mutex // protects the rest, and the deadlines
	readOver  bool       // reading has been interrupted for good
	writeOver bool
	limitRead time.Time // when reading is to fail; zero = never
	armed     time.Time // when the connection's own deadline comes: then, or before
}

// newPort is the port of a TCP, unix or TLS connection.
func newPort(conn net.Conn, limit time.Duration) *port {
	p := &port{conn: conn, limit: limit}
	if sc, ok := conn.(syscall.Conn); ok && sock.Direct {
		if raw, err := sc.SyscallConn(); err == nil {
			p.raw = raw
		}
	}
	p.pumpFn, p.writeFn = p.readable, p.writable
	return p
}

// pump hands take what each read brings, until take wants no more (nil), the
// peer ends (io.EOF) or reading fails. What take is given is its own only
// until it returns.
func (p *port) pump(take func([]byte) bool) error {
	if p.raw == nil {
		return p.pumpTLS(take)
	}
	p.take, p.readErr = take, nil
	err := p.raw.Read(p.pumpFn)
	for p.readErr == nil && p.early(err) {
		err = p.raw.Read(p.pumpFn)
	}
	if err != nil && p.ended.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		err = p.drain() // the watcher woke us: all that will come is here
	}
	p.take = nil
	if p.readErr != nil {
		return p.readErr
	}
	return err
}

// drain reads what is there, of a peer that has closed.
func (p *port) drain() error {
	watched, done := p.watched, false
	p.watched = false // read on until there is nothing
	err := p.raw.Control(func(fd uintptr) { done = p.readable(fd) })
	p.watched = watched
	if err == nil && !done {
		return io.EOF
	}
	return err
}

func (p *port) pumpTLS(take func([]byte) bool) error {
	b := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(b)
	for {
		n, err := p.conn.Read(b[:])
		if n > 0 && !take(b[:n]) {
			return nil
		}
		if err != nil && !p.early(err) {
			return err
		}
	}
}

// readable reads once for every time that there is something to read: a read
// that did not fill its buffer has emptied the socket, and what comes after it
// wakes us anew. That the peer has closed may be told by that same wake-up, which
// is why this needs the watcher; without it, only a read that finds nothing
// ends the round.
func (p *port) readable(fd uintptr) (done bool) {
	b := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(b)
	for {
		n, err := sock.Receive(fd, b[:])
		switch {
		case err == syscall.EAGAIN:
			return false
		case err == syscall.EINTR:
			continue
		case err != nil:
			p.readErr = os.NewSyscallError("read", err)
			return true
		case n == 0 && p.broke.Load():
			p.readErr = os.NewSyscallError("read", syscall.ECONNRESET)
			return true
		case n == 0:
			p.readErr = io.EOF
			return true
		case !p.take(b[:n]):
			return true
		case n < len(b) && p.watched:
			return false
		}
	}
}

// write writes all of b. It fails when nothing of it could be written for the
// time limit.
func (p *port) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if p.raw == nil {
		return p.writeTLS(b)
	}
	p.out, p.outErr, p.blocked = b, nil, false
	err := p.raw.Write(p.writeFn)
	p.out = nil
	switch {
	case p.outErr != nil:
		return p.outErr
	case err == nil && p.blocked:
		return p.writeBy(time.Time{})
	}
	return err
}

// writeTLS writes a record's worth at a time, each with its own time limit: how
// much of a longer write has gone is not told.
func (p *port) writeTLS(b []byte) error {
	for piece := range slices.Chunk(b, tlsRecord) {
		if err := p.writeBy(time.Now().Add(p.limit)); err != nil {
			return err
		}
		if _, err := p.conn.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// tlsRecord is the most that goes in one record of TLS.
const tlsRecord = 16 << 10

func (p *port) writable(fd uintptr) (done bool) {
	for len(p.out) > 0 {
		n, err := sock.Send(fd, p.out)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			p.blocked = true
			if p.outErr = p.writeBy(time.Now().Add(p.limit)); p.outErr != nil {
				return true
			}
			return false
		case err != nil:
			if err == syscall.ECONNRESET { // where the peer had ended before, it is EPIPE
				p.broke.Store(true)
			}
			p.outErr = os.NewSyscallError("write", err)
			return true
		default:
			p.out = p.out[n:]
		}
	}
	return true
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// readBy sets when reading fails, unless it has been interrupted. A deadline of
// the connection that comes before is left as it is, to be put off by who runs
// into it: each time that Go's scheduler is given a new one it may wake a thread
// to wait for it, which costs an idle machine more than relaying an event.
func (p *port) readBy(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readOver {
		return nil
	}
	p.limitRead = t
	if p.armed.After(time.Now()) && !t.Before(p.armed) {
		return nil
	}
	return p.arm()
}

// arm gives the connection the deadline that is meant. The caller has mu.
func (p *port) arm() error {
	p.armed = p.limitRead
	return p.conn.SetReadDeadline(p.armed)
}

// early says whether err is only that a deadline came which has been put off
// meanwhile, and reading can go on.
func (p *port) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readOver || !p.limitRead.IsZero() && !p.limitRead.After(time.Now()) {
		return false
	}
	return p.arm() == nil
}

// whole says whether nobody has interrupted it and its peer has not left.
func (p *port) whole() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.readOver && !p.writeOver
}

func (p *port) writeBy(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writeOver {
		return nil
	}
	return p.conn.SetWriteDeadline(t)
}

// interrupt makes whoever reads or writes fail, from any goroutine, now and
// from now on.
func (p *port) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readOver, p.writeOver = true, true
	_ = p.conn.SetDeadline(past) // a connection that is closed already is as it should be
}

// hangUp is interrupt, and tells the peer that it is over, without waiting for
// anybody. The owner still has to close the connection. (Close itself waits for
// whoever is inside.)
func (p *port) hangUp() {
	if raw := rawOf(p.conn); raw != nil {
		_ = raw.Control(func(fd uintptr) { _ = sock.Shutdown(fd, syscall.SHUT_RDWR) })
	}
	p.interrupt()
}

// left is told by the watcher that the peer has closed its side: whoever reads
// comes to the end. TLS has an end of its own.
func (p *port) left() {
	if p.raw == nil {
		return
	}
	p.ended.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readOver = true
	_ = p.conn.SetReadDeadline(past) // as above
}

// rawOf is the socket under a connection, nil where there is none.
func rawOf(c net.Conn) syscall.RawConn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
