package prompt

import "fmt"

// Prefixed puts a prefix that other requests share before each prompt: that of
// one of several groups, of which each is as likely.
type Prefixed struct {
	source   Source
	seed     uint64
	tokens   int
	prefixes []prefix
}

type prefix struct {
	text   string
	tokens int
}

// NewPrefixed makes the prefixes of so many groups, of so many tokens each, to
// go before the prompts of a source.
func NewPrefixed(s Source, v *Vocabulary, seed uint64, tokens, groups int) (*Prefixed, error) {
	if tokens < 1 || groups < 1 {
		return nil, fmt.Errorf("making prefixes: %d of %d tokens: there must be at least one, of one token", groups, tokens)
	}
	p := &Prefixed{source: s, seed: seed, tokens: tokens}
	for g := range groups {
		text, n := v.compose(source(seed, streamPrefix, g), numbered(seed^streamPrefix, g), tokens)
		p.prefixes = append(p.prefixes, prefix{text, n})
	}
	return p, nil
}

// Group is the group of request i, from 0.
func (p *Prefixed) Group(i int) int {
	return source(p.seed, streamGroup, i).IntN(len(p.prefixes))
}

// Prompt is that of the source, after its group's prefix. Lengths are those of
// both together.
func (p *Prefixed) Prompt(i int) (Prompt, error) {
	out, err := p.source.Prompt(i)
	if err != nil {
		return out, err
	}
	shared := p.prefixes[p.Group(i)]
	if out.Aimed == 0 { // a text of its own, not more words
		out.Text = shared.text + "\n\n" + out.Text
		return out, nil
	}
	out.Text = shared.text + " " + out.Text
	out.Aimed += p.tokens
	out.Tokens += shared.tokens
	return out, nil
}
