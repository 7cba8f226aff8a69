package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// wordPiece is BERT's model: of what is left of a word, always the longest
// token that it begins with.
type wordPiece struct {
	vocab   *trie
	inner   int32  // the node of the mark of tokens within a word; noNode if none has it
	mark    string // that mark, "##"
	longest int    // in characters; a longer word is unknown
	unknown string // what a word is that can't be cut into tokens
}

func newWordPiece(data json.RawMessage) (*wordPiece, error) {
	var raw struct {
		Vocab   map[string]int `json:"vocab"`
		Unknown string         `json:"unk_token"`
		Mark    *string        `json:"continuing_subword_prefix"`
		Longest *int           `json:"max_input_chars_per_word"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("reading its model: %w", err)
	}
	if raw.Mark == nil || raw.Longest == nil {
		return nil, errors.New("reading its model: it lacks continuing_subword_prefix or max_input_chars_per_word")
	}
	if _, ok := raw.Vocab[raw.Unknown]; !ok {
		return nil, fmt.Errorf("reading its model: the unknown token %q is not in the vocabulary", raw.Unknown)
	}
	m := &wordPiece{mark: *raw.Mark, longest: *raw.Longest, unknown: raw.Unknown}
	keys := make([]trieKey, 0, len(raw.Vocab))
	for token := range raw.Vocab {
		keys = append(keys, trieKey{text: token}) // whatever its id: a value of noValue would hide it
	}
	m.vocab = newTrie(keys)
	for _, b := range []byte(m.mark) {
		if m.inner = m.vocab.next(m.inner, b); m.inner == noNode {
			break
		}
	}
	return m, nil
}

func (m *wordPiece) each(word string, yield func(token string)) error {
	ends, ok := m.cut(word)
	if !ok {
		yield(m.unknown)
		return nil
	}
	from := 0
	for _, end := range ends {
		token := word[from:end]
		if from > 0 {
			token = m.mark + token
		}
		yield(token)
		from = end
	}
	return nil
}

// cut is where tokens end; not ok if there is something that none begins.
func (m *wordPiece) cut(word string) (ends []int, ok bool) {
	if utf8.RuneCountInString(word) > m.longest {
		return nil, false
	}
	for at, from := 0, trieRoot; at < len(word); from = m.inner {
		if from == noNode {
			return nil, false
		}
		size, _ := m.vocab.longest(from, word[at:])
		if size == 0 {
			return nil, false
		}
		at += size
		ends = append(ends, at)
	}
	return ends, true
}
