package exchange

import (
	"time"

	"tokenomics/internal/http1"
	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// Exchange is one request and its answer. Make it with New.
type Exchange struct {
	env    *Env
	peer   Peer
	born   time.Time
	start  time.Time // the request's head was complete
	rec    record.Record
	relay  *wire.Relay   // from when the request is known
	spent  time.Duration // in our own code
	method []byte
	minor  int // of the client's HTTP/1.Minor

	// The request.
	in       phase
	head     []byte // what has come of the head
	scan     http1.Scan
	empty    int // lines in front of it
	body     http1.Body
	hold     bool   // the body is read whole, because something may be asked for
	wait     bool   // nothing goes out before the request is whole
	held     int64  // bytes counted as held
	whole    []byte // the body, so far, where it is held or read along
	raw      []byte // the same with its framing, where that is chunked
	along    bool   // the body is read as it streams
	chunked  bool
	lengthAt span   // where in up the digits of Content-Length are
	key      string // the client's Authorization, where it is kept
	upgrade  bool   // the client asked to change protocols
	last     bool   // the client means to send no more requests

	// To the engine.
	up        []byte
	taken     int  // how much of up has been given out
	replay    bool // up holds the whole request
	asked     bool // for what the client did not ask
	connected bool
	reused    bool // the connection has carried a request before
	heard     bool // the engine has sent a byte

	// The answer.
	out      phase
	ahead    []byte // what has come of the head
	ascan    http1.Scan
	abody    http1.Body
	mode     mode
	interim  int    // interim answers so far
	keep     bool   // the engine keeps the connection
	closing  bool   // the client's connection ends with this answer
	began    bool   // the client has been sent a byte of the final answer
	reset    bool   // only a reset tells the client that the answer is not whole
	spoilt   bool   // the engine's connection is no good
	answer   []byte // a stripped answer that is to get a length
	delayed  []byte // its head
	answerAt span   // where in delayed the digits of Content-Length are

	// To the client.
	down      []byte // what the next ToClient gives
	scratch   []byte // memory of our own for it
	inScratch bool   // down lies there, and not in the engine's own bytes
	lent      []byte // what of it ToClient gave out, which may still be being written

	done bool
	how  record.Outcome
}

// phase is how far one half of an exchange has come.
type phase int

const (
	inHead phase = iota
	inBody
	inTunnel // bytes of another protocol
	inEnd
)

type span struct{ from, to int }

// New begins an exchange: the client's connection waits for a request.
func New(env *Env, peer Peer, now time.Time) *Exchange {
	return &Exchange{env: env, peer: peer, born: now}
}

// at is a moment as an offset from the Record's start.
func (x *Exchange) at(now time.Time) time.Duration { return now.Sub(x.start) }

// Underway says whether the request's head is complete and the exchange not
// over: what a limit of requests in flight counts.
func (x *Exchange) Underway() bool { return x.in != inHead && !x.done }

// WantsClient says whether more bytes of the client are part of the exchange.
func (x *Exchange) WantsClient() bool { return !x.done && x.in != inEnd }

// NeedsEngine says whether the request can go out and there is no connection.
func (x *Exchange) NeedsEngine() bool {
	return !x.done && !x.connected && x.in != inHead && (!x.wait || x.in == inEnd)
}

// Spent adds time that was spent on the exchange in our own code.
func (x *Exchange) Spent(d time.Duration) { x.spent += d }

// ClientLeft says that nobody waits for what the engine still sends.
func (x *Exchange) ClientLeft() {
	if x.relay != nil {
		x.relay.ClientLeft()
	}
}

// Abortion is what an engine has to be told to give the request up: the ids that
// it gave the answer so far, and the client's Authorization.
func (x *Exchange) Abortion() (ids []string, authorization string) {
	if x.relay != nil {
		ids = x.relay.AnswerIDs()
	}
	return ids, x.key
}

// Fresh says whether the engine must be given a connection that was not idle:
// the request can't be sent twice, or has been already.
func (x *Exchange) Fresh() bool { return !x.replay || x.rec.Retries > 0 }

// Connected is told that there is a connection; took is how long making it
// took, where it was made.
func (x *Exchange) Connected(reused bool, took time.Duration) {
	x.connected, x.reused = true, reused
	if !reused {
		x.rec.Connect = record.Some(took)
	}
}

// ToEngine gives out what is to be written to the engine, valid until the next
// call of Client.
func (x *Exchange) ToEngine() []byte {
	p := x.up[x.taken:]
	x.taken = len(x.up)
	return p
}

// Flushed is told that all that ToEngine gave has been written.
func (x *Exchange) Flushed(now time.Time) {
	if x.in == inEnd && !x.rec.Sent.Ok() {
		x.rec.Sent = record.Some(x.at(now))
	}
}

// ToClient gives out what is to be written to the client, valid until the next
// call of ToClient or Idle: what is added meanwhile goes elsewhere.
func (x *Exchange) ToClient() []byte {
	x.Idle()
	p := x.down
	if x.inScratch {
		x.lent, x.scratch = x.scratch, nil
	}
	x.down, x.inScratch = nil, false
	return p
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
func (x *Exchange) Tunnel() bool { return x.out == inTunnel && !x.done }

// Done says whether the exchange is over.
func (x *Exchange) Done() bool { return x.done }

// KeepClient says whether the client's connection can take another request.
func (x *Exchange) KeepClient() bool { return x.done && !x.closing && x.in == inEnd && x.out == inEnd }

// KeepEngine says whether the engine's connection can take another request.
func (x *Exchange) KeepEngine() bool {
	return x.done && x.keep && !x.spoilt && x.in == inEnd && x.out == inEnd && x.how == record.Complete && x.rec.Sent.Ok()
}

// Reset says whether the client's connection has to end with a reset: it would
// take a plain close for the end of the answer.
func (x *Exchange) Reset() bool { return x.reset }

// Last makes the answer the last one on the client's connection.
func (x *Exchange) Last() { x.last = true }

// InFlight says how many requests are in flight, this one included.
func (x *Exchange) InFlight(n int) { x.rec.InFlight = n }

// Unanswered says whether the exchange ended without an answer of the engine's.
func (x *Exchange) Unanswered() bool { return x.done && x.how == record.Unreachable && !x.heard }

// Record is what the exchange was, once it is Done; nil when there was no
// request.
func (x *Exchange) Record() *record.Record {
	if !x.done || x.start.IsZero() {
		return nil
	}
	x.rec.Overhead = record.Some(x.spent) // with what was spent after the end was seen
	return &x.rec
}
