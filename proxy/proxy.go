// Package proxy is the sidecar: it relays every request to one engine and
// measures those that make tokens, with no change to what the client sees.
// Each request ends in exactly one record.Record.
//
// What a request and its answer do to each other is decided in
// proxy/exchange; here are the sockets, the goroutines and the limits.
package proxy

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
	"tokenomics/internal/wire"
	"tokenomics/proxy/exchange"
)

// Config says what to stand in front of, and what to do with what is measured.
type Config struct {
	Upstream upstream.Target // the engine; required
	Usage    Usage           // whether to ask the engine for usage; "" = UsageAuto
	Sink     record.Sink     // gets every Record; nil = nobody
	Tracer   record.Tracer   // nil = tracing is off, and no header is added
	Live     *record.Live    // nil = one of the proxy's own
	Log      *slog.Logger    // nil = slog.Default
	Tenancy  Tenancy         // who requests are from; the zero value says nobody

	InjectLimit    int           // largest request body that is read whole to ask for usage, in bytes; 0 = 8 MiB
	MaxConnections int           // clients' connections at a time; 0 = 16,384
	MaxInFlight    int           // requests at a time; 0 = as many as connections
	HeadLimit      int           // largest head of a request, in bytes; 0 = 64 KiB
	AnswerLimit    int           // largest head of an answer, in bytes; 0 = 256 KiB
	HeadTimeout    time.Duration // for a request's head to arrive; 0 = 60 s
	BodyTimeout    time.Duration // between two pieces of a request's body; 0 = 60 s
	WriteTimeout   time.Duration // for a peer to take some of what is written; 0 = 60 s
	IdleTimeout    time.Duration // how long an idle client connection is kept; 0 = 120 s
	Timeline       bool          // keep every token event on the Record
	NoPropagation  bool          // the engine is not told of the trace
	Via            bool          // add Via lines, both ways
	Forwarded      bool          // add X-Forwarded-For, -Proto and -Host lines
	AbortSGLang    bool          // the engine is SGLang: tell it of clients that left
	Loop           Loop          // who relays plain connections; "" = LoopAuto
	Loops          int           // how many readiness loops; 0 = as many as GOMAXPROCS, at most 4
	Pool           upstream.Options
}

func (c Config) withDefaults() Config {
	c.Usage = cmp.Or(c.Usage, UsageAuto)
	c.Loop = cmp.Or(c.Loop, LoopAuto)
	c.InjectLimit = cmp.Or(c.InjectLimit, 8<<20)
	c.MaxConnections = cmp.Or(c.MaxConnections, 16384)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, c.MaxConnections)
	c.HeadLimit = cmp.Or(c.HeadLimit, 64<<10)
	c.AnswerLimit = cmp.Or(c.AnswerLimit, 256<<10)
	c.HeadTimeout = cmp.Or(c.HeadTimeout, time.Minute)
	c.BodyTimeout = cmp.Or(c.BodyTimeout, time.Minute)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, time.Minute)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 2*time.Minute)
	if c.Live == nil {
		c.Live = new(record.Live)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Sink == nil {
		c.Sink = record.SinkFunc(func(*record.Record) {})
	}
	return c
}

// Proxy relays requests. Make it with New, run it with Serve, end it with
// Shutdown.
type Proxy struct {
	cfg     Config
	env     exchange.Env
	pool    *upstream.Pool // of who has a goroutine
	rooms   []*room        // the readiness loops
	verdict *verdict
	watcher *watcher
	aborter *aborter // nil: closing the connection is enough
	live    *record.Live
	log     *slog.Logger
	stop    context.CancelFunc
	born    time.Time // when its clock began

	nextRoom atomic.Uint32
	held     atomic.Int64 // bytes of request bodies read whole
	running  atomic.Int64 // requests in flight
	draining atomic.Bool  // set with mu held; read without, by holders of a client's mu

	// Who holds mu may take a client's mu, and never the other way round.

	mu        sync.Mutex // protects the rest
	listeners map[net.Listener]struct{}
	clients   map[*client]struct{} // those that have a goroutine
	open      int                  // connections, those counted that are not there yet
	surplus   int                  // those of them that are above the limit
	served    sync.WaitGroup       // connections
}

// New checks the configuration and begins to ask the engine what it is. An
// engine that is not there yet is no error.
func New(cfg Config) (*Proxy, error) {
	if cfg.Upstream.Addr == "" {
		return nil, errors.New("the proxy has no upstream")
	}
	cfg = cfg.withDefaults()
	var err error
	if cfg.Tenancy, err = cfg.Tenancy.Check(); err != nil {
		return nil, fmt.Errorf("telling tenants: %w", err)
	}
	watcher, err := newWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching for clients that leave: %w", err)
	}
	p := &Proxy{
		cfg: cfg, watcher: watcher, live: cfg.Live, log: cfg.Log, born: time.Now(),
		listeners: map[net.Listener]struct{}{}, clients: map[*client]struct{}{},
	}
	cfg.Pool.OnOpen, cfg.Pool.OnClose = p.opened, closed
	p.pool = upstream.NewPool(cfg.Upstream, cfg.Pool)
	if cfg.AbortSGLang {
		p.aborter = newAborter(p.pool, cfg.Log)
	}
	if err := p.openRooms(); err != nil {
		return nil, errors.Join(err, watcher.close())
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.verdict = newVerdict(ctx, cfg.Upstream, cfg.Usage, cfg.Log)
	p.env = p.newEnv()
	return p, nil
}

// moment is t by the proxy's clock, a third of the size, and 0 where t is zero.
func (p *Proxy) moment(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(1, t.Sub(p.born))
}

// at is the time of a moment.
func (p *Proxy) at(moment time.Duration) time.Time {
	if moment == 0 {
		return time.Time{}
	}
	return p.born.Add(moment)
}

// newEnv is what every exchange has in common.
func (p *Proxy) newEnv() exchange.Env {
	env := exchange.Env{
		Addr: p.cfg.Upstream.Addr, Host: p.cfg.Upstream.Host(), Prefix: p.cfg.Upstream.Prefix,
		InjectLimit: int64(p.cfg.InjectLimit), HeadLimit: p.cfg.HeadLimit, AnswerLimit: p.cfg.AnswerLimit,
		Timeline: p.cfg.Timeline, Propagate: !p.cfg.NoPropagation, Via: p.cfg.Via, Forwarded: p.cfg.Forwarded, Names: p.cfg.AbortSGLang,
		Live: p.live, Print: &p.verdict.print, Tracer: p.cfg.Tracer,
		NewID:    newID,
		Provider: func() string { return p.verdict.engine().Name },
		MayAsk:   p.verdict.mayAsk,
		Ask:      func(q *wire.Query) wire.Ask { return p.verdict.ask(q) },
		Hold:     p.hold,
		LetGo:    func(n int64) { p.held.Add(-n) },
		Answered: func(asked, encoded bool) {
			p.verdict.answered()
			if asked && encoded {
				p.verdict.encodes()
			}
		},
		Failed: func(what string, cause any) {
			go p.log.Error(what+" failed: it is only passed on", "panic", cause) // the caller has a client's lock
		},
	}
	if p.cfg.Tenancy.Header != "" || p.cfg.Tenancy.FromKey {
		env.Tenant = p.cfg.Tenancy.Of
	}
	return env
}

// maxHeld bounds the request bodies that are read whole, all together. Above
// it they are streamed on and only observed.
const maxHeld = 512 << 20

// hold says whether n more bytes of bodies may be held, and counts them.
func (p *Proxy) hold(n int64) bool {
	if p.held.Add(n) > maxHeld {
		p.held.Add(-n)
		return false
	}
	return true
}

// newID is a request's id where its client gave none. It is not sent on: vLLM
// builds the ids in its answers from the header.
func newID() string {
	var b [12]byte
	rand.Read(b[:]) // never fails: crypto/rand documents that it crashes instead
	return hex.EncodeToString(b[:])
}

// Warm opens n connections to the engine before they are needed.
func (p *Proxy) Warm(ctx context.Context, n int) error {
	if len(p.rooms) > 0 {
		return p.warm(ctx, n)
	}
	return p.pool.Warm(ctx, n)
}

// Running is how many requests are in flight.
func (p *Proxy) Running() int { return int(p.running.Load()) }

// begin counts a request as in flight, and says how many are.
func (p *Proxy) begin() int {
	p.live.Requests.Add(1)
	p.live.Active.Add(1)
	return int(p.running.Add(1))
}

// finish hands on the Record of a request that is over. A sink that fails must
// not take the connection with it.
func (p *Proxy) finish(rec *record.Record) {
	p.live.Active.Add(-1)
	defer p.running.Add(-1)
	defer func() {
		if v := recover(); v != nil {
			p.live.Panics.Add(1)
			p.log.Error("handing on a Record failed", "panic", v)
		}
	}()
	p.cfg.Sink.Observe(rec)
}

// Engine is what is known of the engine, and what asking it for usage has been
// decided on, for people.
func (p *Proxy) Engine() (upstream.Engine, string) { return p.verdict.engine(), p.verdict.describe() }
