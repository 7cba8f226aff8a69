package proxy

import (
	"time"

	"tokenomics/internal/netloop"
)

// backlog is what could not be written to one side yet. It is bounded by who
// fills it: as long as there is one, nothing is read of the side that it comes
// from. Few connections ever have one.
type backlog struct {
	rest []byte
	by   time.Time // when some of it has to have gone
}

// outlet writes to one side of a relay. The zero value is ready.
type outlet struct{ back *backlog }

func (o *outlet) empty() bool { return o.back == nil }

func (o *outlet) drop() { o.back = nil }

// by is when some of what waits has to have gone; zero = nothing waits.
func (o *outlet) by() time.Time {
	if o.back == nil {
		return time.Time{}
	}
	return o.back.by
}

// write writes what there is room for, and keeps the rest behind what waits
// already. Some of that has to have gone by the given time.
func (o *outlet) write(c *netloop.Conn, p []byte, by time.Time) error {
	if o.back != nil {
		o.back.rest = append(o.back.rest, p...)
		return nil
	}
	n, err := c.Write(p)
	if err == nil && n < len(p) {
		o.back = &backlog{append([]byte(nil), p[n:]...), by}
	}
	return err
}

// flush writes more of what waits. If any of it goes, the rest has until by.
func (o *outlet) flush(c *netloop.Conn, by time.Time) error {
	n, err := c.Write(o.back.rest)
	if o.back.rest = o.back.rest[n:]; len(o.back.rest) == 0 {
		o.back = nil
	} else if n > 0 {
		o.back.by = by
	}
	return err
}

// earliest is the first of two moments that is not zero.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// due says whether there is a moment and it has come.
func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
