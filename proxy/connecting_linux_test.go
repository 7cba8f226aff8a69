package proxy

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tokenomics/internal/record"
)

// crowded is an engine with no room for another connection until it accepts one.
func crowded(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := l.(*net.TCPListener)
	t.Cleanup(func() { ln.Close() })
	raw, err := ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), 0) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	for {
		c, err := net.DialTimeout("tcp", ln.Addr().String(), 50*time.Millisecond)
		if err != nil {
			return ln
		}
		t.Cleanup(func() { c.Close() })
	}
}

// TestAnEngineThatIsSlowToAccept: until there is a connection its client may
// leave, and time may be up.
func TestAnEngineThatIsSlowToAccept(t *testing.T) {
	tests := []struct {
		name    string
		timeout time.Duration
		then    func(t *testing.T, p *running, c *rawPeer, ln *net.TCPListener)
		outcome record.Outcome
	}{
		{"its client leaves", time.Minute, func(t *testing.T, p *running, c *rawPeer, _ *net.TCPListener) {
			eventually(t, "the request to be in flight", func() bool { return p.Running() == 1 })
			c.leave(t, "FIN")
		}, record.ClientAbort},
		{"time is up", 100 * time.Millisecond, func(t *testing.T, p *running, c *rawPeer, _ *net.TCPListener) {
			if m := c.wantAnswer(t, "GET"); m.status() != 502 || !strings.Contains(m.body, "i/o timeout") {
				t.Errorf("answered %q %s", m.start, m.body)
			}
		}, record.Unreachable},
		{"it accepts after all", time.Minute, func(t *testing.T, p *running, c *rawPeer, ln *net.TCPListener) {
			eventually(t, "the request to be in flight", func() bool { return p.Running() == 1 })
			for answered := false; !answered; {
				conn, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				u := newRawPeer(conn)
				t.Cleanup(func() { u.Close() })
				if err := u.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
					t.Fatal(err)
				}
				b := make([]byte, 4096)
				if n, _ := u.TCPConn.Read(b); strings.Contains(string(b[:n]), " /slow ") {
					u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
					answered = true
				}
			}
			if m := c.wantAnswer(t, "GET"); m.status() != 204 {
				t.Errorf("answered %q", m.start)
			}
		}, record.Complete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ln := crowded(t)
			p := start(t, "http://"+ln.Addr().String(), func(c *Config) { c.Pool.DialTimeout = tt.timeout })
			c := dialRaw(t, p.addr)
			c.send(t, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
			tt.then(t, p, c, ln)
			if r := p.records.next(t); r.Outcome != tt.outcome {
				t.Errorf("outcome %s (%s), want %s", r.Outcome, r.Error, tt.outcome)
			}
			if tt.outcome != record.Complete {
				eventually(t, "the connection to be given up", func() bool { return p.connections().Open == 0 })
			}
		})
	}
}
