// Package proxy is the sidecar: it relays every request to one engine and
// measures those that make tokens, with no change to what the client sees.
// Each request ends in exactly one record.Record.
package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
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
	HeadTimeout    time.Duration // for a request's head to arrive; 0 = 60 s
	IdleTimeout    time.Duration // how long an idle client connection is kept; 0 = 120 s
	Timeline       bool          // keep every token event on the Record
	Pool           upstream.Options
}

// Proxy relays requests. Make it with New, run it with Serve, end it with
// Shutdown.
type Proxy struct {
	cfg     Config
	pool    *upstream.Pool
	server  *fasthttp.Server
	verdict *verdict
	watcher *watcher
	live    *record.Live
	log     *slog.Logger
	stop    context.CancelFunc

	heads sync.Map     // *fasthttp.RequestHeader to head, between headReceived and handle
	held  atomic.Int64 // bytes of request bodies read whole

	mu       sync.Mutex // protects the rest
	running  map[*exchange]struct{}
	draining bool
	ended    bool // the drain time is over: what still comes is turned away
}

// New checks the configuration and begins to ask the engine what it is. An
// engine that is not there yet is no error.
func New(cfg Config) (*Proxy, error) {
	if cfg.Upstream.Addr == "" {
		return nil, errors.New("the proxy has no upstream")
	}
	if cfg.Usage == "" {
		cfg.Usage = UsageAuto
	}
	if cfg.Live == nil {
		cfg.Live = new(record.Live)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Sink == nil {
		cfg.Sink = record.SinkFunc(func(*record.Record) {})
	}
	if cfg.InjectLimit == 0 {
		cfg.InjectLimit = 8 << 20
	}
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = 16384
	}
	var err error
	if cfg.Tenancy, err = cfg.Tenancy.Check(); err != nil {
		return nil, fmt.Errorf("telling tenants: %w", err)
	}
	watcher, err := newWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching for clients that leave: %w", err)
	}
	p := &Proxy{
		cfg: cfg, pool: upstream.NewPool(cfg.Upstream, cfg.Pool),
		watcher: watcher, live: cfg.Live, log: cfg.Log, running: map[*exchange]struct{}{},
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.verdict = newVerdict(ctx, cfg.Upstream, cfg.Usage, cfg.Log)
	p.server = p.newServer()
	return p, nil
}

// refusers are connections above the limit that are open just to be told so.
const refusers = 256

func (p *Proxy) newServer() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:            p.handle,
		HeaderReceived:     p.headReceived,
		ErrorHandler:       p.malformed,
		ReadBufferSize:     8 << 10,
		WriteBufferSize:    4 << 10,
		Concurrency:        p.cfg.MaxConnections + refusers,
		ReadTimeout:        cmp.Or(p.cfg.HeadTimeout, time.Minute),
		IdleTimeout:        cmp.Or(p.cfg.IdleTimeout, 2*time.Minute),
		MaxRequestBodySize: 1 << 40, // bodies are streamed; the engine has limits of its own
		StreamRequestBody:  true,

		SecureErrorLogMessage:         true, // its messages would quote heads
		NoDefaultServerHeader:         true,
		NoDefaultDate:                 true,
		NoDefaultContentType:          true,
		DisableHeaderNamesNormalizing: true,
		DisablePreParseMultipartForm:  true,
		CloseOnShutdown:               true,
		Logger:                        quiet{p.log},
	}
}

// Warm opens n connections to the engine before they are needed.
func (p *Proxy) Warm(ctx context.Context, n int) error { return p.pool.Warm(ctx, n) }

// Serve relays what comes in on ln until Shutdown; then it returns nil.
func (p *Proxy) Serve(ln net.Listener) error {
	return p.server.Serve(&patient{Listener: ln, log: p.log})
}

// Shutdown stops accepting and waits for the requests that run. What still
// runs when ctx ends is cut off; every request has had its Record when
// Shutdown returns. Its error says how many were cut.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.draining = true
	p.mu.Unlock()
	err := p.server.ShutdownWithContext(ctx)
	if err != nil {
		if cut := p.cutAll(); cut > 0 {
			err = fmt.Errorf("%d requests were cut off at the end of the drain time", cut)
			p.awaitRecords(5 * time.Second)
		} else if ctx.Err() != nil {
			err = nil // only idle connections were left
		}
	}
	p.stop()
	p.pool.Close()
	return errors.Join(err, p.watcher.close())
}

// cutAll ends the requests that run, and says how many.
func (p *Proxy) cutAll() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for x := range p.running {
		x.abort(record.Timeout)
	}
	return len(p.running)
}

// awaitRecords waits until no request is in flight, for so long at the most.
func (p *Proxy) awaitRecords(most time.Duration) {
	for deadline := time.Now().Add(most); p.Running() > 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
}

// Running is how many requests are in flight.
func (p *Proxy) Running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.running)
}

// begin counts x as running, and says how many are. 0: the proxy has ended.
func (p *Proxy) begin(x *exchange) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return 0
	}
	p.running[x] = struct{}{}
	return len(p.running)
}

func (p *Proxy) end(x *exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, x)
}

func (p *Proxy) isDraining() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draining
}

// Engine is what is known of the engine, and what asking it for usage has been
// decided on, for people.
func (p *Proxy) Engine() (upstream.Engine, string) { return p.verdict.engine(), p.verdict.describe() }

// quiet sends fasthttp's messages about single connections, which are the
// clients' doing, to the debug log.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	q.log.Debug(fmt.Sprintf(format, args...))
}
