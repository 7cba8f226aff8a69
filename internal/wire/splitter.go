package wire

import "bytes"

// Event is one server-sent event. Its bytes belong to the Splitter and are
// valid until the call that hands it over returns.
type Event struct {
	Raw   []byte // every byte of it, comments and the blank line included
	Fresh []byte // the end of Raw: what came with this Feed
	Data  []byte // its data lines, joined by \n; empty for an event of comments only
}

// maxEvent bounds the memory of one event. Events with prompt ids, logprobs or
// a whole Responses object reach megabytes; a larger one is passed over by the
// measurement, never by the traffic.
const maxEvent = 8 << 20

// Splitter cuts a stream of server-sent events at their blank lines, in
// whatever pieces the stream arrives (WIRE.md 1.1). The zero value is ready.
// Lines end with LF, CRLF or CR. It keeps only the event that is not yet whole.
type Splitter struct {
	part     []byte // the event begun, not yet ended
	line     int    // where its unfinished line starts
	seen     int    // no line ends before this
	fresh    int    // how many bytes of the last Feed it has
	skip     bool   // it outgrew maxEvent: nothing of it is kept
	joined   []byte // scratch for data of several lines
	Oversize int    // events passed over because of their size
}

// Feed takes the next bytes and calls emit for each event that they complete.
func (s *Splitter) Feed(p []byte, emit func(Event)) {
	b, owned := p, false
	if len(s.part) > 0 {
		s.part = append(s.part, p...)
		b, owned = s.part, true
	}
	fresh := len(b) - len(p)
	start, line, seen := 0, s.line, s.seen
	for {
		end, next := lineEnd(b, seen)
		if end < 0 {
			break
		}
		if end == line { // a blank line ends the event
			s.emit(Event{Raw: b[start:next], Fresh: b[max(start, fresh):next]}, emit)
			start = next
		}
		line, seen = next, next
	}
	s.fresh = len(b) - max(start, fresh)
	s.keep(b[start:], line-start, owned)
}

// keep holds the unfinished event until more of it comes.
func (s *Splitter) keep(rest []byte, line int, owned bool) {
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
	if owned {
		s.part = s.part[:copy(s.part, rest)]
	} else {
		s.part = append(s.part[:0], rest...)
	}
	if cap(s.part) > 64<<10 && len(s.part) < 4<<10 {
		s.part = append([]byte(nil), s.part...) // one large event must not cost its memory for the rest of the stream
	}
	s.line, s.seen = line, len(s.part)
	if n := len(s.part); n > 0 && s.part[n-1] == '\r' {
		s.seen = n - 1 // whether it ends a line alone or with an LF is not known yet
	}
}

// oneByte stands for the start of a line too long to keep.
var oneByte = []byte{'x'}

// Partial is the event that has begun and not yet ended, valid until the next
// Feed, and how many bytes at the end of the last Feed belong to it.
func (s *Splitter) Partial() (part []byte, fresh int) { return s.part, s.fresh }

func (s *Splitter) emit(e Event, emit func(Event)) {
	if s.skip {
		s.skip = false
		s.Oversize++
	} else {
		e.Data = s.data(e.Raw)
	}
	emit(e)
}

// data joins the event's data lines. One line, as every engine sends, is not
// copied.
func (s *Splitter) data(raw []byte) []byte {
	var data []byte
	lines := 0
	for pos := 0; pos < len(raw); {
		end, next := lineEnd(raw, pos)
		if end < 0 {
			end, next = len(raw), len(raw)
		}
		if v, ok := dataValue(raw[pos:end]); ok {
			switch lines {
			case 0:
				data = v
			case 1:
				s.joined = append(append(append(s.joined[:0], data...), '\n'), v...)
			default:
				s.joined = append(append(s.joined, '\n'), v...)
			}
			lines++
		}
		pos = next
	}
	if lines > 1 {
		return s.joined
	}
	return data
}

// dataValue is what follows "data:" and at most one space.
func dataValue(line []byte) ([]byte, bool) {
	if len(line) < 5 || string(line[:5]) != "data:" {
		return nil, false
	}
	v := line[5:]
	if len(v) > 0 && v[0] == ' ' {
		v = v[1:]
	}
	return v, true
}

// lineEnd finds the first line terminator at or after from: end is where it
// starts and next where the following line does. A CR that is the last byte
// may yet be followed by its LF, so it ends no line. Not found: end < 0.
func lineEnd(b []byte, from int) (end, next int) {
	rest := b[from:]
	lf := bytes.IndexByte(rest, '\n')
	if lf >= 0 {
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
