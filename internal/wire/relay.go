package wire

import (
	"time"

	"tokenomics/internal/record"
)

// Relay is an Observer that also removes what was asked of the engine and not
// by the client. Use it from one goroutine at a time.
type Relay struct {
	Observer
	print *Fingerprint
	moved *moved // what was known when the answer began
	later *later // nil while all is measured
	back  *back  // nil while nothing is held back and what Feed gave is not in it
	strip Strip
	begun bool // the start of the unfinished event has been passed on

	broken bool // a panic in measuring code: bytes only from here on
	forced bool // the engine sends usage on its own account
}

// NewRelay observes the answer to a request whose body Edit has changed so
// that strip has to be removed. print is shared by all answers of an engine;
// nil is fine where nothing is removed.
func NewRelay(cfg Config, strip Strip, print *Fingerprint) *Relay {
	if print == nil {
		print = new(Fingerprint)
	}
	r := &Relay{strip: strip, print: print, moved: print.known()}
	r.Observer.init(cfg)
	return r
}

// Feed returns what the client is to be sent now of p: p itself where nothing is
// removed. The result is valid until the next call, or Idle. What is passed on as
// it is is measured afterwards: p has to stay as it is until Measure.
func (r *Relay) Feed(at time.Duration, p []byte) (out []byte) {
	if r.broken {
		return p
	}
	defer func() {
		if recover() != nil {
			out = r.breakOff(p)
		}
	}()
	r.Measure()
	strips := r.Strips() && !r.forced
	switch {
	case r.broken || len(p) == 0:
		return p
	case strips && (r.begun || !r.back.empty()):
		return r.cut(at, p)
	case r.again(at, p):
		return r.flush(p)
	case !strips, !r.strip.PerEvent && r.plain(p): // every event has the usage that was asked for per event
		r.putOff(at, p)
		return r.flush(p)
	}
	return r.cut(at, p)
}

// Head is Observer.Head, which must not take the exchange with it.
func (r *Relay) Head(at time.Duration, h AnswerHead) {
	defer func() {
		if recover() != nil {
			r.breakOff(nil)
		}
	}()
	r.Observer.Head(at, h)
	if h.Status != 200 {
		r.strip = Strip{} // only a stream that went well has what we asked for
	}
}

// Strips says whether something may be removed from this answer, so that its
// length is not known beforehand.
func (r *Relay) Strips() bool { return r.strip.Any() && r.format == sse && !r.encoded }

// KeepAll leaves in the answer what was asked for. It is for before the first
// byte of the body.
func (r *Relay) KeepAll() { r.strip = Strip{} }

// Encoded says whether the answer came encoded: what was asked for can't be
// taken out of it.
func (r *Relay) Encoded() bool { return r.encoded }

// breakOff ends the measuring and lets the traffic go on.
func (r *Relay) breakOff(p []byte) []byte {
	r.broken = true
	r.warn("measuring failed: figures are incomplete")
	if r.cfg.Live != nil {
		r.cfg.Live.Panics.Add(1)
	}
	return r.flush(p)
}

// flush passes on what is held back, and then p.
func (r *Relay) flush(p []byte) []byte {
	b := r.back
	if b.empty() {
		return p
	}
	b.out = append(append(append(b.out[:0], b.waiting...), b.held...), p...)
	b.waiting, b.held = b.waiting[:0], b.held[:0]
	return b.out
}

// Idle is told that what Feed gave is no longer needed: between events, an answer
// that waits for its engine then holds no memory for what it removes.
func (r *Relay) Idle() {
	if r.back != nil && r.back.empty() {
		r.back.free()
		r.back = nil
	}
}

// Rest is what is still held back when no more of the body will come: the
// client is to have it as well.
func (r *Relay) Rest() []byte { return r.flush(nil) }

// End is Observer.End, which must not take the exchange with it.
func (r *Relay) End(at time.Duration, how record.Outcome, rec *record.Record) {
	defer func() {
		if recover() != nil {
			r.breakOff(nil)
			rec.Outcome = how
			rec.Warn("measuring failed: figures are incomplete")
		}
	}()
	r.Measure()
	r.Observer.End(at, how, rec)
	g, ok := r.stream.grammar.(*openAI)
	// Transcriptions have the same grammar, and no fingerprints to learn from.
	if q := r.cfg.Query; ok && Injectable(q.Method, q.Path) && rec.Outcome == record.Complete && !r.encoded && !r.strip.Any() {
		r.print.learn(g.marks.moves())
	}
}
