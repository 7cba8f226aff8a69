package sim

import (
	"errors"
	"time"
)

// stream writes the events of one answer on an absolute schedule: event k is due
// at the admission plus its planned time, however late the one before it was.
type stream struct {
	x     *exchange
	p     *plan
	f     streamer
	fr    framing
	d     *delivery // nil until the head is out
	start time.Time

	plan []emission // all events but the one that framing ends with
	next int        // plan[:next] are told

	events  int          // begun so far
	unsent  []TruthEvent // events in chunk and out, waiting for their write
	notes   []note       // what each of them carries
	chunk   []byte       // events that travel together, not encoded yet
	out     []byte       // what is to be written
	payload []byte
	filled  bool // prefill is over
	garbled bool // the garbage is out
	padded  bool // the big event is out
	noted   bool // the comment is out

	dry  bool // count bytes instead of writing them
	size int
}

// note is what an event adds to the books once written.
type note struct {
	choice, tokens, reasoning int
	finish                    string
}

// step is what the stream does next.
type step int

const (
	goOn step = iota
	stopHere
)

// newStream returns the stream of a request for one, else nil.
func newStream(x *exchange, p *plan) *stream {
	f, ok := p.req.format.(streamer)
	if !ok || !p.req.stream {
		return nil
	}
	return &stream{x: x, p: p, f: f, fr: f.framing(p.req)}
}

// announce sends what leaves before the engine admits the request.
func (s *stream) announce() error {
	if s.fr.head != headAtOnce || s.x.faults.has("content-length") {
		return nil
	}
	if err := s.head(); err != nil {
		return err
	}
	for _, e := range s.fr.prelude {
		s.plan = append(s.plan, e)
		if err := s.emit(e); err != nil {
			return err
		}
		s.next++
	}
	return s.shut()
}

// admitted makes the schedule, now that the request has a slot.
func (s *stream) admitted(at time.Time) error {
	s.start = at
	s.plan = s.f.schedule(s.p)
	if s.x.faults.has("no-done") && s.fr.done == "" {
		s.plan = s.plan[:len(s.plan)-1] // the last event is what ends the stream
	}
	if s.fr.head != headAtSlot {
		return nil
	}
	return s.head()
}

func (s *stream) run() error {
	for ; s.next < len(s.plan); s.next++ {
		e := s.plan[s.next]
		if err := s.await(e); errors.Is(err, errStopped) {
			s.x.bookStop()
			return s.cutShort()
		} else if err != nil {
			return err
		}
		if !s.filled && e.at >= s.p.times[0] && !s.dry {
			s.filled = true
			s.x.prefilled(s.p)
		}
		if err := s.head(); err != nil {
			return err
		}
		if next, err := s.disturb(s.next == len(s.plan)-1); next == stopHere || err != nil {
			return err
		}
		if err := s.emit(e); err != nil {
			return err
		}
	}
	return s.finish(true)
}

func (s *stream) await(e emission) error {
	if s.dry {
		return nil
	}
	return s.x.wait(s.start.Add(e.at))
}

// head writes the response head, if it is not out yet.
func (s *stream) head() (err error) {
	if s.d != nil {
		return nil
	}
	h := head{status: 200, contentType: s.fr.contentType, length: unknownLength, stream: true, headers: s.fr.headers}
	if s.x.faults.has("content-length") && s.plan != nil {
		if h.length, err = s.measure(); err != nil {
			return err
		}
	}
	s.d, err = s.x.deliver(h)
	return err
}

// measure is the length of the whole body, found by a stream that goes nowhere.
func (s *stream) measure() (int, error) {
	d, err := s.x.newDelivery()
	if err != nil {
		return 0, err
	}
	probe := &stream{x: s.x, p: s.p, f: s.f, fr: s.fr, d: d, plan: s.plan, dry: true}
	err = probe.run()
	return probe.size, err
}

// emit sends one event of the schedule.
func (s *stream) emit(e emission) error {
	s.payload = s.f.appendEvent(s.payload[:0], s.p, e)
	return s.send(e, s.note(e))
}

func (s *stream) note(e emission) note {
	if e.from == e.to && !e.last {
		return note{}
	}
	c := &s.p.choices[e.choice]
	n := note{choice: e.choice, tokens: e.to - e.from, reasoning: max(min(e.to, c.reasoning)-e.from, 0)}
	if e.last {
		n.finish = c.finish
	}
	return n
}

// finish ends the stream, well or after an error.
func (s *stream) finish(well bool) error {
	if err := s.head(); err != nil {
		return err
	}
	if s.fr.done != "" && !s.x.faults.has("no-done") && (well || !s.fr.quietError) {
		s.payload = append(s.payload[:0], s.fr.done...)
		if err := s.send(emission{kind: EventDone}, note{}); err != nil {
			return err
		}
	}
	if err := s.shut(); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	end, err := s.d.end()
	if err != nil || len(end) == 0 {
		return err
	}
	if s.dry {
		s.size += len(end)
		return nil
	}
	return s.x.write(end)
}
