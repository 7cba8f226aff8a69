package wire

import (
	"bytes"
	"sync"
	"time"
)

// maxHeld bounds what is held back of an event that may still have to be
// removed. Usage events are a few hundred bytes.
const maxHeld = 64 << 10

// back is the memory that removing takes.
type back struct {
	held    []byte // what has not been passed on of the unfinished event
	waiting []byte // a whole finish event that waits for the next event, and comments behind it
	finish  int    // how much of it is the finish event
	out     []byte // what Feed returns
	edited  []byte // an event that something is taken out of
}

var backs = sync.Pool{New: func() any { return new(back) }}

// empty says whether nothing is held back.
func (b *back) empty() bool { return b == nil || len(b.held)+len(b.waiting) == 0 }

// waits says whether a finish event waits for the next one.
func (b *back) waits() bool { return b != nil && len(b.waiting) > 0 }

func (b *back) free() {
	if cap(b.held)+cap(b.waiting)+cap(b.out)+cap(b.edited) <= maxPooled {
		backs.Put(b)
	}
}

// memory is the memory that removing takes.
func (r *Relay) memory() *back {
	if r.back == nil {
		r.back = backs.Get().(*back)
	}
	return r.back
}

// output is what the client is to have of one read: the read itself, as long as
// it does not differ.
type output struct {
	relay   *Relay
	read    []byte
	same    int // how much of read is passed on, while nothing differs
	differs bool
}

func (o *output) add(p []byte) {
	if !o.differs {
		o.same += len(p)
		return
	}
	b := o.relay.back
	b.out = append(b.out, p...)
}

// differ makes the output one of its own.
func (o *output) differ() {
	if o.differs {
		return
	}
	o.differs = true
	b := o.relay.memory()
	b.out = append(b.out[:0], o.read[:o.same]...)
}

func (o *output) bytes() []byte {
	if !o.differs {
		return o.read
	}
	return o.relay.back.out
}

// cut measures p and removes from it.
func (r *Relay) cut(at time.Duration, p []byte) []byte {
	r.begin(at, p)
	if !r.begun && r.back.empty() && r.again(at, p) {
		return p // there is nothing in it to remove
	}
	out, begun := output{relay: r, read: p}, r.begun
	var held []byte
	if !r.back.empty() {
		held = r.back.held
		out.differ()
	}
	var e Event
	events := r.split.Feed(p)
	for events.Next(&e) {
		r.event(at, &e)
		r.pass(&out, &e, e.Raw[max(0, len(e.Raw)-len(held)-len(e.Fresh)):], begun)
		held, begun = held[:0], false
	}
	part, fresh := r.split.Partial()
	tail := p[len(p)-fresh:]
	switch {
	case fresh == 0:
		held = held[:0]
	case len(held)+fresh <= maxHeld && r.mayChange(part, begun):
		out.differ()
		if held == nil {
			held = r.back.held[:0]
		}
		// held may be what is held already, which a panic above would still need.
		held = append(held, tail...)
	default:
		if len(held)+fresh > maxHeld {
			r.warn("an event over 64 KiB was passed on with what may have been asked for")
		}
		if r.back.waits() { // it came before
			out.add(r.back.waiting)
			r.back.waiting = r.back.waiting[:0]
		}
		out.add(held)
		out.add(tail)
		held, begun = held[:0], true
	}
	if r.begun = begun; out.differs {
		r.back.held = held
	}
	return out.bytes()
}

// pass passes on what the client is to have of an event, of which pending has
// not been passed on yet.
func (r *Relay) pass(out *output, e *Event, pending []byte, begun bool) {
	keep, edited := r.kept(e, begun)
	if edited {
		out.differ()
		pending = r.back.edited
	}
	if r.back.waits() {
		b := r.back
		if len(e.Data) == 0 { // a comment says nothing of what comes next
			b.waiting = append(b.waiting, pending...)
			return
		}
		if !keep {
			r.moved = &moved{usageFingerprint(e.Data)}
			r.print.learn(r.moved.json)
			b.waiting = append(r.moved.put(b.waiting[:b.finish]), b.waiting[b.finish:]...)
		}
		out.add(b.waiting)
		b.waiting = b.waiting[:0]
	}
	switch {
	case !keep:
		out.differ()
	case r.strip.Final && !r.repeats() && finishing(e.Data):
		r.finish(out, pending)
	default:
		out.add(pending)
	}
}

// finish passes on an event that ends a choice and has no fingerprint, or has it
// wait for the one that would have it.
func (r *Relay) finish(out *output, event []byte) {
	if r.single() && !r.moved.none() {
		out.differ()
		r.back.waiting, r.back.finish = append(r.back.waiting[:0], event...), len(event)
		return
	}
	with := r.moved.put(event)
	if len(with) != len(event) {
		out.differ()
	}
	out.add(with)
}

// single says whether the answer has one choice, whose finish event the usage
// event follows at once.
func (r *Relay) single() bool { return r.cfg.Query.Choices() == 1 }

// kept says whether the client is to have the event, and whether it was edited
// and stands in back.edited. What it decides for a whole event must be what mayChange
// expects of its beginning.
func (r *Relay) kept(e *Event, begun bool) (keep, edited bool) {
	if r.forced || len(e.Data) == 0 || e.Data[0] != '{' || !bytes.HasPrefix(e.Raw, dataPrefix) {
		return true, false
	}
	u := r.usageOf(e.Data)
	if u.filled && u.choices && !r.strip.PerEvent {
		// Usage on ordinary events that nobody asked for: the engine is set to
		// send it always, and the client is used to that (WIRE.md 15).
		r.forced = true
	}
	switch {
	case begun || !u.found:
		return true, false
	case r.strip.PerEvent && u.choices:
		return true, r.without(e, u)
	case !r.strip.Final || u.choices || !r.strip.PerEvent && bytes.Contains(e.Raw, firstChoice):
		return true, false
	case u.alone:
		return false, false
	}
	return true, r.without(e, u)
}

// repeats says whether the event in hand was read by the layout of an earlier
// one: it is a text event, and all is known of it.
func (r *Relay) repeats() bool {
	g, ok := r.stream.grammar.(*openAI)
	return ok && g.again
}

// usagePlace is where an event has its usage.
type usagePlace struct {
	start, end int32 // of the member, from the quote of its key
	found      bool  // there is a usage that is not null
	filled     bool  // and it counts something
	choices    bool  // the event has choices
	alone      bool  // the event is there for the usage only
}

// usageOf is where the event in hand has its usage.
func (r *Relay) usageOf(data []byte) usagePlace {
	if !r.repeats() {
		return findUsage(data)
	}
	return r.stream.grammar.(*openAI).usage
}

// findUsage looks for usage in an event. An event with an empty choices list
// is there for the usage only if it carries nothing else that says something.
func findUsage(data []byte) (u usagePlace) {
	other, empty := false, false
	ok := members(data, func(m member) bool {
		switch string(m.key) {
		case "usage":
			u.start, u.end, u.found = int32(m.start), int32(m.end), !isNull(m.value)
			u.filled = get(m.value, "prompt_tokens").Int() > 0
		case "choices":
			empty = length(m.value) == 0
			u.choices = !empty
		case "id", "object", "created", "model", "system_fingerprint", "service_tier", "metrics", "timings":
			// Part of every event, or, like vLLM's metrics and llama.cpp's
			// timings, of the usage event.
		default:
			other = other || !isNull(m.value)
		}
		return true
	})
	u.found = u.found && ok
	u.alone = u.found && empty && !other
	return u
}

// without puts into back.edited the event without its usage. Not done when the
// data is of several lines, which no engine sends.
func (r *Relay) without(e *Event, u usagePlace) (done bool) {
	at := bytes.Index(e.Raw, e.Data)
	if at < 0 {
		return false
	}
	from, to, b := int(u.start), int(u.end), r.memory()
	if nullUnasked(e.Data) {
		colon := from + bytes.IndexByte(e.Data[from:], ':')
		b.edited = append(append(append(b.edited[:0], e.Raw[:at+colon+1]...), "null"...), e.Raw[at+to:]...)
		return true
	}
	if next := space(e.Data, to); next < len(e.Data) && e.Data[next] == ',' && !precededByComma(e.Data, from) {
		to = next + 1
	} else {
		for from > 0 && e.Data[from-1] != ',' && e.Data[from-1] != '{' {
			from--
		}
		if from > 0 && e.Data[from-1] == ',' {
			from--
		}
	}
	b.edited = append(append(b.edited[:0], e.Raw[:at+from]...), e.Raw[at+to:]...)
	return true
}

// nullUnasked says whether the event would have had "usage":null if nobody had
// asked: SGLang writes that on completions and on tool calls, and not on other
// chat events.
func nullUnasked(data []byte) bool {
	return bytes.Contains(data, matchedStop) && (bytes.Contains(data, textCompletion) || bytes.Contains(data, toolCalls))
}

var (
	matchedStop    = []byte(`"matched_stop":`)
	textCompletion = []byte(`"object":"text_completion"`)
	toolCalls      = []byte(`"tool_calls":[`)
)

func precededByComma(b []byte, i int) bool {
	for i > 0 {
		i--
		switch b[i] {
		case ' ', '\n', '\t', '\r':
		case ',':
			return true
		default:
			return false
		}
	}
	return false
}

var firstChoice = []byte(`"choices":[{`)

// mayChange says whether the unfinished event could still turn out to be one
// that is removed or edited. Of one whose beginning is passed on only the end
// can be: vLLM's finish event, which gets its fingerprint there.
func (r *Relay) mayChange(part []byte, begun bool) bool {
	if r.split.skips() {
		return false
	}
	if r.back.waits() {
		return true // it has to stay behind what waits
	}
	if r.strip.Final && !r.moved.none() && bytes.Contains(part, finishKey) {
		return true
	}
	if begun {
		return false
	}
	if len(part) < len(dataPrefix) {
		return bytes.HasPrefix(dataPrefix, part)
	}
	if !bytes.HasPrefix(part, dataPrefix) {
		return false
	}
	data := part[len(dataPrefix):]
	if len(data) > 0 && data[0] == ' ' {
		data = data[1:]
	}
	if len(data) > 0 && data[0] != '{' {
		return false
	}
	return r.strip.PerEvent || !bytes.Contains(data, firstChoice)
}
