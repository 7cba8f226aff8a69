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
	if x.mode == raw {
		x.emitOwn(p[:used])
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
		x.gathered.body = append(x.gathered.body, data...)
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
		x.emit(x.gathered.whole())
		x.began = true
		x.gathered = nil
	}
	x.finish(now, record.Complete, "", "")
}
