package exchange

import (
	"time"

	"tokenomics/internal/record"
)

// answerBody takes bytes of the answer's body: what comes of them goes on in
// the same call, measured.
func (x *Exchange) answerBody(now time.Time, p []byte) (used int) {
	at := x.at(now)
	var fault error
	for used < len(p) && !x.abody.Done() && fault == nil {
		n, data, err := x.abody.Next(p[used:])
		used, fault = used+n, err
		if len(data) > 0 {
			x.pass(x.relay.Feed(at, data))
		}
	}
	switch x.mode {
	case raw:
		x.emitOwn(p[:used])
	case cut, cutEnd, sized:
		x.relay.Idle() // pass has copied
	}
	switch {
	case fault != nil:
		x.broken(now, "an answer with a broken body: "+fault.Error())
		return len(p)
	case x.abody.Done():
		x.answerEnd(now)
	}
	return used
}

// pass sends on what the relay gives of the body.
func (x *Exchange) pass(data []byte) {
	if len(data) == 0 {
		return
	}
	switch x.mode {
	case plain:
		x.emitOwn(data)
	case cut:
		x.copied(appendChunk(x.toCopy(), data))
	case cutEnd:
		x.emit(data)
	case sized:
		x.kept.body = append(x.kept.body, data...)
	}
}

// answerEnd is where the answer's body has ended as its framing says.
func (x *Exchange) answerEnd(now time.Time) {
	x.pass(x.relay.Rest())
	x.out = inEnd
	switch x.mode {
	case cut:
		x.copied(appendLastChunk(x.toCopy(), x.abody.Trailers()))
	case sized:
		x.emit(x.kept.whole())
		x.began = true
		x.kept = nil
	}
	x.finish(now, record.Complete, "", "")
}
