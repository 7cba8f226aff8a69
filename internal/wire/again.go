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
	if o.format != sse || o.other != nil || o.split.part != nil {
		return false
	}
	g, ok := o.stream.grammar.(*openAI)
	if !ok || !g.layout.wraps(p) {
		return false
	}
	o.begin(at, p)
	o.stream.events++
	var told counts
	d := g.layout.delta(p[len(dataStart)+int(g.layout.text)] != '"')
	g.again, g.usage = true, usagePlace{choices: true}
	g.choice(&o.stream, at, &d, &told)
	return true
}

const (
	dataStart = "data: "
	eventEnd  = "\n\n"
)

// wraps says whether p is an event of this layout, which has no usage, on one line.
func (l *layout) wraps(p []byte) bool {
	text := len(p) - len(l.b) - len(dataStart) - len(eventEnd)
	if l.text == 0 || l.key > 0 || text < 1 || string(p[:len(dataStart)]) != dataStart || string(p[len(p)-len(eventEnd):]) != eventEnd {
		return false
	}
	data := p[len(dataStart) : len(p)-len(eventEnd)]
	from, to := int(l.text), int(l.text)+text
	if !l.fits(data) || stringEnd(data, from-1) != to || !bytes.Equal(data[to:], l.b[from:]) {
		return false
	}
	for _, c := range data[from:to] {
		if c < ' ' {
			return false // a line may end there
		}
	}
	return true
}
