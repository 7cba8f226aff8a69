package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is set apart before the model sees a text.
type addedToken struct {
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not within a word
	LStrip     bool   `json:"lstrip"`      // with the white space before it
	RStrip     bool   `json:"rstrip"`      // and after it
	Normalized bool   `json:"normalized"`  // looked for after normalization
}

// added finds added tokens: of several the leftmost, and of those the longest.
type added struct {
	tokens []addedToken
	trie   *trie
}

// newAdded takes the tokens as they are looked for.
func newAdded(tokens []addedToken) *added {
	a := &added{tokens: tokens}
	var keys []trieKey
	for i, t := range tokens {
		keys = append(keys, trieKey{text: t.Content, value: int32(i)})
	}
	a.trie = newTrie(keys)
	return a
}

// addedOf is the tokens to look for before and after normalization.
func addedOf(list []addedToken, normalize normalizer) (before, after *added, err error) {
	var raw, normal []addedToken
	for _, t := range list {
		switch {
		case t.Content == "":
		case !t.Normalized:
			raw = append(raw, t)
		default:
			p, err := normalize(piece{text: t.Content})
			if err != nil {
				return nil, nil, err
			}
			if p.text == "" {
				return nil, nil, fmt.Errorf("nothing is left of the added token %q once it is normalized", t.Content)
			}
			t.Content = p.text
			normal = append(normal, t)
		}
	}
	return newAdded(raw), newAdded(normal), nil
}

// cut tells text piece by piece, in order; those that are an added token are
// told as such.
func (a *added) cut(p piece, tell func(p piece, token bool) error) error {
	done := 0
	for at := 0; at < len(p.text) && len(a.tokens) > 0; {
		size, value := a.trie.longest(trieRoot, p.text[at:])
		if size == 0 {
			at++
			continue
		}
		from, to := at, at+size
		at = to
		t := a.tokens[value]
		if t.SingleWord && (endsInWord(p.text[:from]) || beginsWithWord(p.text[to:])) {
			continue
		}
		if t.LStrip { // white space may be another token's already
			from = max(done, len(strings.TrimRightFunc(p.text[:from], unicode.IsSpace)))
		}
		if t.RStrip {
			to = len(p.text) - len(strings.TrimLeftFunc(p.text[to:], unicode.IsSpace))
		}
		if from >= to { // another's already, all of it
			continue
		}
		if from > done {
			if err := tell(p.part(done, from), false); err != nil {
				return err
			}
		}
		if err := tell(p.part(from, to), true); err != nil {
			return err
		}
		done = to
	}
	if done < len(p.text) {
		return tell(p.part(done, len(p.text)), false)
	}
	return nil
}

func endsInWord(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && isWord(r)
}

func beginsWithWord(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && isWord(r)
}
