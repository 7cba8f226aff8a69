package tokenizer

import "strings"

// gpt2Words is how ByteLevel cuts unless it is told not to.
const gpt2Words = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// byteLevel cuts as GPT-2 does and writes each byte as one printable character.
func byteLevel(n *node) (splitter, error) {
	find, err := findRegexp(gpt2Words)
	if err != nil {
		return nil, err
	}
	words, err := cut{find: find, behavior: "Isolated"}.splitter()
	if err != nil {
		return nil, err
	}
	return func(pieces []piece) (_ []piece, err error) {
		if n.AddPrefixSpace == nil || *n.AddPrefixSpace {
			pieces = mapped(pieces, func(p piece) piece { return p.prefixed(" ") })
		}
		if n.UseRegex == nil || *n.UseRegex {
			if pieces, err = words(pieces); err != nil {
				return nil, err
			}
		}
		return mapped(pieces, func(p piece) piece { return p.rewritten(inLetters) }), nil
	}, nil
}

func mapped(pieces []piece, f func(piece) piece) []piece {
	out := make([]piece, len(pieces))
	for i, p := range pieces {
		out[i] = f(p)
	}
	return out
}

// inLetters writes each byte as the character that stands for it.
func inLetters(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	for _, c := range []byte(text) {
		b.WriteRune(byteLetters[c])
	}
	return b.String()
}

// byteLetters are the characters that stand for bytes: themselves where they
// are printable in Latin-1, else the next from U+0100 on (GPT-2's encoder.py).
var byteLetters = func() (letters [256]rune) {
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
}()
