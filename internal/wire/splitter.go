package wire

import (
	"bytes"
	"sync"
)

// Event is one server-sent event. Its bytes belong to the Splitter and are
// valid until its next call.
type Event struct {
	Raw   []byte // every byte of it, comments and the blank line included
	Fresh []byte // the end of Raw: what came with this Feed
	Name  []byte // of its last event line, nil where there is none
	Data  []byte // its data lines, joined by \n; empty for an event of comments only
}

// maxEvent bounds the memory of one event. Events with prompt ids, logprobs or
// a whole Responses object reach megabytes; a larger one is passed over by the
// measurement, never by the traffic.
const maxEvent = 8 << 20

// Splitter cuts a stream of server-sent events at their blank lines, in
// whatever pieces the stream arrives (WIRE.md 1.1). Feed it, then call Next of
// what it gives until there is none. The zero value is ready. Lines end with LF,
// CRLF or CR. It keeps only the event that is not yet whole, and between events
// no memory.
type Splitter struct {
	part     *part // nil between events
	Oversize int   // events passed over because of their size
}

// Events are those that one Feed made whole.
type Events struct {
	splitter *Splitter
	b        []byte // the event that was begun before, and what was fed
	from     int    // where in b the fed bytes begin
	start    int    // of the event in hand, in b
	outline
}

// outline is how far an event has been looked through, and what was found.
type outline struct {
	line  int  // where its unfinished line starts
	seen  int  // no line ends before this
	name  span // of its event line
	data  span // of its data line
	lines int  // how many data lines it has
	skip  bool // it outgrew maxEvent: nothing of it is kept
}

// part is an event begun and not yet ended.
type part struct {
	b     []byte
	fresh int // how many bytes of the last Feed it has
	outline
}

var parts = sync.Pool{New: func() any { return new(part) }}

type span struct{ from, to int }

func (p span) of(b []byte) []byte {
	if p.to == 0 {
		return nil
	}
	return b[p.from:p.to]
}

// Feed takes the next bytes. They are not kept beyond the Next that finds no
// event.
func (s *Splitter) Feed(p []byte) (events Events) {
	events.splitter, events.b = s, p
	if s.part != nil {
		s.resume(&events)
	}
	return events
}

// resume puts what was begun before in front of what was fed.
func (s *Splitter) resume(events *Events) {
	events.from, events.outline = len(s.part.b), s.part.outline
	s.part.b = append(s.part.b, events.b...)
	events.b = s.part.b
}

// Next puts the next event that is whole into e, not ok when there is none.
func (s *Events) Next(e *Event) (ok bool) {
	b := s.b
	for {
		end, next := lineEnd(b, s.seen)
		if end < 0 {
			s.keep()
			return false
		}
		if end == s.line { // a blank line ends the event
			s.cut(e, next)
			return true
		}
		s.field(b, s.line, end)
		s.line, s.seen = next, next
	}
}

// field notes what the line b[from:to] is of the event.
func (s *Events) field(b []byte, from, to int) {
	if to-from < 5 {
		return
	}
	switch line := b[from:to]; {
	case string(line[:5]) == "data:":
		s.lines++
		s.data = valueOf(b, from+5, to)
	case len(line) >= 6 && string(line[:6]) == "event:":
		s.name = valueOf(b, from+6, to)
	}
}

// valueOf is what follows a field's colon and at most one space.
func valueOf(b []byte, from, to int) span {
	if from < to && b[from] == ' ' {
		from++
	}
	return span{from, to}
}

// cut is the event that ends at next.
func (s *Events) cut(e *Event, next int) {
	b := s.b
	e.Raw, e.Fresh, e.Name, e.Data = b[s.start:next], b[max(s.start, s.from):next], nil, nil
	switch {
	case s.skip:
		s.skip = false
		s.splitter.Oversize++
	case s.lines > 1:
		e.Name, e.Data = s.name.of(b), join(e.Raw)
	default: // one line, as every engine sends, is not copied
		e.Name, e.Data = s.name.of(b), s.data.of(b)
	}
	s.start, s.line, s.seen = next, next, next
	s.name, s.data, s.lines = span{}, span{}, 0
}

// join is the event's data lines in one.
func join(raw []byte) (joined []byte) {
	for pos := 0; pos < len(raw); {
		end, next := lineEnd(raw, pos)
		if end < 0 { // a CR that ends the event
			end, next = len(raw)-1, len(raw)
		}
		if line := raw[pos:end]; bytes.HasPrefix(line, dataPrefix) {
			joined = append(append(joined, valueOf(line, len(dataPrefix), len(line)).of(line)...), '\n')
		}
		pos = next
	}
	return joined[:len(joined)-1]
}

var dataPrefix = []byte("data:")

// keep holds the unfinished event until more of it comes.
func (s *Events) keep() {
	rest, line := s.b[s.start:], s.line-s.start
	if len(rest) == 0 && !s.skip {
		s.splitter.drop()
		return
	}
	kept := s.splitter.part
	if kept == nil {
		kept = parts.Get().(*part)
		s.splitter.part = kept
	}
	kept.fresh = len(s.b) - max(s.start, s.from)
	if len(rest) > maxEvent {
		// Only the unfinished line is needed to find the event's end.
		s.skip = true
		rest, line = rest[line:], 0
		if len(rest) > maxEvent {
			rest = rest[len(rest)-1:]
			if rest[0] != '\r' {
				rest = oneByte
			}
		}
	}
	kept.b = lighten(append(kept.b[:0], rest...)) // of which it may be the end
	kept.outline = outline{
		line: line, seen: len(kept.b), lines: s.lines, skip: s.skip,
		name: s.name.back(s.start), data: s.data.back(s.start),
	}
	if n := len(kept.b); n > 0 && kept.b[n-1] == '\r' {
		kept.seen = n - 1 // whether it ends a line alone or with an LF is not known yet
	}
}

// maxPooled is the largest buffer of an unfinished event that the next one gets.
const maxPooled = 64 << 10

// drop gives up the memory of an event that has ended.
func (s *Splitter) drop() {
	if s.part == nil {
		return
	}
	if cap(s.part.b) <= maxPooled {
		*s.part = part{b: s.part.b[:0]}
		parts.Put(s.part)
	}
	s.part = nil
}

// lighten gives back memory that one large event or read took, so that it does
// not cost it for the rest of the stream.
func lighten(b []byte) []byte {
	if cap(b) <= 8<<10 || len(b) >= cap(b)/8 {
		return b
	}
	return append([]byte(nil), b...)
}

// back is where the span is once n bytes in front of it are gone.
func (p span) back(n int) span {
	if p.to == 0 {
		return p
	}
	return span{p.from - n, p.to - n}
}

// oneByte stands for the start of a line too long to keep.
var oneByte = []byte{'x'}

// Partial is the event that has begun and not yet ended, valid until the next
// Feed, and how many bytes at the end of the last Feed belong to it.
func (s *Splitter) Partial() (part []byte, fresh int) {
	if s.part == nil {
		return nil, 0
	}
	return s.part.b, s.part.fresh
}

// skips says whether the event that has begun outgrew what is kept of it.
func (s *Splitter) skips() bool { return s.part != nil && s.part.skip }

// lineEnd finds the first line terminator at or after from: end is where it
// starts and next where the following line does. A CR that is the last byte
// may yet be followed by its LF, so it ends no line. Not found: end < 0.
func lineEnd(b []byte, from int) (end, next int) {
	rest := b[from:]
	lf := bytes.IndexByte(rest, '\n')
	if lf == 0 {
		return from, from + 1
	}
	if lf > 0 {
		rest = rest[:lf]
	}
	if cr := bytes.IndexByte(rest, '\r'); cr >= 0 {
		switch {
		case from+cr+1 == len(b):
			return -1, -1
		case cr+1 == lf:
			return from + cr, from + lf + 1
		default:
			return from + cr, from + cr + 1
		}
	}
	if lf < 0 {
		return -1, -1
	}
	return from + lf, from + lf + 1
}
