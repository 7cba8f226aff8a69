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
	same := stretch{x: x, p: p}
	for used < len(p) && !x.abody.Done() && fault == nil {
		n, data, whole, err := x.abody.Chunk(p[used:])
		if len(data) > 0 {
			out := x.relay.Feed(at, data)
			if x.mode != cut || len(whole) == 0 || !is(out, data) {
				same.end()
				x.pass(out)
			} else {
				same.add(used+n+len("\r\n"), len(whole))
			}
		}
		used, fault = used+n, err
	}
	same.end()
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

// stretch is a part of what was read that goes on as it came: chunks of which
// nothing is removed.
type stretch struct {
	x        *Exchange
	p        []byte
	from, to int
}

// add adds the n bytes up to to.
func (s *stretch) add(to, n int) {
	if to-n != s.to {
		s.end()
		s.from = to - n
	}
	s.to = to
}

// end sends it on.
func (s *stretch) end() {
	if s.to > s.from {
		s.x.emitOwn(s.p[s.from:s.to])
	}
	s.from = s.to
}

// is says whether a and b are the same memory.
func is(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

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
