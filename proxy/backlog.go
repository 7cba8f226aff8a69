package proxy

import (
	"time"

	"tokenomics/internal/netloop"
)

// backlog is what could not be written yet. It is bounded by who fills it: as
// long as there is one, nothing is read of the side that it comes from.
type backlog struct{ rest []byte }

func (b *backlog) empty() bool { return len(b.rest) == 0 }

func (b *backlog) drop() { b.rest = nil }

// write writes what there is room for, of what waits and then of p, whose rest
// is kept.
func (b *backlog) write(c *netloop.Conn, p []byte) error {
	if !b.empty() {
		b.rest = append(b.rest, p...)
		return nil
	}
	n, err := c.Write(p)
	if err == nil && n < len(p) {
		b.rest = append([]byte(nil), p[n:]...)
	}
	return err
}

// flush writes more of what waits, and says whether any of it went.
func (b *backlog) flush(c *netloop.Conn) (moved bool, err error) {
	n, err := c.Write(b.rest)
	if b.rest = b.rest[n:]; len(b.rest) == 0 {
		b.rest = nil
	}
	return n > 0, err
}

// earliest is the first of two moments that is not zero.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
