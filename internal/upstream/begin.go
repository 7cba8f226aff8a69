package upstream

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"tokenomics/internal/netloop"
)

// Begin begins a connection for a user with a readiness loop, who need not wait:
// put is given its descriptor, and adopts it. done says that it is made; else its
// netloop.Conn tells when it is, and DialTimeout is how long that may take. The
// error is errors.ErrUnsupported where Take has to do it: the engine has a name
// to be looked up, or speaks TLS, or is no IP address at all.
func (p *Pool) Begin(put func(s *Socket, fd int) error) (s *Socket, done bool, err error) {
	if !p.direct.IsValid() {
		return nil, false, errors.ErrUnsupported
	}
	var fd int
	err = p.somewhere(func(from netip.Addr) (err error) {
		fd, done, err = netloop.Connect(p.direct, from)
		return err
	})
	if err != nil {
		return nil, false, p.unreachable(err)
	}
	s = &Socket{pool: p}
	p.open.Add(1)
	p.dialled.Add(1)
	if err := put(s, fd); err != nil {
		s.Close()
		return nil, false, p.unreachable(err)
	}
	return s, done, nil
}

// DialTimeout is how long making a connection may take.
func (p *Pool) DialTimeout() time.Duration { return p.opt.DialTimeout }

// Failed closes a connection that was begun and is not made: err is what its
// netloop.Conn says, nil where time is up. The result tells people.
func (s *Socket) Failed(err error) error {
	s.Close()
	if err == nil {
		err = os.ErrDeadlineExceeded
	}
	return s.pool.unreachable(err)
}

// direct is the target as an address that can be connected to as it is; the zero
// value where there is something to look up.
func (t Target) direct() netip.AddrPort {
	a, err := netip.ParseAddrPort(t.Addr)
	if err != nil || a.Addr().Zone() != "" {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
