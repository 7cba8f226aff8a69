package exchange

import (
	"errors"
	"io"
	"time"

	"tokenomics/internal/http1"
	"tokenomics/internal/record"
)

// replayWithin is how soon after it was sent a request must fail for its
// connection to have been dead before. An engine that fails later may have
// worked on it.
const replayWithin = time.Second

// EngineEnd is told that the engine's connection has ended: err is io.EOF for
// a proper end, else what reading or writing it failed with. It says whether
// the request is to be sent again, on a fresh connection: only where the one it
// had was idle before, gave no byte of an answer, and died at once.
func (x *Exchange) EngineEnd(now time.Time, err error) (again bool) {
	switch {
	case x.Done():
		return false
	case x.out == inHead && x.canReplay(now):
		x.facts.retries++
		x.facts.sent = 0
		x.connected, x.req.taken = false, 0
		return true
	case x.out == inHead:
		x.refuse(now, 502, "upstream_unreachable", "the engine at "+x.env.Addr+" closed the connection without an answer", record.Unreachable)
	case x.out == inTunnel:
		x.finish(now, record.Complete, "", "")
	case errors.Is(err, io.EOF) && x.untilClose():
		x.answerEnd(now)
	default:
		x.broken(now, "")
	}
	return false
}

// mayReplay says whether there is a case in which the request is sent again.
func (x *Exchange) mayReplay() bool {
	return x.req != nil && x.req.replay && x.reused && x.facts.retries == 0
}

func (x *Exchange) canReplay(now time.Time) bool {
	if x.heard || !x.mayReplay() {
		return false
	}
	sent, ok := x.facts.sent.Offset().Get()
	return !ok || x.at(now)-sent < replayWithin
}

// untilClose says whether the end of the engine's connection is the proper end
// of its answer.
func (x *Exchange) untilClose() bool { return x.abody.UntilClose() }

// Unreachable is told that there is no connection to the engine, and why.
func (x *Exchange) Unreachable(now time.Time, err error) {
	if !x.Done() {
		x.refuse(now, 502, "upstream_unreachable", err.Error(), record.Unreachable)
	}
}

// Abort ends the exchange from outside: the client is gone (ClientAbort), or
// time is up (Timeout). The client gets nothing more.
func (x *Exchange) Abort(now time.Time, how record.Outcome, why string) {
	if x.Done() {
		return
	}
	if x.out == inTunnel && how == record.ClientAbort {
		how = record.Complete // who ends a tunnel is of no matter
	}
	x.closing, x.spoilt = true, true
	x.finish(now, how, why, "")
}

// broken is for an answer that ends in the middle: the client has what came of
// it, and sees that it is not all.
func (x *Exchange) broken(now time.Time, why string) {
	if x.mode == sized {
		x.refuse(now, 502, "upstream_unreachable", "the engine at "+x.env.Addr+" broke off its answer", record.Truncated)
		return
	}
	if x.relay != nil {
		x.pass(x.relay.Rest())
	}
	x.closing, x.spoilt = true, true
	x.reset = x.mode != cut && (x.untilClose() || x.mode == plain)
	x.finish(now, record.Truncated, why, "")
}

// badAnswer is for an engine that does not answer in HTTP.
func (x *Exchange) badAnswer(now time.Time, what string) {
	x.spoilt = true
	x.refuse(now, 502, "bad_upstream_answer", "the engine at "+x.env.Addr+" "+what, record.Unreachable)
}

// malformed is for a request that is refused before anything of it has gone on.
func (x *Exchange) malformed(now time.Time, err error) {
	status := 400
	var f *http1.Fault
	if errors.As(err, &f) {
		status = f.Status
	}
	x.last = true
	x.refuse(now, status, "invalid_request_error", "the request was refused: "+err.Error(), record.Error)
}

// badBody is for a request whose body turns out malformed. The engine, if it
// has the head already, never gets the end of it.
func (x *Exchange) badBody(now time.Time, err error) {
	if !x.began {
		x.malformed(now, err)
		return
	}
	x.closing, x.spoilt = true, true
	x.reset = x.untilClose() || x.mode == plain
	x.finish(now, record.Error, "the request's body was refused: "+err.Error(), "invalid_request_error")
}

// Refuse answers a request, of which the head has come, with an error of our
// own, such as a full house.
func (x *Exchange) Refuse(now time.Time, status int, kind, message string) {
	if !x.Done() {
		x.refuse(now, status, kind, message, record.Error)
	}
}

// HeadTimeout is told that the request's head takes too long. A client that
// has sent nothing has asked nothing.
func (x *Exchange) HeadTimeout(now time.Time) {
	if x.Done() || x.in != inHead || len(x.req.head) == 0 {
		return
	}
	x.start = x.req.born
	x.malformed(now, &http1.Fault{Status: 408, What: "its head took too long to arrive"})
}

// HeadCut is told that the client left before its head was complete.
func (x *Exchange) HeadCut(now time.Time) {
	if x.Done() || x.in != inHead || len(x.req.head) == 0 {
		return
	}
	x.start = x.req.born
	x.finish(now, record.ClientAbort, "", "")
}

// finish makes the Record. why and kind, where there is something to say, are
// its error.
func (x *Exchange) finish(now time.Time, how record.Outcome, why, kind string) {
	if x.Done() {
		return
	}
	x.letGo()
	x.proper, x.away = how == record.Complete, how == record.Unreachable
	x.rec = x.record()
	if x.relay != nil {
		x.relay.End(x.at(now), how, x.rec)
	} else {
		x.rec.Method, x.rec.Path = x.req.method, x.req.path
		x.rec.Outcome, x.rec.End = how, record.Some(x.at(now))
	}
	x.rec.ResponseBytes += x.tunnelled
	if why != "" {
		x.rec.Error = why
	}
	if kind != "" {
		x.rec.ErrorType = kind
	}
}

// Release gives back the memory, once everything has been written.
func (x *Exchange) Release() {
	if x.req != nil {
		x.req.release()
	}
	if x.own {
		putBuffer(x.down)
	}
	x.Idle()
	x.down, x.own, x.kept = nil, false, nil
}
