package netloop

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestConnect: what is connected to is there at once, or tells when it is, and
// comes from where it is asked to.
func TestConnect(t *testing.T) {
	tests := []struct{ name, listen, from string }{
		{"IPv4", "127.0.0.1:0", ""},
		{"IPv4 from another address of ours", "127.0.0.1:0", "127.0.0.7"},
		{"IPv6", "[::1]:0", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", tt.listen)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			var from netip.Addr
			if tt.from != "" {
				from = netip.MustParseAddr(tt.from)
			}
			fd, _, err := Connect(netip.MustParseAddrPort(ln.Addr().String()), from)
			if err != nil {
				t.Fatal(err)
			}
			made := make(chan struct{}, 8)
			p := add(t, newLoop(t), fd, func(p *probe) { p.ready = func() { made <- struct{}{} } })
			await(t, made, "the connection")
			if done, err := p.Connected(); !done || err != nil {
				t.Fatalf("connected: %v, error %v", done, err)
			}
			peer, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			if got := peer.RemoteAddr().(*net.TCPAddr).IP.String(); tt.from != "" && got != tt.from {
				t.Errorf("it came from %s", got)
			}
			for _, o := range tcpOptions {
				if got, err := unix.GetsockoptInt(fd, o.level, o.name); err != nil || got != o.value {
					t.Errorf("option %d is %d, %v: want %d", o.name, got, err, o.value)
				}
			}
		})
	}
}

func TestConnectToNobody(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	before := descriptors(t)
	if _, _, err := Connect(netip.MustParseAddrPort(ln.Addr().String()), netip.Addr{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v", err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, and %d after", before, after)
	}
}

// TestConnectToItself: a connection that was given the port that it connects to.
func TestConnectToItself(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	self, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, self); err != nil {
		t.Fatal(err)
	}
	if done, err := connected(fd); done || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connected: %v, error %v", done, err)
	}
}
