//go:build !linux

package netloop

import (
	"errors"
	"net/netip"
)

// Connect is for Linux only.
func Connect(netip.AddrPort, netip.Addr) (fd int, done bool, err error) {
	return -1, false, errors.ErrUnsupported
}

// Connected is for Linux only.
func (c *Conn) Connected() (done bool, err error) { return false, errors.ErrUnsupported }
