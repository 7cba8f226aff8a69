//go:build unix

package sock

import "syscall"

// Direct says whether Receive and Send are to be had.
const Direct = true

// Shutdown ends one direction of a connection or both, as syscall.SHUT_WR and its
// like say.
func Shutdown(fd uintptr, how int) error { return syscall.Shutdown(int(fd), how) }

// ResetOnClose makes closing break the connection instead of ending it.
func ResetOnClose(fd uintptr) error {
	return syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
}
