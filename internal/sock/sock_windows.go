package sock

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Direct says whether Receive and Send are to be had: here sockets wait, and there
// is no way to be told that one could be written.
const Direct = false

// pollFD is the system's WSAPOLLFD.
type pollFD struct {
	fd              uintptr
	events, revents int16
}

const (
	readable = 0x0300 // POLLRDNORM and POLLRDBAND
	msgPeek  = 2
)

var wsaPoll = windows.NewLazySystemDLL("ws2_32.dll").NewProc("WSAPoll")

// Peek looks whether there is something to read, and takes nothing. A socket is
// asked first, because reading one that has nothing would wait.
func Peek(fd uintptr) (n int, err error) {
	ask := pollFD{fd: fd, events: readable}
	switch ready, _, err := wsaPoll.Call(uintptr(unsafe.Pointer(&ask)), 1, 0); int32(ready) {
	case -1:
		return 0, err
	case 0:
		return 0, syscall.EAGAIN
	}
	var b [1]byte
	var got uint32
	flags := uint32(msgPeek)
	err = windows.WSARecv(windows.Handle(fd), &windows.WSABuf{Len: 1, Buf: &b[0]}, 1, &got, &flags, nil, nil)
	return int(got), err
}

// Receive is not to be had.
func Receive(uintptr, []byte) (int, error) { return 0, syscall.EWINDOWS }

// Send is not to be had.
func Send(uintptr, []byte) (int, error) { return 0, syscall.EWINDOWS }

// Shutdown ends one direction of a connection or both, as syscall.SHUT_WR and its
// like say.
func Shutdown(fd uintptr, how int) error { return syscall.Shutdown(syscall.Handle(fd), how) }

// ResetOnClose makes closing break the connection instead of ending it.
func ResetOnClose(fd uintptr) error {
	return syscall.SetsockoptLinger(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
}
