package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// localAddresses is how many of this machine's own addresses connections to
// loopback may come from. Each has ports for some 28,000 connections to one
// server.
const localAddresses = 16

func (p *Pool) dial(ctx context.Context) (*Socket, error) {
	ctx, cancel := context.WithTimeout(ctx, p.opt.DialTimeout)
	defer cancel()
	network, address := p.target.network()
	c, err := p.connect(ctx, network, address)
	if err != nil {
		return nil, p.unreachable(err)
	}
	if p.tls != nil {
		if c, err = p.secure(ctx, c); err != nil {
			return nil, err
		}
	}
	s := &Socket{conn: c, pool: p}
	p.open.Add(1)
	p.dialled.Add(1)
	if err := p.opened(s); err != nil {
		s.Close()
		return nil, p.unreachable(err)
	}
	return s, nil
}

// unreachable names the engine that can't be connected to, and what to do.
func (p *Pool) unreachable(err error) error {
	network, _ := p.target.network()
	return fmt.Errorf("connecting to the engine at %s: %w%s", p.target.Addr, reason(err), remedy(network, err))
}

// opened hands a connection that has just been made to who looks after it.
func (p *Pool) opened(s *Socket) error {
	if n := uint32(len(p.opt.Readers)); n > 0 {
		if err := p.opt.Readers[p.nextReader.Add(1)%n].adopt(s); err != nil {
			return err
		}
	}
	if p.opt.OnOpen != nil {
		return p.opt.OnOpen(s)
	}
	return nil
}

// connect makes a connection.
func (p *Pool) connect(ctx context.Context, network, address string) (c net.Conn, err error) {
	err = p.somewhere(func(from netip.Addr) (err error) {
		d := p.dialer
		if from.IsValid() {
			d.LocalAddr = &net.TCPAddr{IP: from.AsSlice()}
		}
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// somewhere connects from one of our own addresses: whichever the system takes,
// which is the zero Addr, and on loopback, where the ports of 127.0.0.1 are used up,
// 127.0.0.2 or one of the next.
func (p *Pool) somewhere(connect func(from netip.Addr) error) error {
	first := int(p.local.Load())
	err := connect(localAddress(first))
	if err == nil || !p.anotherMayDo(err) {
		return err
	}
	for n := 1; n < localAddresses; n++ {
		next := (first + n) % localAddresses
		again := connect(localAddress(next))
		if again == nil {
			p.local.Store(int32(next)) // so that the next ones need not look for it
			return nil
		}
		if !portsUsedUp(again) {
			break
		}
	}
	return err
}

func localAddress(number int) (from netip.Addr) {
	if number > 0 {
		from = netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + number)})
	}
	return from
}

// anotherMayDo says whether another local address is worth a try. The error of
// localhost, which is two addresses, is that of the first, where often nothing
// listens.
func (p *Pool) anotherMayDo(err error) bool {
	host, _, splitErr := net.SplitHostPort(p.target.Addr)
	if splitErr != nil {
		return false // a unix socket
	}
	if host == "localhost" {
		return portsUsedUp(err) || errors.Is(err, syscall.ECONNREFUSED)
	}
	ip := net.ParseIP(host)
	return ip.IsLoopback() && ip.To4() != nil && portsUsedUp(err)
}

// portsUsedUp says whether an address has no port left: for this server, or,
// where the address itself was asked for, for any.
func portsUsedUp(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EADDRINUSE)
}

// filesUsedUp says whether there are no more file descriptors.
func filesUsedUp(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// UsedUp says whether a connection could not be made because this machine has
// no more of what it takes: the server is not to blame.
func UsedUp(err error) bool { return portsUsedUp(err) || filesUsedUp(err) }

// reason is the short cause of a dial error, without the address again.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	return err
}

// remedy says what to do where the cause alone does not tell.
func remedy(network string, err error) string {
	switch {
	case filesUsedUp(err):
		return `: raise the limit with "ulimit -n 65536", or open fewer`
	case portsUsedUp(err):
		return ": this machine has no local port left for another one; widen net.ipv4.ip_local_port_range, or open fewer"
	case network == "unix":
		return unixRemedy(err)
	}
	return ""
}
