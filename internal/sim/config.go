package sim

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Config says what engine to simulate. The zero Config is a vLLM with one model,
// 50 ms to the first token, 10 ms between tokens and 128 tokens an answer.
type Config struct {
	// Dialect is one of Dialects. Empty is vllm.
	Dialect string
	// PathPrefix comes before every path, as llama.cpp's --api-prefix does. Empty: none.
	PathPrefix string
	// Model is the served model's name. Empty is sim-model.
	Model string
	// APIKey, when set, is wanted as a bearer token where the engine wants it.
	// Empty: no key.
	APIKey string
	// Seed of everything random.
	Seed uint64
	// Deterministic makes response ids and `created` functions of seed and
	// request, so that two answers to one request are equal byte for byte. The
	// times that answers tell are then made up, and nothing is found in the prefix
	// cache unless ReportCached is set. False: ids are random and `created` is the time.
	Deterministic bool

	// TTFT is the time from admission to a slot to the first token. Unset: 50ms.
	TTFT Dist
	// ITL is the time between two decode steps. Unset: 10ms.
	ITL Dist
	// OutputTokens is the length of an answer, its end-of-text token included,
	// before max_tokens caps it. Unset: 128.
	OutputTokens Dist
	// TokensPerStep is how many tokens one decode step yields, as speculative
	// decoding does. Unset: 1.
	TokensPerStep Dist
	// ReasoningTokens is how many tokens at the start of a chat answer go to the
	// reasoning channel. Unset: the engine has no reasoning parser.
	ReasoningTokens Dist
	// SilentTokenRate is the share of tokens (0 to 1) that show no text, as half
	// a character does. Zero: none.
	SilentTokenRate float64
	// StreamInterval is how many tokens the engine gathers before it sends an
	// event (--stream-interval). Zero is 1.
	StreamInterval int
	// LoadFactor is by what share of itself each further running request
	// lengthens the ITL. Zero: load costs nothing.
	LoadFactor float64
	// CachedTTFT is the share of the TTFT that a request pays whose whole prompt
	// is in the prefix cache; a part cached pays in proportion. Zero is 0.25;
	// 1 turns the gain off.
	CachedTTFT float64

	// Slots is how many requests run at once. Zero is 256.
	Slots int
	// MaxQueued is how many may wait for a slot; more are refused with 503 as
	// SGLang does with --max-queued-requests. Zero: no limit, as on vLLM.
	MaxQueued int
	// AbortDelay is how long the engine goes on with a request whose client has
	// left (SGLang: about 2s). Zero: it stops at once, as vLLM does.
	AbortDelay time.Duration
	// MaxModelLen is the context length in tokens. Zero is 32768.
	MaxModelLen int
	// CacheTokens is how many tokens the prefix cache holds. Zero is 131072;
	// below zero there is no cache.
	CacheTokens int
	// CacheBlock is the granularity of the prefix cache in tokens. Zero is the
	// dialect's own: 16 on vLLM, 1 elsewhere.
	CacheBlock int
	// ReportCached tells cached tokens in the usage details, as
	// --enable-prompt-tokens-details (vLLM) and --enable-cache-report (SGLang) do.
	// llama.cpp always tells them, Ollama and TGI never do.
	ReportCached bool
	// ForceUsage tells usage in OpenAI's streams unasked: vLLM's
	// --enable-force-include-usage on every event, SGLang's
	// --stream-response-default-include-usage at the end. The others have no such thing.
	ForceUsage bool
	// RequestMetrics tells in an answer how long its request took the engine: vLLM's
	// --enable-per-request-metrics, SGLang's --enable-metrics (in /generate).
	// llama.cpp and Ollama always tell, TGI in the heads of its bodies.
	RequestMetrics bool
	// Incremental makes SGLang's /generate stream what is new in each event
	// (--incremental-streaming-output) rather than all so far.
	Incremental bool

	// Faults happen with their probability to any generation or embeddings request.
	Faults []Fault
	// NoFaultHeader ignores the request header X-Sim-Fault. False: it is obeyed.
	NoFaultHeader bool

	// Truth receives one JSON line per generation or embeddings request, at its
	// end. Nil: none is kept.
	Truth io.Writer

	// KeepAlive is how long an idle connection is kept after an answer. Zero is
	// the dialect's own: 5s, on Ollama and TGI for ever.
	KeepAlive time.Duration
	// WriteTimeout bounds one write to a client that does not read. Zero is 5m.
	WriteTimeout time.Duration
	// MaxBody bounds a request body in bytes. Zero is 64 MiB.
	MaxBody int
	// MaxConns bounds open connections. Zero is 16384; more are closed at once.
	MaxConns int
}

func (c Config) withDefaults() (Config, error) {
	if c.Dialect == "" {
		c.Dialect = "vllm"
	}
	d := newDialect(&c)
	if d == nil {
		return c, fmt.Errorf("choosing dialect %q: unknown; the simulator speaks %s", c.Dialect, strings.Join(Dialects(), ", "))
	}
	if c.Model == "" {
		c.Model = "sim-model"
	}
	if strings.ContainsFunc(c.Model, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return c, fmt.Errorf("naming the model %q: quotes, backslashes and control characters are not allowed", c.Model)
	}
	setDist(&c.TTFT, ConstantDuration(50*time.Millisecond))
	setDist(&c.ITL, ConstantDuration(10*time.Millisecond))
	setDist(&c.OutputTokens, ConstantCount(128))
	setDist(&c.TokensPerStep, ConstantCount(1))
	setZero(&c.StreamInterval, 1)
	setZero(&c.CachedTTFT, 0.25)
	setZero(&c.Slots, 256)
	setZero(&c.MaxModelLen, 32768)
	setZero(&c.CacheTokens, 131072)
	if c.Deterministic && !c.ReportCached {
		c.CacheTokens = -1
	}
	setZero(&c.CacheBlock, d.traits().cacheBlock)
	setZero(&c.KeepAlive, d.traits().keepAlive)
	setZero(&c.WriteTimeout, 5*time.Minute)
	setZero(&c.MaxBody, 64<<20)
	setZero(&c.MaxConns, 16384)
	return c, c.check()
}

func (c Config) check() error {
	switch {
	case c.StreamInterval < 0, c.Slots < 0, c.MaxQueued < 0, c.AbortDelay < 0, c.MaxModelLen < 0, c.CacheBlock < 0,
		c.KeepAlive < 0, c.WriteTimeout < 0, c.MaxBody < 0, c.MaxConns < 0, c.LoadFactor < 0:
		return errors.New("checking the simulator's settings: a limit is below zero")
	case c.PathPrefix != "" && (c.PathPrefix[0] != '/' || strings.HasSuffix(c.PathPrefix, "/")):
		return fmt.Errorf("checking the path prefix %q: want one such as /engine", c.PathPrefix)
	case c.SilentTokenRate < 0 || c.SilentTokenRate > 1:
		return fmt.Errorf("checking the silent token rate %v: want 0 to 1", c.SilentTokenRate)
	case c.CachedTTFT < 0 || c.CachedTTFT > 1:
		return fmt.Errorf("checking the cached TTFT share %v: want 0 to 1", c.CachedTTFT)
	}
	return nil
}

func setDist(d *Dist, def Dist) {
	if !d.IsSet() {
		*d = def
	}
}

func setZero[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
