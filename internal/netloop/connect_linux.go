package netloop

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Connect begins a connection as net.Dialer makes one, without waiting: no
// goroutine, whose stack the process would keep, has to wait for each. done says
// that it is there, as on loopback it is at once; else Connected tells what
// became of it, once the loop tells that there is something. from is which of
// our own addresses it comes from; the zero Addr is whichever the system takes.
func Connect(to netip.AddrPort, from netip.Addr) (fd int, done bool, err error) {
	family := unix.AF_INET
	if !to.Addr().Is4() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, false, os.NewSyscallError("socket", err)
	}
	if done, err = connect(fd, to, from); err != nil {
		closeFD(fd)
		return -1, false, err
	}
	return fd, done, nil
}

func connect(fd int, to netip.AddrPort, from netip.Addr) (done bool, err error) {
	for _, o := range tcpOptions {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return false, os.NewSyscallError("setsockopt", err)
		}
	}
	if from.IsValid() {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0))); err != nil {
			return false, os.NewSyscallError("bind", err)
		}
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		return false, os.NewSyscallError("connect", err)
	}
	return connected(fd)
}

// tcpOptions are what net.Dialer gives its connections: no delay, and a sign of
// life asked of a peer that has been silent for 30 s.
var tcpOptions = [...]struct{ level, name, value int }{
	{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
	{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30},
	{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
	{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// Connected says what has become of a connection that Connect has begun: it is
// made, or it failed, or neither yet.
func (c *Conn) Connected() (done bool, err error) {
	if c.closed {
		return false, net.ErrClosed
	}
	return connected(int(c.fd))
}

func connected(fd int) (done bool, err error) {
	failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && failed != 0 {
		err = syscall.Errno(failed)
	}
	if err != nil {
		return false, os.NewSyscallError("connect", err)
	}
	far, ok := nameOf(unix.SYS_GETPEERNAME, fd)
	if !ok {
		return false, nil // it is on its way
	}
	// Where nobody listens on a port that the system gives out, it may have been
	// given to the connection, which then meets itself (TCP's simultaneous open).
	if near, ok := nameOf(unix.SYS_GETSOCKNAME, fd); ok && near == far {
		return false, os.NewSyscallError("connect", unix.ECONNREFUSED)
	}
	return true, nil
}

// nameOf is the address of one end of a socket, as the system writes it. Package
// unix would allocate 140 bytes for it. Not ok: it has none.
func nameOf(call uintptr, fd int) (name unix.RawSockaddrInet6, ok bool) {
	size := uint32(unix.SizeofSockaddrInet6)
	_, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)))
	return name, errno == 0
}
