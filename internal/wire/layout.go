package wire

import (
	"bytes"

	"tokenomics/internal/record"
)

// layout is what the text events of one stream have in common. They differ
// from each other in the text, and perhaps in the usage, and in nothing else:
// an event that repeats the bytes around those of one that was read need not be
// read again. That is most events of most streams.
type layout struct {
	head  []byte // up to the text, its opening quote included
	tail  []byte // between the text and the usage, or to the end
	close []byte // behind the usage
	usage bool   // it has a usage
	key   int    // how far in front of its usage the key opens
	delta delta  // what it says of its choice, the text itself apart
}

// maxLayout bounds what is kept; what real engines repeat is some 250 bytes.
const maxLayout = 1 << 10

// learn takes the layout of an event that was read as c, if it may repeat.
func (l *layout) learn(data []byte, c *chunk) {
	if len(c.choices) != 1 || c.hasTiming || len(data) > maxLayout {
		return
	}
	d := c.choices[0]
	if d.strings != 1 || d.finish != "" || d.tokenIDs > 0 || d.logprobs > 0 || d.promptIDs > 0 || c.promptIDs > 0 {
		return
	}
	text := stringEnd(data, d.textFrom)
	if c.hasUsage && c.usageFrom < text {
		return
	}
	l.head, l.tail, l.close = append(l.head[:0], data[:d.textFrom+1]...), append(l.tail[:0], data[text:]...), l.close[:0]
	if l.usage = c.hasUsage; l.usage {
		l.tail, l.key = l.tail[:c.usageFrom-text], c.usageFrom-c.usageKey
		l.close = append(l.close, data[c.usageEnd:]...)
	}
	l.delta = d
}

// read reads an event of this layout into c. Not ok when it is of another.
func (l *layout) read(data []byte, c *chunk) (ok bool) {
	if len(l.head) == 0 || len(data) < len(l.head) || !bytes.Equal(data[:len(l.head)], l.head) {
		return false
	}
	text := stringEnd(data, len(l.head)-1)
	if text < 0 || !bytes.HasPrefix(data[text:], l.tail) {
		return false
	}
	rest := text + len(l.tail)
	c.usage, c.hasUsage, c.hasTiming, c.promptIDs = record.Usage{}, l.usage, false, 0
	if l.usage {
		c.usageFrom, c.usageKey = rest, rest-l.key
		if rest, _ = usageAt(data, rest, &c.usage); rest < 0 {
			return false
		}
		c.usageEnd = rest
	}
	if !bytes.Equal(data[rest:], l.close) {
		return false
	}
	d := l.delta
	d.text = text > len(l.head)+1
	d.visible = d.text && !d.reasoning
	c.choices = append(c.choices[:0], d)
	return true
}
