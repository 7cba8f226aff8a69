package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"tokenomics/internal/netloop"
	"tokenomics/internal/record"
)

// mostSurplus is how many connections above the limit are open just to be told
// so.
const mostSurplus = 256

// Serve relays what comes in on ln until Shutdown; then it returns nil.
func (p *Proxy) Serve(ln net.Listener) error {
	if !p.listening(ln) {
		return ln.Close()
	}
	accepting := &patient{Listener: ln, log: p.log}
	for {
		conn, err := accepting.Accept()
		switch {
		case err != nil && p.draining.Load():
			return nil
		case err != nil:
			return fmt.Errorf("accepting connections on %s: %w", ln.Addr(), err)
		}
		p.accept(conn)
	}
}

// listening notes a listener, for Shutdown to close. False: it is too late.
func (p *Proxy) listening(ln net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining.Load() {
		return false
	}
	p.listeners[ln] = struct{}{}
	return true
}

// accept begins to serve a connection.
func (p *Proxy) accept(conn net.Conn) {
	surplus, ok := p.admit()
	if !ok {
		_ = conn.Close() // nobody has asked anything on it
		return
	}
	t := newTurn(p, conn, surplus)
	if r := p.roomFor(conn); r != nil {
		fd, err := netloop.Detach(conn)
		if err == nil {
			p.acceptLooped(t, r, fd)
			return
		}
		p.log.Debug("a connection can't be put into a readiness loop", "error", err) // a goroutine needs no descriptor
	}
	c := newClient(t, conn)
	p.add(c)
	go func() {
		defer p.served.Done()
		defer p.gone(surplus)
		defer p.remove(c)
		c.serve()
	}()
}

// acceptLooped gives the connection, which is a descriptor by now, to a readiness
// loop.
func (p *Proxy) acceptLooped(t turn, r *room, fd int) {
	c := newLooped(t, r, fd)
	if !r.loop.Post(c.start) {
		c.start() // the loop has ended, and will say so
	}
}

// admit counts a connection among those that are open. Not ok: not even to be
// told that there are too many.
func (p *Proxy) admit() (surplus, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	surplus = p.open-p.surplus >= p.cfg.MaxConnections
	if p.draining.Load() || surplus && p.surplus >= mostSurplus {
		return false, false
	}
	if surplus {
		p.surplus++
	}
	p.open++
	p.served.Add(1)
	p.live.Connections.Add(1)
	return surplus, true
}

// add makes a connection with a goroutine one that is ended with the proxy. Where
// that has begun meanwhile, it ends at once. Those in a loop are known to it.
func (p *Proxy) add(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[c] = struct{}{}
	if p.draining.Load() {
		c.quit()
	}
}

func (p *Proxy) remove(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clients, c)
}

// gone is told that a connection is closed.
func (p *Proxy) gone(surplus bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if surplus {
		p.surplus--
	}
	p.open--
	p.live.Connections.Add(-1)
}

// Shutdown stops accepting and waits for the requests that run. What still
// runs when ctx ends is cut off; every request has had its Record when
// Shutdown returns. Its error says how many were cut.
func (p *Proxy) Shutdown(ctx context.Context) error {
	err := p.drain()
	all := make(chan struct{})
	go func() {
		p.served.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
		if cut := p.cutAll(); cut > 0 {
			err = errors.Join(err, fmt.Errorf("%d requests were cut off at the end of the drain time", cut))
		}
		select {
		case <-all:
		case <-time.After(cutPatience):
			err = errors.Join(err, errors.New("connections did not end when they were cut off"))
		}
	}
	if p.aborter != nil {
		p.aborter.close()
	}
	p.stop()
	p.pool.Close()
	return errors.Join(err, p.closeRooms(), p.watcher.close())
}

// cutPatience is how long connections may take to end once they are cut off: a
// sink or a log that blocks must not keep the process.
const cutPatience = 5 * time.Second

// drain closes the listeners and the idle connections.
func (p *Proxy) drain() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining.Store(true)
	var errs []error
	for ln := range p.listeners {
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for c := range p.clients {
		c.quit()
	}
	for _, r := range p.rooms {
		r.each((*looped).quit)
	}
	return errors.Join(errs...)
}

// cutAll ends what still runs, and says how many requests that were.
func (p *Proxy) cutAll() (requests int) {
	requests = p.Running()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		c.cut()
	}
	for _, r := range p.rooms {
		r.each((*looped).cut)
	}
	return requests
}

// cut ends the connection.
func (c *client) cut() { c.abort(record.Timeout, cutOff) }

const cutOff = "cut off at the end of the drain time"
