//go:build !race

package upstream

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Neither of these ever waits, so they need not tell the scheduler of
// themselves, which on an idle machine would wake a thread for every call.

// peek looks whether there is something to read, and takes nothing.
func peek(fd uintptr) (n int, err error) {
	var b [1]byte
	return recv(fd, b[:], unix.MSG_PEEK)
}

// receive takes what is there.
func receive(fd uintptr, b []byte) (n int, err error) { return recv(fd, b, 0) }

func recv(fd uintptr, b []byte, flags uintptr) (n int, err error) {
	got, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, syscall.Errno(errno)
	}
	return int(got), nil
}
