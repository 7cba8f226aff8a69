package exchange

import (
	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// Env is what exchanges share: the settings of their proxy and what they ask
// of it. Functions are called from any goroutine; a nil one is left out.
type Env struct {
	Addr        string // the engine's address, for Records and messages
	Host        string // the Host of a request that names none (HTTP/1.0)
	Prefix      string // the path in front of every request's
	InjectLimit int64  // largest body that is read whole
	HeadLimit   int    // largest head of a request
	AnswerLimit int    // largest head of an answer
	Timeline    bool   // keep every token event on the Record
	Propagate   bool   // tell the engine of the trace
	Via         bool   // add Via lines
	Forwarded   bool   // add X-Forwarded lines
	Names       bool   // remember what aborting a request by name takes, until it is over

	Live     *record.Live
	Print    *wire.Fingerprint
	Tracer   record.Tracer // nil: tracing is off
	NewID    func() string
	Provider func() string                               // whose engine it is
	Tenant   func(field func(name string) string) string // who asks
	MayAsk   func(endpoint string) bool                  // whether Ask may ask for anything, so that the body has to be read whole
	Ask      func(q *wire.Query) wire.Ask                // what to ask of the engine for a request
	Hold     func(n int64) bool                          // whether n more bytes of bodies may be held
	LetGo    func(n int64)                               // they no longer are
	Answered func(asked, encoded bool)                   // the engine has answered
	Failed   func(what string, cause any)                // a panic in measuring code was caught
}

// Peer is the client's end of the connection.
type Peer struct {
	Addr string // host:port
	TLS  bool
}
