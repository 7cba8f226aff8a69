package tokenizer

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is the model of a byte-pair encoding: what is in the vocabulary, and
// which two tokens next to each other become one, in which order.
type bpe struct {
	vocab        map[string]struct{}
	ranks        map[[2]string]int
	whole        bool   // a word that is in the vocabulary is not looked into
	byteFallback bool   // an unknown character is its bytes
	unknown      string // what any other unknown character is; "" leaves it out
	fuse         bool   // unknown characters in a row are one
}

func newBPE(data json.RawMessage) (*bpe, error) {
	var raw struct {
		Vocab        json.RawMessage `json:"vocab"`
		Merges       []merge         `json:"merges"`
		Dropout      *float64        `json:"dropout"`
		Unknown      *string         `json:"unk_token"`
		Subword      *string         `json:"continuing_subword_prefix"`
		WordEnd      *string         `json:"end_of_word_suffix"`
		FuseUnknown  bool            `json:"fuse_unk"`
		ByteFallback bool            `json:"byte_fallback"`
		IgnoreMerges bool            `json:"ignore_merges"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("reading its model: %w", err)
	}
	switch {
	case set(raw.Subword) || set(raw.WordEnd):
		return nil, unsupported("model", "BPE with marks for parts of words")
	case raw.Dropout != nil && *raw.Dropout > 0:
		return nil, unsupported("model", "BPE with dropout")
	}
	m := &bpe{ranks: make(map[[2]string]int, len(raw.Merges)), whole: raw.IgnoreMerges, byteFallback: raw.ByteFallback, fuse: raw.FuseUnknown}
	if set(raw.Unknown) {
		m.unknown = *raw.Unknown
	}
	var vocab map[string]int
	if err := json.Unmarshal(raw.Vocab, &vocab); err != nil {
		return nil, fmt.Errorf("reading its vocabulary: %w", err)
	}
	m.vocab = make(map[string]struct{}, len(vocab))
	for token := range vocab {
		m.vocab[token] = struct{}{}
	}
	for i, pair := range raw.Merges {
		if _, ok := m.ranks[pair]; !ok {
			m.ranks[pair] = i
		}
	}
	return m, nil
}

// merge is written as a list of two, or in older files with a space between.
type merge [2]string

func (m *merge) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[2]string)(m))
	}
	var pair string
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	a, b, ok := strings.Cut(pair, " ")
	if !ok {
		return fmt.Errorf("the merge %q has no space", pair)
	}
	*m = merge{a, b}
	return nil
}

func (m *bpe) each(word string, yield func(token string)) error {
	if _, ok := m.vocab[word]; ok && m.whole {
		yield(word)
		return nil
	}
	for _, s := range m.merge(m.symbols(word)) {
		if s.text != "" {
			yield(s.text)
		}
	}
	return nil
}

// symbol is a token in the making: one of a list, linked by index.
type symbol struct {
	text       string // "" once merged into the one before it
	prev, next int    // -1 at the ends
}

// symbols is the word's characters, as far as the vocabulary has them.
func (m *bpe) symbols(word string) []symbol {
	var list []symbol
	add := func(text string) {
		if n := len(list); n > 0 {
			list[n-1].next = n
		}
		list = append(list, symbol{text: text, prev: len(list) - 1, next: -1})
	}
	afterUnknown := false
	for word != "" {
		_, size := utf8.DecodeRuneInString(word)
		c := word[:size]
		word = word[size:]
		if _, ok := m.vocab[c]; ok {
			add(c)
			afterUnknown = false
			continue
		}
		if bytes, ok := m.bytesOf(c); ok {
			for _, b := range bytes {
				add(b)
			}
			afterUnknown = false
			continue
		}
		if m.unknown != "" && !(m.fuse && afterUnknown) {
			add(m.unknown)
		}
		afterUnknown = true
	}
	return list
}

// bytesOf is a character's bytes as tokens, ok if the vocabulary has them.
func (m *bpe) bytesOf(c string) (tokens []string, ok bool) {
	if !m.byteFallback {
		return nil, false
	}
	for _, b := range []byte(c) {
		t := byteToken(b)
		if _, ok := m.vocab[t]; !ok {
			return nil, false
		}
		tokens = append(tokens, t)
	}
	return tokens, true
}

// merge merges symbols next to each other, the pair of the lowest rank first
// and of equals the leftmost. A heap, since without a pre-tokenizer a word is
// the whole prompt.
func (m *bpe) merge(list []symbol) []symbol {
	var todo candidates
	consider := func(i int) {
		if i < 0 || list[i].next < 0 {
			return
		}
		pair := [2]string{list[i].text, list[list[i].next].text}
		if rank, ok := m.ranks[pair]; ok {
			heap.Push(&todo, candidate{rank: rank, at: i, pair: pair})
		}
	}
	for i := range list {
		consider(i)
	}
	for todo.Len() > 0 {
		c := heap.Pop(&todo).(candidate)
		a := &list[c.at]
		if a.next < 0 || a.text != c.pair[0] || list[a.next].text != c.pair[1] {
			continue // one of the two has become another since
		}
		b := &list[a.next]
		a.text += b.text
		a.next, b.text = b.next, ""
		if a.next >= 0 {
			list[a.next].prev = c.at
		}
		consider(a.prev)
		consider(c.at)
	}
	return list
}

// candidate is a pair that may be merged.
type candidate struct {
	rank, at int
	pair     [2]string
}

type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	if c[i].rank != c[j].rank {
		return c[i].rank < c[j].rank
	}
	return c[i].at < c[j].at
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}
