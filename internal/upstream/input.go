package upstream

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"tokenomics/internal/sock"
)

// readSize is how much one read of a socket may bring.
const readSize = 8 << 10

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// input is what comes over a connection. A read that waits holds no buffer. A
// TLS connection, which can't be asked whether there is something to read,
// holds its own.
type input struct {
	conn net.Conn
	raw  syscall.RawConn // nil for TLS, and where sockets are not Direct

	at  time.Time // when the last bytes came, stamped before anything looks at them
	buf *[readSize]byte
	n   int // how many bytes of it the last read brought

	readErr error
	readFn  func(uintptr) bool
}

func (in *input) init(conn net.Conn) {
	in.conn = conn
	in.readFn = in.readable
	if sc, ok := conn.(syscall.Conn); ok && sock.Direct {
		if raw, err := sc.SyscallConn(); err == nil {
			in.raw = raw
		}
	}
}

// receive waits until there is something and reads the socket once. What it
// returns is valid until release. Its error is io.EOF where the peer has closed.
func (in *input) receive() ([]byte, error) {
	if in.raw == nil {
		return in.receiveTLS()
	}
	err := in.raw.Read(in.readFn)
	if err == nil {
		err = in.readErr
	}
	if err != nil {
		in.release()
		var op *net.OpError
		if errors.As(err, &op) {
			op.Op = "read" // as it is called everywhere else
		}
		return nil, err
	}
	return in.buf[:in.n], nil
}

func (in *input) receiveTLS() ([]byte, error) {
	b := readBuffers.Get().(*[readSize]byte)
	n, err := in.conn.Read(b[:])
	in.took(b, n)
	if n > 0 {
		return b[:n], nil
	}
	in.release()
	return nil, err
}

// readable reads what is there, and has not done so where there is nothing yet.
func (in *input) readable(fd uintptr) (done bool) {
	b := readBuffers.Get().(*[readSize]byte)
	for {
		n, err := sock.Receive(fd, b[:])
		switch err {
		case syscall.EAGAIN:
			readBuffers.Put(b)
			return false
		case syscall.EINTR:
			continue
		case nil:
			in.readErr = nil
			if n == 0 {
				in.readErr = io.EOF
			}
		default:
			n, in.readErr = 0, os.NewSyscallError("read", err)
		}
		in.took(b, n)
		return true
	}
}

func (in *input) took(b *[readSize]byte, n int) { in.at, in.buf, in.n = time.Now(), b, n }

// release gives the buffer back.
func (in *input) release() {
	if in.buf != nil {
		readBuffers.Put(in.buf)
	}
	in.buf = nil
}
