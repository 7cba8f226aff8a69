package upstream

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBegin: which engines a readiness loop connects to by itself.
func TestBegin(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	tests := []struct {
		name   string
		target Target
		err    error
	}{
		{"an address", Target{Scheme: "http", Addr: "127.0.0.1:" + port}, nil},
		{"an address in IPv6", Target{Scheme: "http", Addr: "[::ffff:127.0.0.1]:" + port}, nil},
		{"nobody there", Target{Scheme: "http", Addr: gone.Addr().String()}, syscall.ECONNREFUSED},
		{"a name", Target{Scheme: "http", Addr: "localhost:" + port}, errors.ErrUnsupported},
		{"an address of one interface", Target{Scheme: "http", Addr: "[fe80::1%lo]:" + port}, errors.ErrUnsupported},
		{"a unix socket", Target{Scheme: "http", Addr: "unix:/run/engine.sock"}, errors.ErrUnsupported},
		{"TLS", Target{Scheme: "https", Addr: "127.0.0.1:" + port}, errors.ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := NewPool(tt.target, Options{})
			s, _, err := p.Begin(func(s *Socket, fd int) error {
				s.Adopt(descriptor(fd))
				return nil
			})
			if !errors.Is(err, tt.err) || err != nil && s != nil {
				t.Fatalf("error %v", err)
			}
			if tt.err == syscall.ECONNREFUSED && !strings.Contains(err.Error(), tt.target.Addr) {
				t.Errorf("error %v does not name the engine", err)
			}
			if err != nil {
				return
			}
			if got, want := p.Stats(), (Stats{Open: 1, Dialled: 1}); got != want {
				t.Errorf("%+v", got)
			}
			s.Close()
		})
	}
}

// descriptor is a connection of which nothing is read.
type descriptor int

func (d descriptor) Close() error { return unix.Close(int(d)) }
func (descriptor) Idle() bool     { return true }
