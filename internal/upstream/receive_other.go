//go:build !linux || race

package upstream

import "syscall"

// peek looks whether there is something to read, and takes nothing.
func peek(fd uintptr) (n int, err error) {
	var b [1]byte
	n, _, err = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return n, err
}

// receive takes what is there. The race detector is told by syscall.Read that
// whoever reads knows what the writer knew.
func receive(fd uintptr, b []byte) (n int, err error) { return syscall.Read(int(fd), b) }
