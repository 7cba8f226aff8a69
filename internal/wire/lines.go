package wire

import "bytes"

// lineSplitter cuts a stream of JSON objects, one a line (WIRE.md 1.2). Feed
// it, then call next until there is none. It keeps only the line that is not
// yet whole.
type lineSplitter struct {
	part     []byte // the line begun, not yet ended
	b        []byte // what next goes through
	skip     bool   // the line outgrew maxEvent: nothing of it is kept
	oversize int    // lines passed over because of their size
}

func (l *lineSplitter) feed(p []byte) {
	l.b = p
	if len(l.part) > 0 {
		l.part = append(l.part, p...)
		l.b = l.part
	}
}

// next is the next whole line without its end, valid until the next call. Lines
// of white space are left out.
func (l *lineSplitter) next() (line []byte, ok bool) {
	for {
		lf := bytes.IndexByte(l.b, '\n')
		if lf < 0 {
			l.keep()
			return nil, false
		}
		line, l.b = l.b[:lf], l.b[lf+1:]
		if l.skip {
			l.skip = false
			l.oversize++
			continue
		}
		if space(line, 0) < len(line) {
			return line, true
		}
	}
}

func (l *lineSplitter) keep() {
	rest := l.b
	if l.skip || len(rest) > maxEvent {
		l.skip, rest = true, nil
	}
	if len(l.part) > 0 {
		l.part = l.part[:copy(l.part, rest)]
	} else {
		l.part = append(l.part, rest...)
	}
	l.part = lighten(l.part)
	l.b = nil
}

// rest is the line that has begun and not ended.
func (l *lineSplitter) rest() []byte {
	if space(l.part, 0) == len(l.part) {
		return nil
	}
	return l.part
}
