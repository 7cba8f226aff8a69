//go:build unix && (!linux || race)

package sock

import "syscall"

// The race detector is told by syscall.Read and Write that whoever reads knows
// what the writer knew.

// Peek looks whether there is something to read, and takes nothing.
func Peek(fd uintptr) (n int, err error) {
	var b [1]byte
	n, _, err = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return n, err
}

// Receive takes what is there.
func Receive(fd uintptr, b []byte) (n int, err error) { return syscall.Read(int(fd), b) }

// Send writes what there is room for.
func Send(fd uintptr, b []byte) (n int, err error) { return syscall.Write(int(fd), b) }
