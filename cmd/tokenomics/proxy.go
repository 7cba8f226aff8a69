package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"tokenomics/internal/record"
	"tokenomics/otel"
	"tokenomics/proxy"
)

// proxyOptions are the proxy's options as they were given.
type proxyOptions struct {
	upstream, listen, admin string
	usage                   string
	otlpEndpoint            string
	otlpProtocol            string
	sampleRatio             float64
	semconv                 string
	logRequests             string
	timeline                bool
	drainTimeout            time.Duration
	quiet                   bool
	labels                  labelOptions
	relay                   relayOptions
	route                   []string
	listenMode              string
	tlsCert, tlsKey         string
	upstreamCA              string
	upstreamInsecure        bool

	given            func(flag string) bool // on the command line
	sampleRatioGiven bool
	connections      int         // unused ones to the engine that are kept; 0 = upstream's default
	sink             record.Sink // is given every Record too; nil = none
	inProcess        bool        // another command runs it: only what goes wrong is said
}

const proxyExamples = `  # measure the real traffic of a server: it moves to port 8001, we take its place
  tokenomics proxy --upstream http://localhost:8001 --listen 127.0.0.1:8000

  # traces and metrics to an OTLP backend, one JSON line per request to a file
  tokenomics proxy --upstream http://localhost:8001 --listen 127.0.0.1:8000 \
    --otlp-endpoint http://localhost:4318 --log-requests requests.jsonl

  # two servers, one of them on a unix socket, with one admin address
  tokenomics proxy --route 127.0.0.1:8000=http://localhost:8001 \
    --route unix:/run/b.sock=unix:/run/vllm.sock

  # touch nothing: count only what the engine tells by itself
  tokenomics proxy --upstream http://localhost:8001 --usage observe`

// newProxyCmd is "tokenomics proxy".
func newProxyCmd(e *env) *cobra.Command {
	o := new(proxyOptions)
	cmd := &cobra.Command{
		Use:   "proxy",
		Short: "Stand in front of a server and measure its real traffic, with no change to any client",
		Long: `Relays every request to one server, heads and bodies as they are, and measures those
that make tokens: chat, completions, Responses, Anthropic messages, embeddings, rerank,
and the engines' own endpoints. Everything else passes through and is counted.

Token counts come from the engine. Where that is known to be safe, streams are
asked for their usage and the answer to that is taken out again (--usage auto).

An upstream on a unix socket is written unix:/run/vllm.sock, and with a path prefix
unix:/run/vllm.sock:/prefix. --upstream-ca replaces the system's roots, as curl's
--cacert does. With --tls-cert addresses on the network speak TLS, unix sockets not.

The admin address serves /metrics (Prometheus), /healthz and /readyz. Nothing is
exported unless --otlp-endpoint or an OTEL_* variable says where to. On SIGTERM or
Ctrl-C the proxy stops accepting, finishes what runs and flushes its telemetry.

Exit code: 0 stopped as asked, 1 requests were cut off at the end of the drain
time or Records were lost, 2 wrong use, 3 could not run.`,
		Example: proxyExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
			o.sampleRatioGiven = cmd.Flags().Changed("trace-sample-ratio")
			return o.serve(cmd.Context(), e)
		},
	}
	o.register(cmd)
	return cmd
}

func (o *proxyOptions) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.upstream, "upstream", "http://localhost:8000", "`URL` of the server to stand in front of, or unix:/path")
	fs.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` that clients connect to, or unix:/path")
	fs.StringArrayVar(&o.route, "route", nil, "`listen=upstream`, instead of those two; repeat it for several servers")
	fs.StringVar(&o.listenMode, "listen-mode", "0660", "permission `bits` of the unix sockets listened on")
	fs.StringVar(&o.tlsCert, "tls-cert", "", "PEM `file` of a certificate: clients speak TLS; read again when it changes")
	fs.StringVar(&o.tlsKey, "tls-key", "", "PEM `file` of its key")
	fs.StringVar(&o.upstreamCA, "upstream-ca", "", "PEM `file` of the certificates to trust for https upstreams, instead of the system's")
	fs.BoolVar(&o.upstreamInsecure, "upstream-insecure", false, "do not check the certificates of https upstreams")
	fs.StringVar(&o.admin, "admin", "127.0.0.1:9464", "`address` of /metrics, /healthz and /readyz; \"\" for none")
	fs.StringVar(&o.usage, "usage", string(proxy.UsageAuto), "ask streams for token counts that their client did not ask for:\nauto (final where it is safe, else observe), final, continuous, observe")
	fs.StringVar(&o.otlpEndpoint, "otlp-endpoint", "", "`URL` of an OTLP backend for traces and metrics, such as http://localhost:4318")
	fs.StringVar(&o.otlpProtocol, "otlp-protocol", "", "http/protobuf (default) or grpc")
	fs.Float64Var(&o.sampleRatio, "trace-sample-ratio", 1, "`share` of the traces begun here that are kept, 0 to 1")
	fs.StringVar(&o.semconv, "semconv", "", "\"1.41\" keeps the older OpenTelemetry GenAI names")
	fs.StringVar(&o.logRequests, "log-requests", "", "`file` for one JSON line per request, - for standard output")
	fs.BoolVar(&o.timeline, "timeline", false, "with --log-requests: the time of every token event")
	fs.DurationVar(&o.drainTimeout, "drain-timeout", 30*time.Second, "how long running requests may take when stopping")
	o.relay.register(fs)
	o.labels.register(fs)
	fs.BoolVar(&o.quiet, "quiet", false, "no line per request and no ticker on the terminal")
}

// check finds what is wrong with the options before anything is started.
func (o *proxyOptions) check() ([]route, error) {
	routes, err := o.routes()
	if err != nil {
		return nil, err
	}
	if _, err := proxy.ParseUsage(o.usage); err != nil {
		return nil, fmt.Errorf("--usage: %w", err)
	}
	if _, _, err := net.SplitHostPort(o.admin); o.admin != "" && err != nil {
		return nil, fmt.Errorf("--admin %q is no address: write host:port, such as 127.0.0.1:9464", o.admin)
	}
	if _, err := parseMode(o.listenMode); err != nil {
		return nil, err
	}
	switch {
	case o.semconv != otel.SemconvNewest && o.semconv != otel.Semconv141:
		return nil, fmt.Errorf("--semconv %q: give %s, or leave it out for the newest names", o.semconv, otel.Semconv141)
	case o.otlpProtocol != "" && o.otlpProtocol != "http/protobuf" && o.otlpProtocol != "grpc":
		return nil, fmt.Errorf("--otlp-protocol %q: give http/protobuf or grpc", o.otlpProtocol)
	case !(o.sampleRatio >= 0 && o.sampleRatio <= 1):
		return nil, fmt.Errorf("--trace-sample-ratio %v: give 0 to 1", o.sampleRatio)
	case o.timeline && o.logRequests == "":
		return nil, errors.New("--timeline is for the lines of --log-requests: give that too")
	case o.drainTimeout < 0:
		return nil, fmt.Errorf("--drain-timeout %v: give 0 or more", o.drainTimeout)
	}
	if o.relay.loop == string(proxy.LoopOn) && o.tlsCert != "" {
		return nil, errors.New("--loop on: a readiness loop speaks no TLS, and --tls-cert has clients speak it; give --loop auto")
	}
	return routes, errors.Join(o.relay.check(), o.labels.check())
}

// serve runs the proxy until ctx ends, then drains it.
func (o *proxyOptions) serve(ctx context.Context, e *env) error {
	thrifty()
	routes, err := o.check()
	if err != nil {
		return usageError(err)
	}
	lns, err := o.listenAll(routes)
	if err != nil {
		return err
	}
	p, err := startProxy(ctx, e, routes, o, lns)
	if err != nil {
		return errors.Join(err, closeListeners(lns))
	}
	p.banner()
	select {
	case <-ctx.Done():
	case err := <-p.failed:
		return errors.Join(runError(err), p.stop(context.WithoutCancel(ctx)))
	}
	if n := p.running(); n > 0 {
		p.view.note(fmt.Sprintf("stopping: requests in flight (%d) have %v to finish; again to stop at once", n, o.drainTimeout))
	}
	if err := p.stop(context.WithoutCancel(ctx)); err != nil {
		return failError(err)
	}
	return nil
}

// startInProcessProxy runs a proxy in front of a server for another command,
// on a free port of the loopback interface. warm opens connections to the
// server before they are needed; stop drains the proxy and flushes what it
// exports, as far as it gets before ctx ends.
func startInProcessProxy(ctx context.Context, e *env, server string, o proxyOptions) (baseURL string, warm warmUp, stop func() error, err error) {
	o.upstream, o.listen, o.quiet, o.inProcess = server, "127.0.0.1:0", true, true
	o.usage = string(proxy.UsageAuto)
	o.drainTimeout, o.labels, o.relay = 30*time.Second, newLabelOptions(), newRelayOptions()
	o.relay.maxConnections = max(o.relay.maxConnections, o.connections)
	o.listenMode, o.given = "0600", func(string) bool { return false }
	routes, err := o.check()
	if err != nil {
		return "", nil, nil, usageError(err)
	}
	ln, err := listen("proxy", o.listen)
	if err != nil {
		return "", nil, nil, err
	}
	p, err := startProxy(ctx, e, routes, &o, []net.Listener{ln})
	if err != nil {
		return "", nil, nil, errors.Join(err, ln.Close())
	}
	return "http://" + ln.Addr().String(), p.proxies[0].Warm, func() error { return p.stop(ctx) }, nil
}
