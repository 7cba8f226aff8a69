package wire

import (
	"bytes"
	"time"
)

// again measures p where it is one whole event that differs from an earlier one
// in its text alone, and has come in one piece: nothing in it has to be looked
// for. That is most of what most engines send. Not done: p is to be read as any
// other.
func (o *Observer) again(at time.Duration, p []byte) (done bool) {
	if o.format != sse || o.decoder != nil || o.split.part != nil {
		return false
	}
	g, ok := o.stream.grammar.(*openAI)
	if !ok || !g.layout.wraps(p) {
		return false
	}
	if g.again = g.repeat(&o.stream, at, p[len(dataStart):len(p)-len(eventEnd)]); g.again {
		o.stream.events++
	}
	return g.again
}

const (
	dataStart = "data: "
	eventEnd  = "\n\n"
)

// wraps says whether p begins and ends like an event of this layout, has no
// usage, and no line ends within it.
func (l *layout) wraps(p []byte) bool {
	text := len(p) - len(l.b) - len(dataStart) - len(eventEnd)
	if l.text == 0 || l.key > 0 || text < 1 || string(p[:len(dataStart)]) != dataStart || string(p[len(p)-len(eventEnd):]) != eventEnd {
		return false
	}
	data := p[len(dataStart) : len(p)-len(eventEnd)]
	if !l.fits(data) {
		return false
	}
	for _, c := range data[l.text : int(l.text)+text] {
		if c < ' ' {
			return false
		}
	}
	return bytes.Equal(data[int(l.text)+text:], l.b[l.text:])
}
