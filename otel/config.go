package otel

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"tokenomics/internal/record"
)

// Config says what to export and where. The zero value exports what the
// OTEL_* environment variables ask for, which is nothing when none is set.
//
// Every OTEL_* variable means what OpenTelemetry defines. The SDK reads them
// from the process's environment itself, so there is no way to inject another.
type Config struct {
	// Endpoint is the base URL of an OTLP backend, http://host:4318, and
	// stands in for OTEL_EXPORTER_OTLP_ENDPOINT; a variable for one signal
	// (OTEL_EXPORTER_OTLP_METRICS_ENDPOINT) still wins for that signal.
	// "" leaves it to the variables.
	Endpoint string
	// Protocol is "http/protobuf" or "grpc"; "" is OTEL_EXPORTER_OTLP_PROTOCOL,
	// else http/protobuf.
	Protocol string
	// Headers are sent with every export, instead of OTEL_EXPORTER_OTLP_HEADERS;
	// nil leaves them to the variable.
	Headers map[string]string

	// ServiceName is service.name unless OTEL_SERVICE_NAME or
	// OTEL_RESOURCE_ATTRIBUTES say otherwise; "" is "tokenomics-proxy".
	ServiceName string
	// ServiceVersion is service.version; "" leaves it out.
	ServiceVersion string

	// SampleRatio is the share of traces that we begin to sample; the caller's
	// decision always wins (parentbased_traceidratio). Absent leaves it to
	// OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, else 1.
	SampleRatio record.Opt[float64]

	// Semconv is the version of the GenAI names: SemconvNewest or Semconv141.
	Semconv string
	// EngineView adds gen_ai.server.*: the engine's latencies as seen from
	// outside. Always there with Semconv141.
	EngineView bool
	// FromClient says that the Records are a load generator's: there is no
	// request to us, so no http.server.* and no SERVER span.
	FromClient bool
	// Models and Tenants say which models, asked for or answered, and which
	// tenants become labels; the zero value is the first 200 that come. What
	// the engine refused or never answered takes no place.
	Models, Tenants Names

	// Prometheus makes PrometheusHandler serve the metrics.
	Prometheus bool

	// Live is read at each collection; nil leaves out what it tells (active
	// requests, streamed tokens, tokens/s now).
	Live *record.Live
	// Drops is read at each collection for what sinks have not been given, by
	// the sink's name; nil leaves it out.
	Drops func() map[string]int64
	// SinkPanics is read at each collection for the Records that a sink failed
	// on; nil leaves it out.
	SinkPanics func() int64

	// Logger takes what goes wrong while exporting, each kind at most once a
	// minute; nil is slog.Default().
	Logger *slog.Logger
	// ShutdownTimeout bounds the flush of each provider; 0 is 5 s.
	ShutdownTimeout time.Duration
}

const (
	defaultShutdownTimeout = 5 * time.Second
	protocolHTTP           = "http/protobuf"
	protocolGRPC           = "grpc"
)

func (c Config) withDefaults() (Config, error) {
	if c.ServiceName == "" {
		c.ServiceName = "tokenomics-proxy"
	}
	c.Models.Max = cmp.Or(c.Models.Max, defaultNames)
	c.Tenants.Max = cmp.Or(c.Tenants.Max, defaultNames)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.ShutdownTimeout == 0 {
		c.ShutdownTimeout = defaultShutdownTimeout
	}
	if c.Semconv != SemconvNewest && c.Semconv != Semconv141 {
		return c, fmt.Errorf("choosing names: no conventions %q; use %q or leave it out", c.Semconv, Semconv141)
	}
	return c, nil
}

// env is a variable's value; as OpenTelemetry has it, an empty one is unset.
func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// sdkDisabled is OTEL_SDK_DISABLED.
func sdkDisabled() bool { return strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") }

// target is where one signal goes. The zero value is a signal that is off.
type target struct {
	on       bool
	protocol string
	url      string // as shown, and as used where pass is set
	pass     bool   // url is to be given to the exporter, not left to its own reading of the variables
}

// target resolves one signal, "TRACES" or "METRICS".
func (c Config) target(signal string) (target, error) {
	exporters := strings.Split(strings.ToLower(env("OTEL_"+signal+"_EXPORTER")), ",")
	asked := false
	for _, e := range exporters {
		switch e = strings.TrimSpace(e); {
		case e == "none":
			return target{}, nil
		case e == "otlp":
			asked = true
		case e == "" || e == "prometheus" && signal == "METRICS": // /metrics is served on the admin address
		default:
			return target{}, fmt.Errorf("reading OTEL_%s_EXPORTER: no exporter %q here; use otlp or none", signal, e)
		}
	}
	if slices.Contains(exporters, "prometheus") && !asked {
		return target{}, nil
	}
	t := target{on: true}
	var err error
	if t.protocol, err = c.protocol(signal); err != nil {
		return target{}, err
	}
	own, generic := "OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
	from, base := own, false
	switch {
	case env(own) != "":
		t.url = env(own)
	case c.Endpoint != "":
		t.url, from, base = c.Endpoint, "--otlp-endpoint", true
	case env(generic) != "":
		t.url, from, base = env(generic), generic, true
	case asked && t.protocol == protocolGRPC:
		t.url = "http://localhost:4317"
	case asked:
		t.url, base = "http://localhost:4318", true
	default:
		return target{}, nil
	}
	u, err := url.Parse(t.url)
	web := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	if !web && (t.protocol == protocolHTTP || from == "--otlp-endpoint") {
		return target{}, fmt.Errorf("reading %s: %q is no URL of an OTLP backend; write it as http://host:4318", from, t.url)
	}
	if web && base && t.protocol == protocolHTTP {
		t.url = u.JoinPath("v1", strings.ToLower(signal)).String()
	}
	t.pass = web
	return t, nil
}

// shown is the address without any password in it.
func (t target) shown() string {
	if u, err := url.Parse(t.url); err == nil {
		return u.Redacted()
	}
	return "(an address that does not parse)"
}

func (c Config) protocol(signal string) (string, error) {
	p := c.Protocol
	for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p == "" {
			p = env(name)
		}
	}
	switch p {
	case "":
		return protocolHTTP, nil
	case protocolHTTP, protocolGRPC:
		return p, nil
	}
	return "", fmt.Errorf("choosing the OTLP protocol: no %q; use %s or %s", p, protocolHTTP, protocolGRPC)
}

// sampling says for people which traces a sampler keeps. OpenTelemetry's own
// description tells of types: ParentBased{root:TraceIDRatioBased{0.1},...}.
func sampling(s sdktrace.Sampler) string {
	text := s.Description()
	rest, parent := strings.CutPrefix(text, "ParentBased{root:")
	root, _, _ := strings.Cut(rest, ",")
	ratio, some := strings.CutPrefix(strings.TrimSuffix(root, "}"), "TraceIDRatioBased{")
	kept := map[string]string{"AlwaysOnSampler": "all", "AlwaysOffSampler": "none"}[root]
	if some {
		kept = ratio + " of them"
	}
	switch {
	case kept == "":
		return text
	case parent:
		return "samples " + kept + ", or as the caller has it"
	}
	return "samples " + kept
}

// sampler is who decides which traces are kept. A variable that makes no sense
// is told and ignored, as OpenTelemetry has it; a ratio of ours is an error.
func (c Config) sampler() (sdktrace.Sampler, error) {
	if r, ok := c.SampleRatio.Get(); ok {
		if !(r >= 0 && r <= 1) {
			return nil, fmt.Errorf("choosing the sampler: ratio %v is not between 0 and 1", r)
		}
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(r)), nil
	}
	ratio := 1.0
	if arg := env("OTEL_TRACES_SAMPLER_ARG"); arg != "" {
		if r, err := strconv.ParseFloat(arg, 64); err == nil && r >= 0 && r <= 1 {
			ratio = r
		} else {
			c.Logger.Warn("OTEL_TRACES_SAMPLER_ARG is not a ratio between 0 and 1; using 1", "value", arg)
		}
	}
	switch name := strings.ToLower(env("OTEL_TRACES_SAMPLER")); name {
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(ratio), nil
	case "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "", "parentbased_traceidratio":
	default:
		c.Logger.Warn("OTEL_TRACES_SAMPLER is not one that is known here; using parentbased_traceidratio", "value", name)
	}
	return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio)), nil
}
