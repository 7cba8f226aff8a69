package proxy

import (
	"context"
	"errors"
	"net"
	"runtime"

	"tokenomics/internal/netloop"
	"tokenomics/internal/upstream"
)

// Loop says who relays plain connections.
type Loop = netloop.Mode

// The values of Loop.
const (
	LoopAuto = netloop.Auto
	LoopOn   = netloop.On
	LoopOff  = netloop.Off
)

// room is a readiness loop with connections to the engine of its own: a client
// and the engine that answers it are always in the same loop.
type room struct {
	loop *netloop.Loop
	pool *upstream.Pool
	buf  [readSize]byte // of whoever reads
}

// mostRooms is how many loops there are at most where nothing else is said: an
// event costs one some 10 us, and the fewer there are, the more events each finds
// when it wakes (docs/performance.md).
const mostRooms = 4

// openRooms makes the proxy's loops: none where goroutines are to do it.
func (p *Proxy) openRooms() error {
	n := p.cfg.Loops
	if n <= 0 {
		n = min(runtime.GOMAXPROCS(0), mostRooms)
	}
	loops, err := p.cfg.Loop.Open(n, p.cfg.Upstream.Scheme == "https")
	if err != nil {
		return err
	}
	opt := p.cfg.Pool
	if opt.MaxIdle > 0 {
		opt.MaxIdle = max(1, opt.MaxIdle/n)
	}
	for _, l := range loops {
		r := &room{loop: l}
		opt.OnOpen, opt.OnClose = r.opened, nil
		r.pool = upstream.NewPool(p.cfg.Upstream, opt)
		p.rooms = append(p.rooms, r)
	}
	return nil
}

// each has the loop's goroutine call f, soon, with every client that is in the
// loop then. One that is on its way to it sees by itself that the proxy drains.
func (r *room) each(f func(*looped)) {
	r.loop.Post(func() {
		r.loop.Each(func(h netloop.Handler) {
			if c, ok := h.(*looped); ok {
				f(c)
			}
		})
	})
}

// closeRooms ends the loops, once no client is left in them.
func (p *Proxy) closeRooms() error {
	var errs []error
	for _, r := range p.rooms {
		r.pool.Close()
		errs = append(errs, r.loop.Close())
	}
	return errors.Join(errs...)
}

// warm opens n connections to the engine, evenly in all loops.
func (p *Proxy) warm(ctx context.Context, n int) error {
	for i, r := range p.rooms {
		share := n / len(p.rooms)
		if i < n%len(p.rooms) {
			share++
		}
		if err := r.pool.Warm(ctx, share); err != nil {
			return err
		}
	}
	return nil
}

// roomFor is the loop that a client's connection goes to; nil = it gets a
// goroutine.
func (p *Proxy) roomFor(conn net.Conn) *room {
	if len(p.rooms) == 0 || !netloop.CanDetach(conn) {
		return nil
	}
	return p.rooms[p.nextRoom.Add(1)%uint32(len(p.rooms))]
}
