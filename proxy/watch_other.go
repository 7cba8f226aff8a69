//go:build !linux

package proxy

import (
	"net"
	"sync"
	"syscall"
	"time"

	"tokenomics/internal/sock"
)

// watcher learns when a client leaves. Without epoll it looks at the socket
// every peekEvery; a client that left behind unread pipelined bytes is noticed
// only when its answer can't be written.
type watcher struct{}

const peekEvery = 20 * time.Millisecond

func newWatcher() (*watcher, error) { return &watcher{}, nil }

// watch calls gone, once and from another goroutine, when c's peer closes its
// side. The caller calls stop before it gives c up. Never told: not everything
// that a peer does is noticed at once. It is an error when c is closed already.
func (w *watcher) watch(c net.Conn, gone func()) (stop func(), told bool, err error) {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn() // of TLS
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return func() {}, false, nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return func() {}, false, err
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(peekEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if left(raw) {
				gone()
				return
			}
		}
	}()
	var once sync.Once
	return func() { once.Do(func() { close(done) }) }, false, nil
}

func left(raw syscall.RawConn) (is bool) {
	err := raw.Control(func(fd uintptr) {
		n, err := sock.Peek(fd)
		is = n == 0 && err == nil || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
	})
	return is || err != nil
}

func (w *watcher) close() error { return nil }
