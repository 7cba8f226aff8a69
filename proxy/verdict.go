package proxy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tokenomics/internal/upstream"
	"tokenomics/internal/wire"
)

// verdict knows what engine is upstream. It asks when the proxy starts, and
// again after the engine was away: another one may have come back.
type verdict struct {
	target upstream.Target
	usage  Usage
	log    *slog.Logger
	ctx    context.Context
	print  wire.Fingerprint // what stripping has to put back
	seen   chan struct{}    // the engine has answered a client while it was taken for away

	mu      sync.Mutex // protects the rest
	known   upstream.Engine
	reached bool   // the engine has answered since it was last away
	why     string // why there is no name
	asking  bool
	encoded bool // its streams come encoded
}

// Pauses between attempts to reach an engine that is away.
const (
	askAgainFirst = 500 * time.Millisecond
	askAgainMost  = 2 * time.Second
)

func newVerdict(ctx context.Context, target upstream.Target, usage Usage, log *slog.Logger) *verdict {
	v := &verdict{target: target, usage: usage, log: log, ctx: ctx, seen: make(chan struct{}, 1), why: "the engine has not answered yet"}
	v.away(nil)
	return v
}

// engine is what is known now; the zero Engine while nothing is.
func (v *verdict) engine() upstream.Engine {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.known
}

// ask is what to ask of the engine for a query, beyond what the client asks.
// With several choices, what an answer would have been without the question is
// known only once another answer has told (wire.Fingerprint).
func (v *verdict) ask(q *wire.Query) wire.Ask {
	v.mu.Lock()
	known, encoded := v.known, v.encoded
	v.mu.Unlock()
	if encoded || q.Choices() > 1 && !v.print.Known() {
		return wire.AskNothing
	}
	return v.usage.ask(known, q.Endpoint)
}

// mayAsk says whether ask may have something to ask about the endpoint, so that
// the request's body has to be read whole.
func (v *verdict) mayAsk(endpoint string) bool {
	v.mu.Lock()
	known, encoded := v.known, v.encoded
	v.mu.Unlock()
	return !encoded && v.usage.ask(known, endpoint) != wire.AskNothing
}

// answered is told that the engine answers: whoever waits to ask it again need
// not wait longer.
func (v *verdict) answered() {
	if ready, _ := v.ready(); ready {
		return
	}
	select {
	case v.seen <- struct{}{}:
	default: // it has been told
	}
}

// ready says whether the engine has been reached, and if not, why.
func (v *verdict) ready() (bool, string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reached, v.why
}

// away is told that the engine could not be reached: what was known of it no
// longer counts, and it is asked again until it answers.
func (v *verdict) away(err error) {
	if v.forget(err) {
		// Not under the lock: whoever reads the log may be slow.
		v.log.Warn("the engine is away", "upstream", v.target.String(), "error", err)
	}
}

// forget says whether the engine was there until now.
func (v *verdict) forget(err error) (was bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	was = v.reached && err != nil
	if err != nil {
		v.why = err.Error()
	}
	v.known, v.reached, v.encoded = upstream.Engine{}, false, false
	v.print.Forget()
	if !v.asking && v.ctx.Err() == nil {
		v.asking = true
		go v.askUntilAnswered()
	}
	return was
}

// encodes is told that an answer came encoded, from which nothing can be taken
// out: nothing is asked for any more.
func (v *verdict) encodes() {
	v.mu.Lock()
	first := !v.encoded
	v.encoded = true
	v.mu.Unlock()
	if first {
		// Whoever calls this has a client's lock, and whoever reads the log may be slow.
		go v.log.Warn("the engine encodes its streams: it is not asked for usage", "upstream", v.target.String())
	}
}

func (v *verdict) askUntilAnswered() {
	pause := askAgainFirst
	for {
		e, err := upstream.Fingerprint(v.ctx, v.target, "")
		if v.settle(e, err) || v.ctx.Err() != nil {
			return
		}
		select {
		case <-v.ctx.Done():
			return
		case <-v.seen:
		case <-time.After(pause):
		}
		pause = min(2*pause, askAgainMost)
	}
}

// settle takes the answer to one attempt and says whether it ends the asking.
func (v *verdict) settle(e upstream.Engine, err error) bool {
	v.mu.Lock()
	if err != nil && !errors.Is(err, upstream.ErrUnauthorized) {
		first := v.why != err.Error()
		v.why = err.Error()
		v.mu.Unlock()
		if first && v.ctx.Err() == nil {
			v.log.Warn("the engine does not answer yet", "upstream", v.target.String(), "error", err)
		}
		return false
	}
	v.known, v.reached, v.asking, v.why = e, true, false, ""
	if err != nil {
		v.why = err.Error()
	}
	v.mu.Unlock()
	v.log.Info("upstream", "engine", e.String(), "address", v.target.String(), "usage", v.describe())
	return true
}

// describe says what is asked of the engine, and why.
func (v *verdict) describe() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.usage != UsageAuto {
		return string(v.usage)
	}
	switch {
	case v.known.MayAsk("chat") && v.known.MayAsk("completions"):
		return "auto: final for chat and completions"
	case v.known.MayAsk("chat"):
		return "auto: final for chat, observe elsewhere"
	case v.known.AlwaysUsage:
		return "auto: observe (the engine sends usage unasked)"
	case v.known.Name != "":
		return "auto: observe (" + v.known.Name + " is not known to take the question without other changes)"
	case v.why != "":
		return "auto: observe (" + v.why + ")"
	}
	return "auto: observe (the engine is not known)"
}
