package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// rawPeer is one end of a TCP connection on which the test writes and reads
// every byte itself. Each read and write is bounded by patience.
type rawPeer struct {
	*net.TCPConn
	br *bufio.Reader
}

func newRawPeer(c net.Conn) *rawPeer {
	p := &rawPeer{TCPConn: c.(*net.TCPConn)}
	p.br = bufio.NewReaderSize(p, 128<<10)
	return p
}

func (p *rawPeer) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.TCPConn.Read(b)
}

func (p *rawPeer) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.TCPConn.Write(b)
}

// dialRaw is a client.
func dialRaw(t testing.TB, addr string) *rawPeer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return newRawPeer(c)
}

func (p *rawPeer) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		t.Fatalf("writing %.60q: %v", text, err)
	}
}

// expect reads exactly want.
func (p *rawPeer) expect(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.br, got)
	if err != nil || string(got) != want {
		t.Fatalf("read %.600q and %v, want %.600q", got[:n], err, want)
	}
}

// ends reads until the other side ends the connection, and fails if it does
// not. It returns what still came; reset says that the end was no proper one.
func (p *rawPeer) ends(t *testing.T, whose string) (rest string, reset bool) {
	t.Helper()
	b, err := io.ReadAll(p.br)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("%s is not closed: %v after %.200q", whose, err, b)
	}
	return string(b), err != nil
}

// leave ends the connection in one of the three ways a peer can.
func (p *rawPeer) leave(t *testing.T, how string) {
	t.Helper()
	var err error
	switch how {
	case "FIN":
		err = p.Close()
	case "RST":
		if err = p.SetLinger(0); err == nil {
			err = p.Close()
		}
	case "half-close":
		err = p.CloseWrite()
	default:
		t.Fatalf("no way to leave is called %q", how)
	}
	if err != nil {
		t.Fatal(err)
	}
}
