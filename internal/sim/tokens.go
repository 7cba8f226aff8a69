package sim

import "strconv"

// always makes an event of every output.
func always(*choice, int, int, bool) bool { return true }

// object is the `object` of an OpenAI answer.
func (p *plan) object() string {
	switch {
	case p.req.endpoint == completions:
		return "text_completion"
	case p.req.stream:
		return "chat.completion.chunk"
	default:
		return "chat.completion"
	}
}

// tokenID is the id of token k of the choice, as a model with a vocabulary would have it.
func (c *choice) tokenID(k int) uint64 {
	if k >= c.spoken() {
		return 2 // end-of-text
	}
	return 3 + vocabularyID(hashString(c.tokens[k]))
}

// appendTokenIDs appends the ids of tokens from up to to.
func (c *choice) appendTokenIDs(dst []byte, from, to int) []byte {
	return appendList(dst, to-from, func(dst []byte, i int) []byte { return strconv.AppendUint(dst, c.tokenID(from+i), 10) })
}

// tokenwise returns an event for every token that shows something, as engines do
// that send what a step yields token by token, back to back. A token that shows
// nothing is carried by the next one; the name of a tool shows.
func (p *plan) tokenwise() (out []emission) {
	sent := make([]int, len(p.choices))
	for k, at := range p.times {
		for i := range p.choices {
			c := &p.choices[i]
			if k >= len(c.steps) {
				continue
			}
			made := 0
			if k > 0 {
				made = c.steps[k-1]
			}
			for ; made < c.steps[k]; made++ {
				if c.tokens[made] == "" && (p.req.tool == nil || made > 0) {
					continue
				}
				out = append(out, emission{at: at, step: k, kind: EventToken, choice: i, from: sent[i], to: made + 1})
				sent[i] = made + 1
			}
		}
	}
	return out
}
