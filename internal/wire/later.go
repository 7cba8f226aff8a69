package wire

import (
	"bytes"
	"sync"
	"time"
)

// later is what has been passed on and is not measured yet: the client has its
// token before we look at it.
type later struct {
	at time.Duration
	p  []byte
}

var laters = sync.Pool{New: func() any { return new(later) }}

// put off has p measured later, which is when Measure is called, or when something
// asks for what it says.
func (r *Relay) putOff(at time.Duration, p []byte) {
	r.later = laters.Get().(*later)
	r.later.at, r.later.p = at, p
}

// Measure measures what was put off. It is to be called before the memory that
// Feed was given becomes another's.
func (r *Relay) Measure() {
	l := r.later
	if l == nil {
		return
	}
	r.later = nil
	defer func() {
		if recover() != nil {
			r.breakOff(nil)
		}
	}()
	r.Observer.Feed(l.at, l.p)
	l.p = nil
	laters.Put(l)
}

// plain says whether nothing of p is to be removed or held back, whatever it
// says: whole events, without usage, that end no choice.
func (r *Relay) plain(p []byte) bool {
	return r.split.part == nil && bytes.HasSuffix(p, []byte(eventEnd)) && !bytes.Contains(p, usageKey) && !bytes.Contains(p, finishKey)
}

var usageKey = []byte(`"usage"`)

// ClientLeft is Observer.ClientLeft: what came before has reached the client.
func (r *Relay) ClientLeft() {
	r.Measure()
	r.Observer.ClientLeft()
}

// AnswerIDs is Observer.AnswerIDs.
func (r *Relay) AnswerIDs() []string {
	r.Measure()
	return r.Observer.AnswerIDs()
}
