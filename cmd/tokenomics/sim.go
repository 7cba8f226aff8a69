package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenomics/internal/sim"
)

// simOptions are the options of "tokenomics sim" as they were given.
type simOptions struct {
	cfg          sim.Config
	listen       string
	truth        string
	faults       []string
	drainTimeout time.Duration
	stopAfter    time.Duration
}

const simExamples = `  # an engine with 50 ms to the first token and 10 ms between tokens, on port 8000
  tokenomics sim

  # SGLang's dialect, latencies that vary, eight requests at a time
  tokenomics sim --dialect sglang --ttft 'lognormal(120ms,0.4)' --itl 'normal(12ms,3ms)' --slots 8

  # one request in a hundred is cut in mid-stream; keep a log of what was written when
  tokenomics sim --fault cut=5@0.01 --truth truth.jsonl

  # order a fault for one request
  curl localhost:8000/v1/completions -H 'Content-Type: application/json' \
    -H 'X-Sim-Fault: error-event=3' -d '{"prompt": "Hi", "stream": true}'`

// newSimCmd is "tokenomics sim".
func newSimCmd(e *env) *cobra.Command {
	o := newSimOptions()
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "A simulated engine: the dialects of real ones, latencies you choose, faults on demand",
		Long: `Answers as a real engine does, and makes up every word and every delay. It is for
trying tokenomics, and for testing measuring tools against a known truth. It says
in every answer that it is a simulation.

Dialects, for --dialect, and what generates tokens or counts them in each (besides
/v1/chat/completions, /v1/completions, /v1/embeddings and /v1/models):

  vllm      /v1/responses /v1/messages /inference/v1/generate /v1/rerank /v1/score
            /pooling /classify /v2/embed /v1/audio/transcriptions
  sglang    /generate /v1/responses /v1/messages /v1/rerank /v1/score /api/chat
            /api/generate; /abort_request stops a request by the start of its rid
  llamacpp  /completion /v1/responses /v1/messages /embedding /rerank; /props /slots
  ollama    /api/chat /api/generate /api/embed /v1/messages; /api/tags /api/ps
  tgi       /generate /generate_stream, no /v1/embeddings; /info

Durations and counts may vary: 50ms, uniform(10ms,90ms), normal(50ms,5ms),
exp(50ms), lognormal(50ms,0.5). The same seed and the same request give the same
answer.

A token is a word of at most twelve letters with the space before it, or one
punctuation mark.

Faults, for --fault (name[=argument][@probability]) and for the request header
X-Sim-Fault (name[=argument], several with commas between):
` + sim.FaultHelp() + `
Exit code: 0 stopped as asked, 2 wrong use, 3 could not run.`,
		Example: simExamples,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.serve(cmd.Context(), e) },
	}
	o.register(cmd)
	return cmd
}

func newSimOptions() *simOptions {
	return &simOptions{cfg: sim.Config{
		TTFT:          sim.ConstantDuration(50 * time.Millisecond),
		ITL:           sim.ConstantDuration(10 * time.Millisecond),
		OutputTokens:  sim.ConstantCount(128),
		TokensPerStep: sim.ConstantCount(1), ReasoningTokens: sim.Counts(),
	}}
}

func (o *simOptions) register(cmd *cobra.Command) {
	fs, c := cmd.Flags(), &o.cfg
	fs.SortFlags = false
	fs.StringVar(&o.listen, "listen", "127.0.0.1:8000", "`address` to serve on")
	fs.StringVar(&c.Dialect, "dialect", "vllm", "whose event grammar to speak: "+strings.Join(sim.Dialects(), ", "))
	fs.StringVar(&c.PathPrefix, "path-prefix", "", "`path` before every path, such as /engine")
	fs.StringVar(&c.Model, "model", "sim-model", "`name` of the served model")
	fs.StringVar(&c.APIKey, "api-key", "", "want this `key` as a bearer token")
	fs.Var(&c.TTFT, "ttft", "time to the first token")
	fs.Var(&c.ITL, "itl", "time between decode steps")
	fs.Float64Var(&c.LoadFactor, "load-factor", 0, "`share` of itself by which each further running request lengthens the ITL")
	fs.Var(&c.OutputTokens, "output-tokens", "length of an answer, before max_tokens caps it")
	fs.Var(&c.TokensPerStep, "tokens-per-step", "tokens that one decode step yields, as with speculative decoding")
	fs.IntVar(&c.StreamInterval, "stream-interval", 1, "`tokens` the engine gathers before it sends an event")
	fs.Var(&c.ReasoningTokens, "reasoning-tokens", "tokens at the start of a chat answer that are reasoning;\nunset for no reasoning parser")
	fs.Float64Var(&c.SilentTokenRate, "silent-token-rate", 0, "`share` of tokens that show no text")
	fs.IntVar(&c.Slots, "slots", 256, "`requests` that run at once; others wait in line")
	fs.IntVar(&c.MaxQueued, "max-queued-requests", 0, "`requests` that may wait; more are refused with 503. 0 for no limit")
	fs.IntVar(&c.MaxModelLen, "max-model-len", 32768, "context length in `tokens`")
	fs.IntVar(&c.CacheTokens, "cache-tokens", 131072, "`tokens` the prefix cache holds; -1 for no cache")
	fs.IntVar(&c.CacheBlock, "cache-block", 0, "`tokens` in a block of the prefix cache; 0 for the dialect's own")
	fs.Float64Var(&c.CachedTTFT, "cached-ttft", 0.25, "`share` of the TTFT that a wholly cached prompt costs")
	fs.BoolVar(&c.ReportCached, "report-cached", false, "tell cached tokens, as --enable-prompt-tokens-details\nand --enable-cache-report do; llama.cpp always does")
	fs.BoolVar(&c.ForceUsage, "force-usage", false, "tell usage in streams unasked, as --enable-force-include-usage (vLLM)\nand --stream-response-default-include-usage (SGLang) do")
	fs.BoolVar(&c.RequestMetrics, "request-metrics", false, "tell in an answer how long its request took, as --enable-per-request-metrics\n(vLLM) and --enable-metrics (SGLang) do; the others always do")
	fs.BoolVar(&c.Incremental, "incremental", false, "SGLang's /generate streams what is new in each event, not all so far")
	fs.DurationVar(&c.AbortDelay, "abort-delay", 0, "how long the engine goes on when a client has left (SGLang: 2s)")
	fs.StringArrayVar(&o.faults, "fault", nil, "`fault` to commit, see above; may be given again")
	fs.BoolVar(&c.NoFaultHeader, "no-fault-header", false, "ignore X-Sim-Fault")
	fs.Uint64Var(&c.Seed, "seed", 42, "of everything random")
	fs.BoolVar(&c.Deterministic, "deterministic", false, "two answers to one request are equal byte for byte: ids and times are\nmade up, and nothing is cached unless --report-cached")
	fs.StringVar(&o.truth, "truth", "", "`file` for one JSON line per request: when each event was written,\nand how many tokens it carried")
	fs.DurationVar(&o.drainTimeout, "drain-timeout", 30*time.Second, "how long running requests may take when stopping")
	fs.DurationVar(&o.stopAfter, "stop-after", 0, "stop by itself after that `time`; 0 for never")
}

// config completes the configuration and finds what is wrong with the options.
func (o *simOptions) config() (sim.Config, error) {
	c := o.cfg
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return c, fmt.Errorf("--listen %q is no address: write host:port, such as 127.0.0.1:8000", o.listen)
	}
	for _, text := range o.faults {
		f, err := sim.ParseFault(text)
		if err != nil {
			return c, fmt.Errorf("--fault: %w", err)
		}
		c.Faults = append(c.Faults, f)
	}
	if c.CachedTTFT == 0 {
		c.CachedTTFT = math.SmallestNonzeroFloat64 // zero is the default there, and free here
	}
	_, err := sim.New(c)
	return c, err
}

// serve runs the simulator until ctx ends.
func (o *simOptions) serve(ctx context.Context, e *env) (err error) {
	cfg, err := o.config()
	if err != nil {
		return usageError(err)
	}
	ln, err := listen("--listen", o.listen)
	if err != nil {
		return err
	}
	if o.truth != "" {
		w, closeTruth, err := openTruth(o.truth, e.stdout)
		if err != nil {
			_ = ln.Close() // the truth log is what went wrong
			return runError(err)
		}
		cfg.Truth = w
		defer func() {
			if cerr := closeTruth(); cerr != nil && err == nil {
				err = runError(fmt.Errorf("--truth: %w", cerr))
			}
		}()
	}
	engine, err := sim.New(cfg)
	if err != nil {
		_ = ln.Close() // the configuration is what went wrong
		return usageError(err)
	}
	if o.stopAfter > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.stopAfter)
		defer cancel()
	}
	fmt.Fprintln(e.stderr, simBanner(cfg, ln.Addr()))
	return runSim(ctx, engine, ln, o.drainTimeout)
}

func simBanner(c sim.Config, addr net.Addr) string {
	return fmt.Sprintf("tokenomics sim: SIMULATED %s engine on http://%s (model %s, ttft %s, itl %s)",
		c.Dialect, addr, c.Model, c.TTFT, c.ITL)
}

// runSim serves on ln until ctx ends, and then lets running requests finish.
func runSim(ctx context.Context, engine *sim.Server, ln net.Listener, drain time.Duration) error {
	served := make(chan error, 1)
	go func() { served <- engine.Serve(ln) }()
	select {
	case err := <-served:
		return runError(errors.Join(fmt.Errorf("serving the simulated engine: %w", err), engine.Close()))
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := engine.Shutdown(deadline)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // what was running has been cut, as --drain-timeout says
	}
	if err != nil {
		return runError(err)
	}
	return nil
}

// openTruth opens the truth log. Every line is written as its request ends, so
// the log can be read while the simulator runs.
func openTruth(name string, stdout io.Writer) (io.Writer, func() error, error) {
	if name == "-" {
		return stdout, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, fmt.Errorf("--truth: %w; give a file that can be written", err)
	}
	return f, f.Close, nil
}
