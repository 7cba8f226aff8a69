package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Options say how connections are made and kept.
type Options struct {
	DialTimeout time.Duration // 0 = 5 s
	IdleTimeout time.Duration // how long an unused connection is kept; 0 = 3 s, because engines close theirs at 5 s (WIRE.md 14)
	MaxIdle     int           // how many are kept; 0 = 1,024
	TLS         *tls.Config   // for https; nil = the system's roots
}

// Pool makes connections to one engine and keeps the unused ones for a while.
type Pool struct {
	target Target
	opt    Options
	dialer net.Dialer

	mu     sync.Mutex // protects idle, closed, timer
	idle   []*Conn    // the newest last: it is the likeliest to be alive
	closed bool
	timer  *time.Timer // closes those that have been idle too long; nil while none are idle
}

// NewPool makes a pool that has no connection yet.
func NewPool(target Target, opt Options) *Pool {
	if opt.DialTimeout == 0 {
		opt.DialTimeout = 5 * time.Second
	}
	if opt.IdleTimeout == 0 {
		opt.IdleTimeout = 3 * time.Second
	}
	if opt.MaxIdle == 0 {
		opt.MaxIdle = 1024
	}
	return &Pool{target: target, opt: opt, dialer: net.Dialer{KeepAlive: 30 * time.Second}}
}

// Target is where the pool connects to.
func (p *Pool) Target() Target { return p.target }

// Get is a connection for one request: one that is idle and alive, else a new
// one.
func (p *Pool) Get(ctx context.Context) (*Conn, error) {
	for {
		c := p.take()
		if c == nil {
			return p.Dial(ctx)
		}
		if time.Since(c.idle) < p.opt.IdleTimeout && c.alive() {
			return c, nil
		}
		c.Close()
	}
}

// Dial is a new connection. Its errors name the address and what to check.
func (p *Pool) Dial(ctx context.Context) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.opt.DialTimeout)
	defer cancel()
	c, err := p.dialer.DialContext(ctx, "tcp", p.target.Addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to the engine at %s: %w", p.target.Addr, reason(err))
	}
	if p.target.Scheme == "https" {
		config := &tls.Config{}
		if p.opt.TLS != nil {
			config = p.opt.TLS.Clone()
		}
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(p.target.Addr)
		}
		secure := tls.Client(c, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, fmt.Errorf("starting TLS with the engine at %s: %w", p.target.Addr, err)
		}
		c = secure
	}
	return newConn(p, c), nil
}

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

// Warm sees to it that n connections are open and unused, so that the next
// requests need not wait for them.
func (p *Pool) Warm(ctx context.Context, n int) error {
	for range n - p.freshen() {
		c, err := p.Dial(ctx)
		if err != nil {
			return err
		}
		p.put(c)
	}
	return nil
}

// Close closes the idle connections, and every other when it is released.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

// freshen closes the idle connections that are dead or nearly too old, and
// says how many are left.
func (p *Pool) freshen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(c *Conn) bool {
		stale := time.Since(c.idle) > p.opt.IdleTimeout/2 || !c.alive()
		if stale {
			c.Close()
		}
		return stale
	})
	return len(p.idle)
}

func (p *Pool) take() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

func (p *Pool) put(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.opt.MaxIdle {
		c.Close()
		return
	}
	c.idle = time.Now()
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(p.opt.IdleTimeout, p.expire)
	}
}

// expire closes what has been idle too long, oldest first, and comes back when
// the next one is due.
func (p *Pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, n := time.Now(), 0
	for n < len(p.idle) && now.Sub(p.idle[n].idle) >= p.opt.IdleTimeout {
		p.idle[n].Close()
		n++
	}
	p.idle = append(p.idle[:0], p.idle[n:]...)
	p.timer = nil // one at a time
	if len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(p.opt.IdleTimeout-now.Sub(p.idle[0].idle), p.expire)
	}
}

// alive looks whether the engine has closed an idle connection, or sent on it
// what nobody asked for.
func (c *Conn) alive() bool {
	raw, ok := c.Conn.(syscall.Conn)
	secure, isTLS := c.Conn.(*tls.Conn)
	if isTLS {
		raw, ok = secure.NetConn().(syscall.Conn)
	}
	if !ok {
		return false // what can't be asked is not trusted
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	err = rc.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		// A TLS server may have sent session tickets, which are no answer.
		alive = err == syscall.EAGAIN || err == nil && n > 0 && isTLS
	})
	return err == nil && alive
}
