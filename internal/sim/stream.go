package sim

import (
	"bytes"
	"strconv"
	"time"
)

// stream writes the events of one answer on an absolute schedule: event k is due
// at the admission plus its planned time, however late the one before it was.
type stream struct {
	x     *exchange
	p     *plan
	start time.Time

	events  int          // begun so far
	unsent  []TruthEvent // events in out, waiting for its write
	notes   []note       // what each of them carries
	out     []byte       // framed bytes to write
	payload []byte
	garbled bool // the garbage is out
	padded  bool // the big event is out
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

func (s *stream) run() error {
	x := s.x
	prefilled := false
	plan := x.s.dialect.schedule(s.p)
	for i, e := range plan {
		if err := x.wait(s.start.Add(e.at)); err != nil {
			return err
		}
		if !prefilled {
			prefilled = true
			x.prefilled(s.p)
			if err := s.head(); err != nil {
				return err
			}
		}
		if next, err := s.disturb(i == len(plan)-1); next == stopHere || err != nil {
			return err
		}
		s.payload = x.s.dialect.appendEvent(s.payload[:0], s.p, e)
		if err := s.send(e.kind, s.note(e), e.choice); err != nil {
			return err
		}
	}
	return s.finish()
}

// head writes the response head of a dialect that sends it with the first event.
func (s *stream) head() error {
	if s.x.truth.HeadNS != 0 {
		return nil
	}
	return s.x.writeHead(200, typeSSE, chunkedLength)
}

func (s *stream) note(e emission) note {
	if e.kind != EventToken && e.kind != EventFinish {
		return note{}
	}
	c := &s.p.choices[e.choice]
	n := note{choice: e.choice, tokens: e.to - e.from, reasoning: max(min(e.to, c.reasoning)-e.from, 0)}
	if e.last {
		n.finish = c.finish
	}
	return n
}

// disturb applies the faults that are due before the next event. The last event
// is late enough for all of them.
func (s *stream) disturb(last bool) (step, error) {
	due := func(name string) bool {
		f, ok := s.x.faults.get(name)
		return ok && (s.events >= f.N || last)
	}
	if due("cut") || due("reset") {
		err := s.flush()
		s.x.breakOff(due("reset"))
		return stopHere, err
	}
	if due("error-event") {
		s.x.truth.Outcome = TruthBroken
		return stopHere, s.fail(simulatedFailure())
	}
	if due("garbage") && !s.garbled {
		s.garbled = true
		s.payload = append(s.payload[:0], `{"simulated garbage": [`...)
		return goOn, s.send(EventBroken, note{}, 0)
	}
	return goOn, nil
}

// fail tells an error inside the stream and ends it.
func (s *stream) fail(e *apiError) error {
	if err := s.head(); err != nil {
		return err
	}
	s.payload = s.x.s.dialect.appendStreamError(s.payload[:0], e)
	if err := s.send(EventError, note{}, 0); err != nil {
		return err
	}
	return s.finish()
}

func (s *stream) finish() error {
	if !s.x.faults.has("no-done") {
		s.payload = append(s.payload[:0], "[DONE]"...)
		if err := s.send(EventDone, note{}, 0); err != nil {
			return err
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	if s.x.http11 {
		return s.x.write([]byte("0\r\n\r\n"))
	}
	return nil
}

// send frames s.payload as an event and writes it, unless it is to wait for others.
func (s *stream) send(kind EventKind, n note, choice int) error {
	eol := "\n"
	if s.x.faults.has("crlf") {
		eol = "\r\n"
	}
	if f, ok := s.x.faults.get("big-event"); ok && kind == EventToken && !s.padded {
		s.pad(f.N)
	}
	size := len("data: ") + len(s.payload) + 2*len(eol)
	s.unsent = append(s.unsent, TruthEvent{Kind: kind, Choice: choice, Tokens: n.tokens, Bytes: size})
	s.notes = append(s.notes, n)
	s.events++
	if f, ok := s.x.faults.get("split"); ok {
		return s.sendSplit(append(append([]byte("data: "), s.payload...), eol+eol...), f.N)
	}
	s.open(size)
	s.out = append(s.out, "data: "...)
	s.out = append(s.out, s.payload...)
	s.out = append(append(s.out, eol...), eol...)
	s.shut()
	if f, ok := s.x.faults.get("coalesce"); ok && len(s.unsent) < f.N {
		return nil
	}
	return s.flush()
}

// pad grows the first token event to n bytes with a key of its own.
func (s *stream) pad(n int) {
	s.padded = true
	fill := max(n-len(s.payload)-len(`,"padding":""`), 0)
	s.payload = append(s.payload[:len(s.payload)-1], `,"padding":"`...)
	s.payload = append(s.payload, bytes.Repeat([]byte{'x'}, fill)...)
	s.payload = append(s.payload, `"}`...)
}

func (s *stream) open(size int) {
	if s.x.http11 {
		s.out = strconv.AppendInt(s.out, int64(size), 16)
		s.out = append(s.out, "\r\n"...)
	}
}

func (s *stream) shut() {
	if s.x.http11 {
		s.out = append(s.out, "\r\n"...)
	}
}

// sendSplit writes an event in pieces of n bytes, a chunk and a write each.
func (s *stream) sendSplit(event []byte, n int) error {
	for len(event) > 0 {
		k := min(n, len(event))
		s.out = s.out[:0]
		s.open(k)
		s.out = append(s.out, event[:k]...)
		s.shut()
		if event = event[k:]; len(event) == 0 {
			return s.flush()
		}
		if err := s.x.write(s.out); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what is framed and books its events at the moment that returns.
func (s *stream) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	if err := s.x.write(s.out); err != nil {
		return err
	}
	t := &s.x.truth
	at := s.x.since(s.x.s.now())
	for i, e := range s.unsent {
		e.AtNS = at
		t.Events = append(t.Events, e)
		n := s.notes[i]
		t.CompletionTokens += n.tokens
		t.ReasoningTokens += n.reasoning
		if n.tokens > 0 || n.finish != "" {
			t.Choices[n.choice].CompletionTokens += n.tokens
		}
		if n.finish != "" {
			t.Choices[n.choice].FinishReason = n.finish
		}
		s.x.s.generated.Add(uint64(n.tokens))
	}
	s.unsent, s.notes, s.out = s.unsent[:0], s.notes[:0], s.out[:0]
	return nil
}
