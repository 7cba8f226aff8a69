package netloop

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// CanDetach says whether c is a bare TCP or unix connection.
func CanDetach(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// Detach takes a connection out of Go's poller and closes c; the descriptor is
// the caller's. After an error c is closed all the same.
func Detach(c net.Conn) (fd int, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return -1, errors.Join(fmt.Errorf("%T has no socket", c), c.Close())
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, errors.Join(err, c.Close())
	}
	if e := raw.Control(func(old uintptr) { fd, err = dup(old) }); e != nil {
		err = e
	}
	if err != nil {
		return -1, errors.Join(err, c.Close())
	}
	// Its own Close says nothing to the peer as long as the other descriptor is
	// open, and takes it out of the poller.
	if err := c.Close(); err != nil {
		closeFD(fd)
		return -1, err
	}
	return fd, nil
}
