package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// splitter cuts a text, which may have been cut before, into the words within
// which a tokenizer merges. first tells whether the text begins the prompt.
type splitter func(words []string, first bool) ([]string, error)

// gpt2Words is how ByteLevel cuts unless it is told not to.
const gpt2Words = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

func splitterOf(n *node) (splitter, error) {
	if n == nil {
		return func(words []string, _ bool) ([]string, error) { return words, nil }, nil
	}
	switch n.Type {
	case "Sequence":
		return splitters(n.Pretokenizers)
	case "ByteLevel":
		return byteLevel(n)
	case "Split":
		if n.Invert {
			return nil, unsupported("pre-tokenizer", "Split with invert")
		}
		return splitAt(n.Pattern, n.Behavior)
	case "Digits":
		expr, behavior := `\p{N}+`, "Isolated"
		if n.IndividualDigits {
			expr = `\p{N}`
		}
		return splitAt(&pattern{Regex: &expr}, behavior)
	case "Metaspace":
		return metaspace(n)
	default:
		return nil, unsupported("pre-tokenizer", n.Type)
	}
}

func splitters(list []node) (splitter, error) {
	var all []splitter
	for i := range list {
		s, err := splitterOf(&list[i])
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return func(words []string, first bool) (_ []string, err error) {
		for _, s := range all {
			if words, err = s(words, first); err != nil {
				return nil, err
			}
		}
		return words, nil
	}, nil
}

// splitAt cuts around what the pattern matches. behavior says where the match
// then is.
func splitAt(p *pattern, behavior string) (splitter, error) {
	find, err := p.compile()
	if err != nil {
		return nil, err
	}
	switch behavior {
	case "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext":
	default:
		return nil, unsupported("pre-tokenizer", "Split "+behavior)
	}
	return func(words []string, _ bool) (out []string, err error) {
		for _, w := range words {
			found, err := find(w)
			if err != nil {
				return nil, err
			}
			out = appendCut(out, w, found, behavior)
		}
		return out, nil
	}, nil
}

// appendCut appends the parts of w, of which none is empty.
func appendCut(out []string, w string, found [][]int, behavior string) []string {
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	from := 0
	for _, m := range found {
		switch behavior {
		case "Isolated":
			add(w[from:m[0]])
			add(w[m[0]:m[1]])
			from = m[1]
		case "Removed":
			add(w[from:m[0]])
			from = m[1]
		case "MergedWithPrevious":
			add(w[from:m[1]])
			from = m[1]
		case "MergedWithNext":
			add(w[from:m[0]])
			from = m[0]
		}
	}
	add(w[from:])
	return out
}

// byteLevel cuts as GPT-2 does and writes each byte as one printable character.
func byteLevel(n *node) (splitter, error) {
	expr := gpt2Words
	cut, err := splitAt(&pattern{Regex: &expr}, "Isolated")
	if err != nil {
		return nil, err
	}
	letters := byteLetters()
	return func(words []string, first bool) (_ []string, err error) {
		if n.AddPrefixSpace == nil || *n.AddPrefixSpace {
			words = prefixed(words, " ", " ")
		}
		if n.UseRegex == nil || *n.UseRegex {
			if words, err = cut(words, first); err != nil {
				return nil, err
			}
		}
		out := make([]string, len(words))
		var b strings.Builder
		for i, w := range words {
			b.Reset()
			for _, c := range []byte(w) {
				b.WriteRune(letters[c])
			}
			out[i] = b.String()
		}
		return out, nil
	}, nil
}

// byteLetters are the characters that stand for bytes: themselves where they
// are printable in Latin-1, else the next from U+0100 on (GPT-2's encoder.py).
func byteLetters() (letters [256]rune) {
	next := rune(256)
	for c := range letters {
		switch {
		case c >= '!' && c <= '~', c >= 0xA1 && c <= 0xAC, c >= 0xAE:
			letters[c] = rune(c)
		default:
			letters[c] = next
			next++
		}
	}
	return letters
}

// prefixed puts prefix before each word that does not begin with it.
func prefixed(words []string, prefix, unless string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		if out[i] = w; !strings.HasPrefix(w, unless) {
			out[i] = prefix + w
		}
	}
	return out
}

// metaspace writes a space as another character, and cuts before it.
func metaspace(n *node) (splitter, error) {
	mark := n.Replacement
	if utf8.RuneCountInString(mark) != 1 {
		return nil, unsupported("pre-tokenizer", "Metaspace of "+mark)
	}
	scheme := n.PrependScheme
	if scheme == "" {
		scheme = "always"
		if n.AddPrefixSpace != nil && !*n.AddPrefixSpace {
			scheme = "never"
		}
	}
	cut, err := splitAt(&pattern{String: &mark}, "MergedWithNext")
	if err != nil {
		return nil, err
	}
	return func(words []string, first bool) ([]string, error) {
		out := make([]string, len(words))
		for i, w := range words {
			out[i] = strings.ReplaceAll(w, " ", mark)
		}
		switch {
		case scheme == "always":
			out = prefixed(out, mark, mark)
		case scheme == "first" && first && len(out) > 0:
			out[0] = prefixed(out[:1], mark, mark)[0]
		}
		if n.Split != nil && !*n.Split {
			return out, nil
		}
		return cut(out, first)
	}, nil
}
