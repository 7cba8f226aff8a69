package upstream

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPortsOfSeveralAddresses: with one port an address, every connection to
// loopback takes another of our own addresses, until there are no more.
func TestPortsOfSeveralAddresses(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost"} {
		p := NewPool(Target{Scheme: "http", Addr: net.JoinHostPort(host, port)}, Options{})
		var from map[string]bool
		for range 10 { // other programs are given ports meanwhile, this one as well
			onlyPort(t, p, freePort(t))
			if from, err = addressesOf(t, p); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatalf("%s, from %d addresses: %v", host, len(from), err)
		}
		if len(from) != localAddresses || !from["127.0.0.1"] || !from["127.0.0.2"] {
			t.Errorf("%s: %d connections came from %v", host, localAddresses, from)
		}
		if _, err := p.Take(t.Context(), true); !UsedUp(err) {
			t.Errorf("%s: one more: error %v", host, err)
		}
	}
}

// addressesOf makes as many connections as there are local addresses, open until
// the test ends, and says where they came from.
func addressesOf(t *testing.T, p *Pool) (from map[string]bool, err error) {
	from = map[string]bool{}
	for range localAddresses {
		s, err := p.Take(t.Context(), true)
		if err != nil {
			return from, err
		}
		t.Cleanup(func() { s.Close() })
		from[s.Raw().LocalAddr().(*net.TCPAddr).IP.String()] = true
	}
	return from, nil
}

// onlyPort leaves the pool's connections one port of each local address.
func onlyPort(t *testing.T, p *Pool, port int) {
	p.dialer.Control = func(_, _ string, c syscall.RawConn) error {
		var err error
		controlErr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_LOCAL_PORT_RANGE, port<<16|port)
		})
		if errors.Is(err, unix.ENOPROTOOPT) {
			if os.Getenv("CI") != "" {
				t.Fatal("this kernel has no port range of a socket's own: it is too old to run all tests")
			}
			t.Skip("this kernel has no port range of a socket's own")
		}
		return errors.Join(controlErr, err)
	}
}

// freePort is a port that nobody has.
func freePort(t *testing.T) int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
