package netloop

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"tokenomics/internal/sock"
)

// Handler is told by the loop's goroutine what happens to a socket. It must not
// wait, and must not panic.
type Handler interface {
	// Ready is called when something has changed: there is more to read, room to
	// write, or the peer has closed. What was not taken up is not told again.
	Ready()
	// Expired is called when the time of SetDeadline has come.
	Expired(now time.Time)
}

// Conn is one socket in a Loop.
type Conn struct {
	handler Handler
	loop    *Loop
	tag     uint64
	fd      int32

	is     state
	closed bool
	queued bool // for another call of Ready

	deadline moment // when Expired is to be called
	armed    moment // when it is looked at: then, or before
	place    int32  // among the timers, from 1; 0 = not there
}

// state is what the system has told of a socket and has not been used up.
type state uint8

const (
	readable state = 1 << iota
	writable
	ended // the peer sends no more, or the connection is broken
	broke // a write was told so: reading would see nothing but an end
)

// NewConn is a socket whose descriptor, which Detach gave, is c's from now on.
func NewConn(fd int, h Handler) *Conn { return &Conn{fd: int32(fd), handler: h} }

// Handle has h told from now on.
func (c *Conn) Handle(h Handler) { c.handler = h }

// Readable says whether there may be something to read, or an end to be seen.
func (c *Conn) Readable() bool { return c.is&readable != 0 }

// Writable says whether there may be room to write, after a Write that found
// none.
func (c *Conn) Writable() bool { return c.is&writable != 0 }

// Ended says whether the peer has closed its side, or all of the connection is
// broken. There may still be something to read.
func (c *Conn) Ended() bool { return c.is&ended != 0 }

// Read reads what is there. n is 0 where there is nothing and the loop will tell
// when there is; the error is io.EOF where the peer has closed, and not where a
// Write has been told that it broke the connection.
func (c *Conn) Read(b []byte) (n int, err error) {
	if c.closed {
		return 0, net.ErrClosed // the descriptor may be another's by now
	}
	for {
		n, err = sock.Receive(uintptr(c.fd), b)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			c.is &^= readable
			return 0, nil
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0 && c.is&broke != 0:
			return 0, os.NewSyscallError("read", syscall.ECONNRESET)
		case n == 0:
			return 0, io.EOF
		case n < len(b) && c.is&ended == 0:
			c.is &^= readable // it is empty now, and what comes is told
		}
		return n, nil
	}
}

// Write writes what there is room for. Less than all means that the loop will
// tell when there is more.
func (c *Conn) Write(b []byte) (n int, err error) {
	if c.closed {
		return 0, net.ErrClosed
	}
	n, full, err := send(c.fd, b)
	if full {
		c.is &^= writable
	}
	if errors.Is(err, syscall.ECONNRESET) { // where the peer had ended before, that is EPIPE
		c.is |= broke
	}
	return n, err
}

// Send is Write for another goroutine, while nobody closes c. What it leaves is
// for Write, of which the loop then tells when there is room.
func (c *Conn) Send(b []byte) (n int, err error) {
	n, _, err = send(c.fd, b)
	return n, err
}

// send writes to a socket what there is room for.
func send(fd int32, b []byte) (n int, full bool, err error) {
	for n < len(b) {
		m, err := sock.Send(uintptr(fd), b[n:])
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return n, true, nil
		case err != nil:
			return n, false, os.NewSyscallError("write", err)
		default:
			n += m
		}
	}
	return n, false, nil
}

// Again has Ready called once more, after the others had their turn.
func (c *Conn) Again() {
	if !c.queued && !c.closed {
		c.queued = true
		c.loop.more = append(c.loop.more, c)
	}
}

// SetDeadline sets when Expired is called; the zero time is never. One that is
// put off costs nothing.
func (c *Conn) SetDeadline(t time.Time) {
	if !c.closed {
		c.deadline = c.loop.moment(t)
		c.loop.when.set(c)
	}
}

// Shut tells the peer that nothing more is sent.
func (c *Conn) Shut() error {
	if c.closed {
		return net.ErrClosed
	}
	return os.NewSyscallError("shutdown", sock.Shutdown(uintptr(c.fd), syscall.SHUT_WR))
}

// Reset makes Close break the connection instead of ending it: the peer sees
// that what it has is not all.
func (c *Conn) Reset() {
	if c.closed {
		return
	}
	_ = sock.ResetOnClose(uintptr(c.fd)) // a plain close is what is left if it fails
}

// Close closes the socket; its handler is told nothing more. It may be called
// again.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	c.closed = true
	c.loop.when.remove(c)
	c.loop.mu.Lock()
	c.loop.forget(c)
	c.loop.mu.Unlock()
	c.loop.dead = append(c.loop.dead, int(c.fd))
}

// CloseLater is Close for other goroutines, once c was added.
func (c *Conn) CloseLater() { c.loop.Post(c.Close) } // a loop that has ended has closed it

// Idle looks whether nothing waits to be read and the peer has not closed. It
// may be called from another goroutine while nobody closes c.
func (c *Conn) Idle() bool {
	_, err := sock.Peek(uintptr(c.fd))
	return err == syscall.EAGAIN
}
