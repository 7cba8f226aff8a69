package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"tokenomics/internal/netloop"
	"tokenomics/proxy"
)

// relayOptions are the proxy's options about what passes, and its limits.
type relayOptions struct {
	injectLimit    int
	headLimit      int
	answerLimit    int
	maxConnections int
	maxInFlight    int
	headTimeout    time.Duration
	bodyTimeout    time.Duration
	writeTimeout   time.Duration
	idleTimeout    time.Duration
	via, forwarded bool
	noPropagation  bool
	abortSGLang    bool
	loop           string
	loops          int
}

// newRelayOptions are those that nothing was given for.
func newRelayOptions() relayOptions {
	return relayOptions{
		injectLimit: 8 << 20, headLimit: 64 << 10, answerLimit: 256 << 10, maxConnections: 16384,
		headTimeout: time.Minute, bodyTimeout: time.Minute, writeTimeout: time.Minute, idleTimeout: 2 * time.Minute,
		loop: string(proxy.LoopAuto),
	}
}

func (o *relayOptions) register(fs *pflag.FlagSet) {
	*o = newRelayOptions()
	fs.IntVar(&o.injectLimit, "inject-limit", o.injectLimit, "largest request body, in `bytes`, that is read whole to ask for usage")
	fs.IntVar(&o.maxConnections, "max-connections", o.maxConnections, "client connections at a time; more are answered 503")
	fs.IntVar(&o.maxInFlight, "max-in-flight", 0, "requests at a time; more are answered 503; 0: as many as connections")
	fs.IntVar(&o.headLimit, "head-limit", o.headLimit, "largest head of a request, in `bytes`; a larger one is answered 431")
	fs.IntVar(&o.answerLimit, "answer-head-limit", o.answerLimit, "largest head of an answer, in `bytes`; a larger one is answered 502")
	fs.DurationVar(&o.headTimeout, "head-timeout", o.headTimeout, "how long a request's head may take to arrive")
	fs.DurationVar(&o.bodyTimeout, "body-timeout", o.bodyTimeout, "how long a client may pause within a request's body")
	fs.DurationVar(&o.writeTimeout, "write-timeout", o.writeTimeout, "how long a client or the engine may take none of what is written to it")
	fs.DurationVar(&o.idleTimeout, "idle-timeout", o.idleTimeout, "how long a client's idle connection is kept")
	fs.BoolVar(&o.via, "via", false, "add Via lines to requests and answers")
	fs.BoolVar(&o.forwarded, "forwarded", false, "add X-Forwarded-For, -Proto and -Host to requests")
	fs.BoolVar(&o.noPropagation, "no-trace-propagation", false, "export traces, but do not tell the engine (no traceparent)")
	fs.BoolVar(&o.abortSGLang, "abort-sglang", false, "the engine is SGLang: when a client leaves, also POST /abort_request")
	fs.StringVar(&o.loop, "loop", o.loop, "who relays plain connections: on (readiness loops, Linux), off (a goroutine\nfor each), auto (loops where they can be); TLS always has goroutines")
	fs.IntVar(&o.loops, "loops", 0, "how many readiness loops; 0: as many as cores, at most 4")
}

// check finds what is wrong with the options.
func (o *relayOptions) check() error {
	switch {
	case o.injectLimit < 1:
		return fmt.Errorf("--inject-limit %d: give 1 or more; to never touch a request use --usage observe", o.injectLimit)
	case o.maxConnections < 1:
		return fmt.Errorf("--max-connections %d: give 1 or more", o.maxConnections)
	case o.maxInFlight < 0:
		return fmt.Errorf("--max-in-flight %d: give 1 or more, or 0 for as many as connections", o.maxInFlight)
	case o.headLimit < 256:
		return fmt.Errorf("--head-limit %d: give 256 or more, or no request fits", o.headLimit)
	case o.loops < 0:
		return fmt.Errorf("--loops %d: give 1 or more, or 0 for as many as cores", o.loops)
	case o.answerLimit < 256:
		return fmt.Errorf("--answer-head-limit %d: give 256 or more, or no answer fits", o.answerLimit)
	}
	if _, err := netloop.ParseMode(o.loop); err != nil {
		return fmt.Errorf("--loop: %w", err)
	}
	for flag, d := range map[string]time.Duration{
		"--head-timeout": o.headTimeout, "--body-timeout": o.bodyTimeout,
		"--write-timeout": o.writeTimeout, "--idle-timeout": o.idleTimeout,
	} {
		if d <= 0 {
			return fmt.Errorf("%s %v: give more than 0", flag, d)
		}
	}
	return nil
}

// apply puts the options where the proxy looks for them.
func (o *relayOptions) apply(c *proxy.Config) {
	c.InjectLimit, c.HeadLimit, c.AnswerLimit = o.injectLimit, o.headLimit, o.answerLimit
	c.MaxConnections, c.MaxInFlight = o.maxConnections, o.maxInFlight
	c.HeadTimeout, c.BodyTimeout, c.WriteTimeout, c.IdleTimeout = o.headTimeout, o.bodyTimeout, o.writeTimeout, o.idleTimeout
	c.Via, c.Forwarded, c.NoPropagation, c.AbortSGLang = o.via, o.forwarded, o.noPropagation, o.abortSGLang
	c.Loop, c.Loops = proxy.Loop(o.loop), o.loops
}
