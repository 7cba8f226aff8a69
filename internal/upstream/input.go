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
	raw  syscall.RawConn // nil for TLS

	at    time.Time // when the last bytes came, stamped before anything looks at them
	bytes int64     // since the last request
	buf   *[readSize]byte
	last  []byte // what the last read brought, in buf
	rest  []byte // of it, not yet taken

	readErr error
	readFn  func(uintptr) bool
}

func (in *input) init(conn net.Conn) {
	in.conn = conn
	in.readFn = in.readable
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			in.raw = raw
		}
	}
}

// fill sees to it that there is something to take, and reads the socket once
// where there is not. Its error is io.EOF where the peer has closed.
func (in *input) fill() error {
	if len(in.rest) > 0 {
		return nil
	}
	in.release()
	if in.raw == nil {
		return in.fillTLS()
	}
	if err := in.raw.Read(in.readFn); err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			op.Op = "read" // as it is called everywhere else
		}
		return err
	}
	return in.readErr
}

func (in *input) fillTLS() error {
	b := readBuffers.Get().(*[readSize]byte)
	n, err := in.conn.Read(b[:])
	in.took(b, n)
	if n > 0 {
		return nil
	}
	return err
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

func (in *input) took(b *[readSize]byte, n int) {
	in.at = time.Now()
	in.bytes += int64(n)
	in.buf, in.last = b, b[:n]
	in.rest = in.last
}

// release gives the buffer back, and what is in it up.
func (in *input) release() {
	if in.buf != nil {
		readBuffers.Put(in.buf)
	}
	in.buf, in.last, in.rest = nil, nil, nil
}

// Read takes what is there, after it was waited for.
func (in *input) Read(p []byte) (int, error) {
	if err := in.fill(); err != nil {
		return 0, err
	}
	n := copy(p, in.rest)
	in.rest = in.rest[n:]
	return n, nil
}

// unread puts the last n bytes back that Read took; they came with one read.
func (in *input) unread(n int) {
	taken := len(in.last) - len(in.rest)
	in.rest = in.last[taken-n:]
}
