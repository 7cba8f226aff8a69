// Package engine is the engine's own account of itself: what its metrics say,
// whether it is idle, and how its prefix cache is kept out of a run. Nothing of
// it is on the way of a measured request.
//
//	Engine      an engine's metrics, if it has any (engine.go, ask.go)
//	reading     its figures at one moment, by whatever names (reading.go, names.go)
//	Watch       what they did over the runs of a point (watch.go, side.go)
//	Foreign     tokens that it made for others (foreign.go)
//	Drain       waits until it is idle (drain.go)
//	PrepareRun  empties its prefix cache, or says how to pass it by (prefixcache.go)
package engine

import (
	"context"
	"fmt"
	"time"

	"tokenomics/internal/upstream"
)

// Engine asks one engine about itself. It is safe for use by many goroutines.
type Engine struct {
	pool  *upstream.Pool
	key   string
	name  string // what engine it is, as upstream.Engine names them; "" when not known
	names *names // of its metrics; nil where it tells none
	why   string // it tells none

	every  time.Duration // how often a Watch looks
	settle time.Duration // how long the end of a run waits for the engine to be done
}

// Open finds out whether the engine at target tells metrics, and in what names.
// They are at the server's root, whatever path the API is at. name is what
// engine it is, "" when that is not known; its metrics may tell. Close it.
func Open(ctx context.Context, target upstream.Target, name, apiKey string) *Engine {
	e := &Engine{
		pool: upstream.NewPool(target.Root(), upstream.Options{}), key: apiKey, name: name,
		// Engines go on with broken-off requests for up to 4 s (WIRE.md 14.1), and
		// some count their tokens only then.
		every: time.Second, settle: 5 * time.Second,
	}
	a, err := e.ask(ctx, "GET", "/metrics", scrapeTimeout)
	if err == nil && a.status == 200 {
		e.names, err = namesIn(a.body)
	}
	switch {
	case err != nil:
		e.why = fmt.Sprintf("the engine's metrics can't be read: %v", err)
	case e.names == nil:
		e.why = withoutMetrics(name, a.status)
	case e.name == "":
		e.name = e.names.engine
	}
	return e
}

// Close closes the idle connections.
func (e *Engine) Close() { e.pool.Close() }

// Metrics says whether the engine tells any that are known here. why is the
// reason, with the remedy, where it does not.
func (e *Engine) Metrics() (ok bool, why string) { return e.names != nil, e.why }

// withoutMetrics is why an engine that answers has none.
func withoutMetrics(name string, status int) string {
	switch {
	case status == 401 || status == 403:
		return fmt.Sprintf("the engine answers /metrics with status %d: give the API key that opens it", status)
	case name == "ollama":
		return "Ollama has no metrics"
	case name == "llama_cpp":
		return "llama.cpp tells no metrics: start it with --metrics"
	case name == "sglang":
		return "SGLang tells no metrics: start it with --enable-metrics"
	case status == 200:
		return "the engine's metrics have none of the names of vLLM, SGLang and llama.cpp"
	}
	return fmt.Sprintf("the engine tells no metrics: it answers /metrics with status %d", status)
}
