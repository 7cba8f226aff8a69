package wire

import "bytes"

// layout is what the text events of one stream have in common. They differ
// from each other in the text, and perhaps in the usage, and in nothing else:
// an event that repeats the bytes around those of one that was read need not be
// read again. That is most events of most streams.
type layout struct {
	b      []byte // the bytes up to the text, those behind it, and those behind the usage
	index  int32  // of its choice
	text   uint16 // where in b the text is, its opening quote in front of it
	usage  uint16 // where in b the usage is, or the end
	key    uint16 // how far in front of its usage the key opens; 0 = it has no usage
	manner manner
}

// maxLayout bounds what is kept; what real engines repeat is some 250 bytes.
const maxLayout = 1 << 10

// learn takes the layout of an event that was read as c, if it may repeat.
func (l *layout) learn(data []byte, c *chunk) {
	if len(c.choices) != 1 || c.hasTiming || len(data) > maxLayout {
		return
	}
	d := &c.choices[0]
	if d.index != int(int32(d.index)) || d.strings != 1 || d.finish != "" || d.tokenIDs > 0 || d.logprobs > 0 || d.promptIDs > 0 || c.promptIDs > 0 {
		return
	}
	from, to := d.textFrom+1, stringEnd(data, d.textFrom)
	if c.hasUsage && c.usageFrom < to {
		return
	}
	usage, end, key := len(data), len(data), 0
	if c.hasUsage {
		usage, end, key = c.usageFrom, c.usageEnd, c.usageFrom-c.usageKey
	}
	if n := len(data) - (to - from) - (end - usage); cap(l.b) < n {
		l.b = make([]byte, 0, n)
	}
	l.b = append(append(append(l.b[:0], data[:from]...), data[to:usage]...), data[end:]...)
	l.text, l.usage, l.key = uint16(from), uint16(from+usage-to), uint16(key)
	l.index, l.manner = int32(d.index), d.manner
}

// fits says whether the event may be of this layout: it begins like it.
func (l *layout) fits(data []byte) bool {
	return l.text > 0 && len(data) >= int(l.text) && bytes.Equal(data[:l.text], l.b[:l.text])
}

// read reads an event of this layout that fits: its only choice into d, its usage, if it
// has one, into told, both of which are zero, and where that is into u. Not ok
// when the event is of another layout.
func (l *layout) read(data []byte, d *delta, told *counts, u *usagePlace) (ok bool) {
	from := int(l.text)
	text, tail := stringEnd(data, from-1), l.b[from:l.usage]
	if text < 0 || !bytes.HasPrefix(data[text:], tail) {
		return false
	}
	rest := text + len(tail)
	*u = usagePlace{choices: true}
	if l.key > 0 {
		u.start, u.found, told.hasUsage = int32(rest-int(l.key)), true, true
		if rest, _ = usageAt(data, rest, &told.usage); rest < 0 {
			return false
		}
		u.end, u.filled = int32(rest), told.usage.Prompt.Or(0) > 0
	}
	if !bytes.Equal(data[rest:], l.b[l.usage:]) {
		return false
	}
	*d = l.delta(text > from+1)
	return true
}

// delta is what an event of this layout says of its choice, with text in it or
// not.
func (l *layout) delta(text bool) (d delta) {
	d.index, d.manner = int(l.index), l.manner
	d.text = text
	d.visible = text && !d.reasoning
	return d
}
