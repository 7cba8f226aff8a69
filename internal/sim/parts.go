package sim

import "slices"

// part is what a piece of an answer is.
type part int

const (
	noPart part = iota
	partText
	partThinking
	partTool
)

// parts splits the outputs of an answer with one choice into pieces of one part
// each, and drops those that show nothing: what they carry is the next one's. The
// piece that names a tool shows no text.
func (p *plan) parts(outputs []emission) (out []emission) {
	c, rest := &p.choices[0], 0
	for _, e := range outputs {
		e.last = false
		if rest < c.reasoning {
			if to := min(e.to, c.reasoning); c.text(rest, to) != "" {
				out = append(out, e.piece(partThinking, rest, to))
				rest = to
			}
		}
		if e.to <= c.reasoning {
			continue
		}
		switch named := p.req.tool != nil && rest == 0; {
		case named:
			out = append(out, e.piece(partTool, 0, e.to))
		case c.text(max(rest, c.reasoning), e.to) == "":
			continue
		case p.req.tool != nil:
			out = append(out, e.piece(partTool, rest, e.to))
		default:
			out = append(out, e.piece(partText, rest, e.to))
		}
		rest = e.to
	}
	return out
}

func (e emission) piece(of part, from, to int) emission {
	e.part, e.from, e.to = of, from, to
	return e
}

// shown is the text of a piece.
func (c *choice) shown(e emission) string {
	if e.part == partThinking {
		return c.text(e.from, e.to)
	}
	return c.text(max(e.from, c.reasoning), e.to)
}

// whole is all text of a part.
func (c *choice) whole(of part) string {
	reasoning, content := c.split(0, len(c.tokens))
	if of == partThinking {
		return reasoning
	}
	return content
}

// speaks reports whether any of the tokens shows text.
func speaks(tokens []string) bool {
	return slices.ContainsFunc(tokens, func(t string) bool { return t != "" })
}

// present are the parts an answer has in the end, in order.
func (p *plan) present() (all []part) {
	c := &p.choices[0]
	if speaks(c.tokens[:c.reasoning]) {
		all = append(all, partThinking)
	}
	switch {
	case p.req.tool != nil:
		all = append(all, partTool)
	case speaks(c.tokens[c.reasoning:]):
		all = append(all, partText)
	}
	return all
}

// indexOf is the place of a part among those present.
func (p *plan) indexOf(of part) int {
	for i, have := range p.present() {
		if have == of {
			return i
		}
	}
	return 0
}

// pack lets the events of one engine step leave in one write.
func pack(events []emission) {
	for i := range max(len(events)-1, 0) {
		events[i].joined = events[i].step == events[i+1].step
	}
}

// with gives events the time and the step of e.
func with(e emission, events ...emission) []emission {
	for i := range events {
		events[i].at, events[i].step = e.at, e.step
	}
	return events
}

// callID is the id of the call of a tool.
func (p *plan) callID() string { return "call_" + hexID(hashString(p.id)) }
