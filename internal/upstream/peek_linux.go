package upstream

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peek looks whether there is something to read, and takes nothing. It never
// waits, so it need not tell the scheduler of itself, which on an idle machine
// would wake a thread for every request.
func peek(fd uintptr) (n int, err error) {
	var b [1]byte
	got, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b[0])), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, syscall.Errno(errno)
	}
	return int(got), nil
}
