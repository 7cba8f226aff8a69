package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// piece is a part of the prompt on its way to the model.
type piece struct {
	text string
	// head is how many bytes of text stand for the prompt's first character; 0
	// if that is in another piece, or was dropped. Metaspace asks.
	head int
}

// rewritten is the piece after f, which writes characters otherwise but drops
// none for good.
func (p piece) rewritten(f func(string) string) piece {
	out := piece{text: f(p.text)}
	if p.head == 0 {
		return out
	}
	// The first character may have become several, or one with what came after
	// it, or have marks in another order with those that came after it.
	alone := f(p.text[:p.head])
	for out.head < len(out.text) {
		_, size := utf8.DecodeRuneInString(out.text[out.head:])
		if out.head > 0 && !strings.HasPrefix(alone, out.text[:out.head+size]) {
			break
		}
		out.head += size
	}
	return out
}

// part is text[from:to].
func (p piece) part(from, to int) piece {
	return piece{text: p.text[from:to], head: max(0, min(p.head, to)-from)}
}

// after is the piece with prefix before it, which stands for the same character.
func (p piece) after(prefix string) piece {
	p.text = prefix + p.text
	if p.head > 0 {
		p.head += len(prefix)
	}
	return p
}

// prefixed puts prefix before a text that does not begin with it.
func (p piece) prefixed(prefix string) piece {
	if strings.HasPrefix(p.text, prefix) {
		return p
	}
	return p.after(prefix)
}

// normalizer rewrites a piece.
type normalizer func(piece) (piece, error)

// splitter cuts pieces, which may have been cut before, into the words within
// which a model looks for tokens.
type splitter func([]piece) ([]piece, error)
