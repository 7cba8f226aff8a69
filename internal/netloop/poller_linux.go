package netloop

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller is an epoll set that waits in Go's poller.
type poller struct {
	fd     int
	file   *os.File
	raw    syscall.RawConn
	waker  int // an eventfd
	events [256]unix.EpollEvent
	look   func(uintptr) bool
	round  func(n int) next

	deadline time.Time // when the set's own comes; zero = never
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &poller{fd: fd, file: os.NewFile(uintptr(fd), "epoll"), waker: -1}
	p.look = p.ready
	if p.raw, err = p.file.SyscallConn(); err == nil {
		p.waker, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	}
	if err == nil {
		err = p.ctl(p.waker, unix.EPOLLIN|unix.EPOLLET, wakeTag)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *poller) close() error {
	unix.Close(p.waker)
	return p.file.Close()
}

// wake makes wait return, from any goroutine. What is written is never read:
// every write is an edge.
func (p *poller) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(p.waker, one[:]) // it fails only when it is full, 2^64 writes on
}

func (p *poller) add(fd int, tag uint64) error {
	return p.ctl(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET, tag)
}

func (p *poller) ctl(fd int, events uint32, tag uint64) error {
	e := unix.EpollEvent{Events: events, Fd: int32(uint32(tag)), Pad: int32(uint32(tag >> 32))}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &e))
}

// watch calls round with how many events there are, whenever there may be some,
// until it says that the loop is finished, or a deadline comes.
//
// All of that is one read of the set, as far as Go's poller knows: it remembers
// what happens while round is at work, so the set need not be looked at once
// more before waiting.
func (p *poller) watch(round func(n int) next) {
	p.round = round
	// The error is that of the deadline.
	_ = p.raw.Read(p.look)
}

// ready has what there is dealt with, without waiting. Not done: there is nothing
// left, for now.
func (p *poller) ready(fd uintptr) (done bool) {
	for {
		n := p.fetch(fd)
		switch p.round(n) {
		case finished:
			return true
		case wait:
			if n < len(p.events) {
				return false
			}
		}
	}
}

// until sets when watch is to return; zero = never.
func (p *poller) until(deadline time.Time) {
	if !deadline.Equal(p.deadline) {
		p.deadline = deadline
		_ = p.file.SetReadDeadline(deadline) // it can be set: the set is in Go's poller
	}
}

// fetch takes events, without waiting.
func (p *poller) fetch(fd uintptr) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&p.events)), uintptr(len(p.events)), 0, 0, 0)
	if errno != 0 {
		return 0 // EINTR, or a set that is closed: there will be a next time, or none
	}
	return int(n)
}

// event is one of those that fetch took.
func (p *poller) event(i int) (tag uint64, what state) {
	e := &p.events[i]
	if e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		what |= readable
	}
	if e.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		what |= writable
	}
	if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		what |= ended
	}
	return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32, what
}

func closeFD(fd int) { unix.Close(fd) } // nothing can be done about an error, and nothing is lost

// dup is another descriptor of the same socket.
func dup(fd uintptr) (int, error) {
	n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	return n, os.NewSyscallError("fcntl", err)
}
