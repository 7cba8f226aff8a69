package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

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
	c := p.admit(conn)
	if c == nil {
		_ = conn.Close() // nobody has asked anything on it
		return
	}
	go func() {
		defer p.served.Done()
		defer p.gone(c)
		c.serve()
	}()
}

// admit counts a connection among those that are open; nil: not even to be told
// that there are too many.
func (p *Proxy) admit(conn net.Conn) *client {
	p.mu.Lock()
	defer p.mu.Unlock()
	full := len(p.clients)-p.surplus >= p.cfg.MaxConnections
	if p.draining.Load() || full && p.surplus >= mostSurplus {
		return nil
	}
	c := newClient(p, conn, full)
	if full {
		p.surplus++
	}
	p.clients[c] = struct{}{}
	p.served.Add(1)
	p.live.Connections.Add(1)
	return c
}

func (p *Proxy) gone(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.surplus {
		p.surplus--
	}
	delete(p.clients, c)
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
	return errors.Join(err, p.watcher.close())
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
	return errors.Join(errs...)
}

// cutAll ends what still runs, and says how many requests that were.
func (p *Proxy) cutAll() (requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		if c.cut() {
			requests++
		}
	}
	return requests
}

// cut ends the connection, and says whether a request was in flight on it.
func (c *client) cut() bool {
	c.mu.Lock()
	busy := c.begun
	c.mu.Unlock()
	c.abort(record.Timeout, "cut off at the end of the drain time")
	return busy
}
