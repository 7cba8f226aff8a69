package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
	"tokenomics/otel"
	"tokenomics/proxy"
)

// runningProxy is a proxy with its sinks and its admin endpoint.
type runningProxy struct {
	opt       *proxyOptions
	live      *record.Live
	routes    []route
	proxies   []*proxy.Proxy // one for each route
	telemetry *otel.Telemetry
	fanout    *record.Fanout
	admin     *fasthttp.Server
	adminAddr string
	view      *trafficView
	log       *requestLog
	failed    chan error // why serving ended, if it was not asked to
	once      sync.Once
	stopErr   error
}

// recordPause is how long Records are gathered before they are handed on: a
// sink's goroutine is not woken for each, which a busy machine's next request
// would wait for.
const recordPause = 5 * time.Millisecond

func newFanout() *record.Fanout {
	f := record.NewFanout()
	f.Pause = func() { time.Sleep(recordPause) }
	return f
}

// startProxy puts the parts together and begins to serve each route on its
// listener.
func startProxy(ctx context.Context, e *env, routes []route, o *proxyOptions, lns []net.Listener) (*runningProxy, error) {
	live := new(record.Live)
	p := &runningProxy{
		opt: o, routes: routes, live: live, fanout: newFanout(), failed: make(chan error, len(routes)+1),
		view: newTrafficView(e.stderr, live, o.quiet),
	}
	if err := p.start(ctx, e, lns); err != nil {
		return nil, errors.Join(err, p.stop(context.WithoutCancel(ctx)))
	}
	return p, nil
}

func (p *runningProxy) start(ctx context.Context, e *env, lns []net.Listener) error {
	level := slog.LevelInfo
	if p.opt.inProcess {
		level = slog.LevelWarn
	}
	logger := slog.New(slog.NewTextHandler(p.view, &slog.HandlerOptions{Level: level, ReplaceAttr: p.view.logAttr}))
	usage, err := proxy.ParseUsage(p.opt.usage)
	if err != nil {
		return usageError(err)
	}
	lns, err = p.opt.overTLS(lns, logger)
	if err != nil {
		return usageError(err)
	}
	if err := p.openSinks(ctx, e, logger); err != nil {
		return err
	}
	adminLn, err := p.listenAdmin()
	if err != nil {
		return err
	}
	if err := p.newProxies(usage, logger); err != nil {
		if adminLn != nil {
			err = errors.Join(err, adminLn.Close())
		}
		return err
	}
	if adminLn != nil {
		p.admin = proxy.Admin(p.proxies, fasthttpadaptor.NewFastHTTPHandler(p.telemetry.PrometheusHandler()))
		go p.serve(func() error { return p.admin.Serve(adminLn) })
	}
	for i, ln := range lns {
		p.routes[i].listen = p.opt.shownAddr(ln)
		go p.serve(func() error { return p.proxies[i].Serve(ln) })
	}
	p.view.start()
	return nil
}

// newProxies makes a proxy for each route. What it logs names the route, where
// there are several.
func (p *runningProxy) newProxies(usage proxy.Usage, logger *slog.Logger) error {
	for _, r := range p.routes {
		log := logger
		if len(p.routes) > 1 {
			log = logger.With("route", r.listen)
		}
		cfg := proxy.Config{
			Upstream: r.target, Usage: usage, Sink: p.fanout, Tracer: p.telemetry.Tracer(), Live: p.live, Log: log,
			Tenancy: p.opt.labels.tenancy, Timeline: p.opt.timeline, Pool: upstream.Options{MaxIdle: p.opt.connections},
		}
		p.opt.relay.apply(&cfg)
		one, err := proxy.New(cfg)
		if err != nil {
			return runError(err)
		}
		p.proxies = append(p.proxies, one)
	}
	return nil
}

// running is how many requests are in flight on all routes.
func (p *runningProxy) running() (n int) {
	for _, one := range p.proxies {
		n += one.Running()
	}
	return n
}

// drain ends all proxies, in the same drain time.
func (p *runningProxy) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.opt.drainTimeout)
	defer cancel()
	errs := make([]error, len(p.proxies))
	var wait sync.WaitGroup
	for i, one := range p.proxies {
		wait.Go(func() { errs[i] = one.Shutdown(ctx) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// openSinks makes everything that is given Records.
func (p *runningProxy) openSinks(ctx context.Context, e *env, logger *slog.Logger) (err error) {
	var ratio record.Opt[float64]
	if p.opt.sampleRatioGiven {
		ratio = record.Some(p.opt.sampleRatio)
	}
	p.telemetry, err = otel.New(ctx, otel.Config{
		Endpoint: p.opt.otlpEndpoint, Protocol: p.opt.otlpProtocol, ServiceVersion: version, SampleRatio: ratio, Semconv: p.opt.semconv,
		Prometheus: p.opt.admin != "", Live: p.live, Drops: p.fanout.Drops, SinkPanics: p.fanout.Panics, Logger: logger,
		Models: p.opt.labels.modelNames(), Tenants: p.opt.labels.tenantNames(),
	})
	if err != nil {
		return usageError(err)
	}
	p.fanout.Add("otel", p.telemetry)
	if p.opt.logRequests != "" {
		if p.log, err = openRequestLog(e, p.opt.logRequests); err != nil {
			return err
		}
		p.log.OnError = func(err error) { logger.Error("requests are not logged", "error", err) }
		p.fanout.Add("log", p.log)
	}
	if p.opt.sink != nil {
		p.fanout.Add("load generator", p.opt.sink)
	}
	if p.view.lines() {
		p.fanout.Add("terminal", p.view)
	}
	return nil
}

func (p *runningProxy) serve(serve func() error) {
	if err := serve(); err != nil {
		p.failed <- err
	}
}

// listenAdmin opens the admin address; nil where there is none.
func (p *runningProxy) listenAdmin() (net.Listener, error) {
	if p.opt.admin == "" {
		return nil, nil
	}
	ln, err := listen("--admin", p.opt.admin)
	if err != nil {
		return nil, err
	}
	p.adminAddr = ln.Addr().String()
	return ln, nil
}

// banner says what runs, and where to look.
func (p *runningProxy) banner() {
	for _, r := range p.routes {
		p.view.note(fmt.Sprintf("tokenomics proxy: %s -> %s", r.listen, r.target))
	}
	if p.opt.upstreamInsecure {
		p.view.note("warning: --upstream-insecure: certificates are not checked, anybody in between can read and change the traffic")
	}
	if p.adminAddr != "" {
		p.view.note(fmt.Sprintf("admin: http://%s/metrics /healthz /readyz", p.adminAddr))
	}
	for _, line := range p.telemetry.Describe() {
		p.view.note(line)
	}
	if p.opt.labels.unstable() {
		p.view.note("tenants are hashes with a salt of this start: for the same ones after the next, give --tenant-salt-file")
	}
	if host, _, err := net.SplitHostPort(p.opt.admin); err == nil && p.opt.admin != "" {
		if ip := net.ParseIP(host); host == "" || ip != nil && !ip.IsLoopback() {
			p.view.note("warning: the admin address is not on the loopback interface, and has no authentication")
		}
	}
}

// stop drains the proxy, hands over every Record and flushes the telemetry, as
// far as it gets before ctx ends.
func (p *runningProxy) stop(ctx context.Context) error {
	p.once.Do(func() {
		errs := []error{p.drain(ctx)}
		flush, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		p.fanout.Close(flush)
		p.view.stop()
		if p.telemetry != nil {
			if err := p.telemetry.Shutdown(flush); err != nil {
				// A backend that is down costs telemetry, and nothing else.
				p.view.note("warning: flushing telemetry: " + oneLine(err))
			}
		}
		if p.admin != nil {
			errs = append(errs, p.admin.ShutdownWithContext(flush))
		}
		if p.log != nil {
			errs = append(errs, p.log.close())
		}
		for name, n := range p.fanout.Drops() {
			if n > 0 {
				errs = append(errs, fmt.Errorf("%d records were dropped before %s", n, name))
			}
		}
		p.stopErr = errors.Join(errs...)
	})
	return p.stopErr
}

// requestLog is the file of --log-requests.
type requestLog struct {
	*record.JSONL
	to   io.WriteCloser
	path string
}

func openRequestLog(e *env, path string) (*requestLog, error) {
	if path == "-" {
		return &requestLog{record.NewJSONL(e.stdout), nopCloser{e.stdout}, "standard output"}, nil
	}
	// Appended to: what a proxy wrote before its restart is kept.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, runError(fmt.Errorf("--log-requests: opening the file: %w", err))
	}
	return &requestLog{record.NewJSONL(f), f, path}, nil
}

func (l *requestLog) close() error {
	if err := errors.Join(l.Err(), l.to.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", l.path, err)
	}
	return nil
}
