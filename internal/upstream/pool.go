package upstream

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how connections are made and kept.
type Options struct {
	DialTimeout time.Duration       // 0 = 5 s
	IdleTimeout time.Duration       // how long an unused connection is kept; 0 = 3 s, because engines close theirs at 5 s (WIRE.md 14)
	MaxIdle     int                 // how many are kept; 0 = 1,024
	OnOpen      func(*Socket) error // called once with every connection made, before anybody uses it; may be nil. After an error it is not used
	Readers     []*Reader           // which read the answers, each those of some of the connections; without any, who asks does. Not for https
	OnClose     func(*Socket)       // called once with every connection before it is closed, by whoever closes it; may be nil
}

// Pool makes connections to one engine and keeps the unused ones for a while.
type Pool struct {
	target Target
	opt    Options
	born   time.Time // when its clock began
	dialer net.Dialer
	tls    *tls.Config    // nil for http
	direct netip.AddrPort // where Begin connects to; the zero value where it can't

	nextReader      atomic.Uint32
	local           atomic.Int32 // which of our own addresses connections come from
	open            atomic.Int64
	dialled, reused atomic.Uint64

	mu     sync.Mutex // protects idle, closed, timer
	idle   []*Socket  // the newest last: it is the likeliest to be alive
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
	p := &Pool{target: target, opt: opt, born: time.Now(), dialer: net.Dialer{KeepAlive: 30 * time.Second}}
	if target.Scheme == "https" {
		p.tls = clientTLS(target)
	} else {
		p.direct = target.direct()
	}
	return p
}

// now is the time since the pool was made: a third of the size of a time.Time,
// of which each connection has one.
func (p *Pool) now() time.Duration { return time.Since(p.born) }

// Target is where the pool connects to.
func (p *Pool) Target() Target { return p.target }

// Take is a connection for one request: one that is idle and alive, else a new
// one; with fresh always a new one. Its errors name the address and what to
// check.
func (p *Pool) Take(ctx context.Context, fresh bool) (*Socket, error) {
	if !fresh {
		if s := p.Idle(); s != nil {
			return s, nil
		}
	}
	return p.dial(ctx)
}

// Idle is a connection for one request that is idle and alive; nil where there
// is none. It does not wait.
func (p *Pool) Idle() *Socket {
	for s := p.newest(); s != nil; s = p.newest() {
		if p.now()-s.idle < p.opt.IdleTimeout && s.alive() {
			p.reused.Add(1)
			return s
		}
		s.Close()
	}
	return nil
}

// Get is a connection as Take's, with HTTP messages over it.
func (p *Pool) Get(ctx context.Context) (*Conn, error) {
	s, err := p.Take(ctx, false)
	if err != nil {
		return nil, err
	}
	return s.messages(), nil
}

// Dial is a new connection, with HTTP messages over it.
func (p *Pool) Dial(ctx context.Context) (*Conn, error) {
	s, err := p.Take(ctx, true)
	if err != nil {
		return nil, err
	}
	return s.messages(), nil
}

// Warm sees to it that n connections are open and unused, so that the next
// requests need not wait for them.
func (p *Pool) Warm(ctx context.Context, n int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	missing := n - p.freshen()
	var begun atomic.Int64
	var all sync.WaitGroup
	for range min(missing, dialsAtOnce) {
		all.Go(func() {
			for ctx.Err() == nil && begun.Add(1) <= int64(missing) {
				s, err := p.dial(ctx)
				if err != nil {
					stop(err)
					return
				}
				p.put(s)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// dialsAtOnce keeps a far engine's round trips from adding up, and a near one's
// queue of unaccepted connections short.
const dialsAtOnce = 32

// Stats are a pool's numbers.
type Stats struct {
	Open, Idle      int    // connections now; the idle ones are open too
	Dialled, Reused uint64 // how often a connection was made, or begun, and how often one was found
}

// Stats are the pool's numbers now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	idle := len(p.idle)
	p.mu.Unlock()
	return Stats{Open: int(p.open.Load()), Idle: idle, Dialled: p.dialled.Load(), Reused: p.reused.Load()}
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
	closeAll(idle)
}

// closeAll is not for holders of the pool's lock: saying goodbye over TLS may
// wait for an engine that does not read.
func closeAll(sockets []*Socket) {
	for _, s := range sockets {
		s.Close()
	}
}

// freshen closes the idle connections that are dead or nearly too old, and
// says how many are left.
func (p *Pool) freshen() int {
	var stale []*Socket
	defer func() { closeAll(stale) }()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(s *Socket) bool {
		old := p.now()-s.idle > p.opt.IdleTimeout/2 || !s.alive()
		if old {
			stale = append(stale, s)
		}
		return old
	})
	return len(p.idle)
}

// newest is the idle connection that was used last, taken out; nil for none.
func (p *Pool) newest() *Socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return s
}

func (p *Pool) put(s *Socket) {
	if !p.keep(s) {
		s.Close()
	}
}

// keep makes the connection an idle one. Not ok where there is no room.
func (p *Pool) keep(s *Socket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.opt.MaxIdle {
		return false
	}
	s.idle = p.now()
	p.idle = append(p.idle, s)
	if p.timer == nil {
		p.timer = time.AfterFunc(p.opt.IdleTimeout, p.expire)
	}
	return true
}

// expire closes what has been idle too long, oldest first, and comes back when
// the next one is due.
func (p *Pool) expire() {
	var stale []*Socket
	defer func() { closeAll(stale) }()
	p.mu.Lock()
	defer p.mu.Unlock()
	now, n := p.now(), 0
	for n < len(p.idle) && now-p.idle[n].idle >= p.opt.IdleTimeout {
		n++
	}
	stale = slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.timer = nil // one at a time
	if len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(p.opt.IdleTimeout-(now-p.idle[0].idle), p.expire)
	}
}
