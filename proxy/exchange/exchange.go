package exchange

import (
	"math"
	"time"

	"tokenomics/internal/http1"
	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// Exchange is one request and its answer. Make it with New. Thousands wait for
// an engine's next word at a time: what is needed only before that, or only at
// the end, is in memory of its own.
type Exchange struct {
	env   *Env
	start time.Time     // the request's head was complete
	spent time.Duration // in our own code

	// The request.
	req          *request    // what sending it takes; nil once that is done (forget)
	facts        facts       // what the Record tells of it
	relay        *wire.Relay // from when it is known
	requestBytes int64
	names        *names // what aborting it by name takes; nil = nobody wants to

	// The answer.
	kept      *keptAnswer    // what is kept of it; nil = all has gone on
	abody     http1.Body     // where its body stands
	tunnelled int64          // bytes of another protocol
	rec       *record.Record // what the exchange was; nil until it is over

	// To the client.
	down []byte // what the next ToClient gives
	lent []byte // our own memory of what ToClient gave, which may still be being written

	in, out phase // how far the request and the answer have come
	mode    mode
	minor   uint8 // of the client's HTTP/1.Minor
	interim uint8 // interim answers so far

	toHead    bool // the request's method is HEAD
	upgrade   bool // the client asked to change protocols
	last      bool // the client means to send no more requests
	asked     bool // for what the client did not ask
	connected bool
	reused    bool // the connection has carried a request before
	heard     bool // the engine has sent a byte
	keep      bool // the engine keeps the connection
	closing   bool // the client's connection ends with this answer
	began     bool // the client has been sent a byte of the final answer
	reset     bool // only a reset tells the client that the answer is not whole
	spoilt    bool // the engine's connection is no good
	own       bool // down is in memory of our own, and not in the engine's bytes
	proper    bool // it is over, and the answer ended as its framing says
	away      bool // it is over, and the engine gave no answer
}

// phase is how far one half of an exchange has come.
type phase uint8

const (
	inHead phase = iota
	inBody
	inTunnel // bytes of another protocol
	inEnd
)

type span struct{ from, to int }

// New begins an exchange: the client's connection waits for a request.
func New(env *Env, peer Peer) *Exchange {
	return &Exchange{env: env, req: &request{peer: peer}}
}

// at is a moment as an offset from the Record's start.
func (x *Exchange) at(now time.Time) time.Duration { return now.Sub(x.start) }

// Underway says whether the request's head is complete and the exchange not
// over: what a limit of requests in flight counts.
func (x *Exchange) Underway() bool { return x.in != inHead && !x.Done() }

// WantsClient says whether more bytes of the client are part of the exchange.
func (x *Exchange) WantsClient() bool { return !x.Done() && x.in != inEnd }

// NeedsEngine says whether the request can go out and there is no connection.
func (x *Exchange) NeedsEngine() bool {
	return !x.Done() && !x.connected && x.in != inHead && (!x.req.wait || x.in == inEnd)
}

// Spent adds time that was spent on the exchange in our own code.
func (x *Exchange) Spent(d time.Duration) { x.spent += d }

// ClientLeft says that nobody waits for what the engine still sends.
func (x *Exchange) ClientLeft() {
	if x.relay != nil {
		x.relay.ClientLeft()
	}
}

// names are what an engine knows a request and its client by.
type names struct {
	id            string // that the client gave it in its body
	authorization string
}

// Abortion is what an engine has to be told to give the request up: the ids that
// it gave the answer so far, or else the client's own, and the client's
// Authorization. There is none where Env.Names is not set.
func (x *Exchange) Abortion() (ids []string, authorization string) {
	if x.names == nil || x.relay == nil {
		return nil, ""
	}
	if ids = x.relay.AnswerIDs(); len(ids) == 0 && x.names.id != "" {
		ids = []string{x.names.id}
	}
	return ids, x.names.authorization
}

// Fresh says whether the engine must be given a connection that was not idle:
// the request can't be sent twice, or has been already.
func (x *Exchange) Fresh() bool { return x.req == nil || !x.req.replay || x.facts.retries > 0 }

// Connected is told that there is a connection; took is how long making it
// took, where it was made.
func (x *Exchange) Connected(reused bool, took time.Duration) {
	x.connected, x.reused = true, reused
	if !reused {
		x.facts.connect = record.At(took)
	}
}

// ToEngine gives out what is to be written to the engine, valid until the next
// call of Client.
func (x *Exchange) ToEngine() []byte {
	if x.req == nil {
		return nil
	}
	return x.req.take()
}

// Flushed is told that all that ToEngine gave has been written.
func (x *Exchange) Flushed(now time.Time) {
	if x.in == inEnd && !x.facts.sent.Ok() {
		x.facts.sent = record.At(x.at(now))
	}
	x.forget()
}

// ToClient gives out what is to be written to the client, valid until the next
// call of ToClient or Idle: what is added meanwhile goes elsewhere.
func (x *Exchange) ToClient() []byte {
	x.Idle()
	p := x.down
	if x.own {
		x.lent = p
	}
	x.down, x.own = nil, false
	return p
}

// Measure measures what has been passed on as it was. It is to be called once what
// ToClient gave has been written, and before the memory that Engine was given
// becomes another's.
func (x *Exchange) Measure() {
	if x.relay != nil {
		x.relay.Measure()
	}
}

// Idle is told that what ToClient gave is written, and gives its memory back.
// Unlike the other calls it touches nothing that they do.
func (x *Exchange) Idle() {
	if x.lent != nil {
		putBuffer(x.lent)
		x.lent = nil
	}
}

// Tunnel says whether both sides now speak another protocol.
func (x *Exchange) Tunnel() bool { return x.out == inTunnel && !x.Done() }

// Done says whether the exchange is over.
func (x *Exchange) Done() bool { return x.rec != nil }

// KeepClient says whether the client's connection can take another request.
func (x *Exchange) KeepClient() bool {
	return x.Done() && !x.closing && x.in == inEnd && x.out == inEnd
}

// KeepEngine says whether the engine's connection can take another request.
func (x *Exchange) KeepEngine() bool {
	return x.proper && x.keep && !x.spoilt && x.in == inEnd && x.out == inEnd && x.facts.sent.Ok()
}

// Reset says whether the client's connection has to end with a reset: it would
// take a plain close for the end of the answer.
func (x *Exchange) Reset() bool { return x.reset }

// Last makes the answer the last one on the client's connection.
func (x *Exchange) Last() { x.last = true }

// InFlight says how many requests are in flight, this one included.
func (x *Exchange) InFlight(n int) { x.facts.inFlight = int32(min(n, math.MaxInt32)) }

// Unanswered says whether the exchange ended without an answer of the engine's.
func (x *Exchange) Unanswered() bool { return x.away && !x.heard }

// Record is what the exchange was, once it is Done; nil when there was no
// request.
func (x *Exchange) Record() *record.Record {
	if !x.Done() || x.start.IsZero() {
		return nil
	}
	x.rec.InFlight = int(x.facts.inFlight)
	x.rec.Overhead = record.Some(x.spent) // with what was spent after the end was seen
	return x.rec
}
