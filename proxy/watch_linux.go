package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// watcher learns at once when a client leaves, whatever its handler waits for.
// All clients with a request in flight are in one epoll set, for EPOLLRDHUP
// alone: unread pipelined bytes wake nobody, and a client's half-close counts
// as gone. The set itself waits in Go's poller, so that no thread blocks.
type watcher struct {
	epoll *os.File
	raw   syscall.RawConn
	fd    int
	done  chan struct{}
	ctl   func(epfd, op, fd int, event *unix.EpollEvent) error // unix.EpollCtl

	mu   sync.Mutex // protects next, gone
	next uint64
	gone map[uint64]func() // what to call when the client with this number leaves
}

func newWatcher() (*watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	w := &watcher{epoll: os.NewFile(uintptr(fd), "epoll"), fd: fd, done: make(chan struct{}), ctl: unix.EpollCtl, gone: map[uint64]func(){}}
	w.raw, err = w.epoll.SyscallConn()
	if err != nil {
		w.epoll.Close()
		return nil, err
	}
	go w.run()
	return w, nil
}

// watch calls gone, once and from another goroutine, when c's peer closes its
// side. The caller calls stop before it gives c up; gone may still be running
// then, but does not begin after it. Not told: gone will not be called, because
// the system can watch no more. It is an error when c is closed already.
func (w *watcher) watch(c net.Conn, gone func()) (stop func(), told bool, err error) {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn() // of TLS
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return func() {}, false, nil // an in-memory connection in a test: nothing to watch
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return func() {}, false, err
	}
	w.mu.Lock()
	w.next++
	id := w.next
	w.gone[id] = gone
	w.mu.Unlock()
	// The event carries a number that is never used again, not the
	// descriptor, which the next connection may already have.
	event := unix.EpollEvent{Events: unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(uint32(id)), Pad: int32(uint32(id >> 32))}
	control := func(op int) (err error) {
		if e := raw.Control(func(fd uintptr) { err = w.ctl(w.fd, op, int(fd), &event) }); e != nil {
			return e
		}
		return err
	}
	if err := control(unix.EPOLL_CTL_ADD); err != nil {
		w.forget(id)
		// Out of memory or of watches is no sign that the peer has left: the
		// exchange goes on unwatched, and fails when it can't be written.
		if errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.ENOSPC) {
			err = nil
		}
		return func() {}, false, err
	}
	return func() {
		w.forget(id)
		// An error means that the descriptor is closed, and so out of the set.
		_ = control(unix.EPOLL_CTL_DEL)
	}, true, nil
}

func (w *watcher) forget(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.gone, id)
}

// run calls what the events say until the set is closed.
func (w *watcher) run() {
	defer close(w.done)
	events := make([]unix.EpollEvent, 128)
	for {
		n := 0
		err := w.raw.Read(func(fd uintptr) bool {
			var err error
			n, err = unix.EpollWait(int(fd), events, 0)
			return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
		})
		if err != nil || n < 0 {
			return
		}
		for _, e := range events[:n] {
			w.left(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32)
		}
	}
}

func (w *watcher) left(id uint64) {
	w.mu.Lock()
	gone := w.gone[id]
	delete(w.gone, id)
	w.mu.Unlock()
	if gone != nil {
		gone()
	}
}

func (w *watcher) close() error {
	if err := w.epoll.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("closing the watch for clients that leave: %w", err)
	}
	<-w.done
	return nil
}
