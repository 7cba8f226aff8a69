package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram is the model of T5, XLM-R and what else comes from sentencepiece's
// unigrams: of all ways to cut a word into tokens it takes the likeliest.
type unigram struct {
	vocab        *trie // to the index of the score
	scores       []float64
	unknown      int     // the index of the unknown token; -1 has none
	unknownScore float64 // of a character that no token is
	byteFallback bool    // what is unknown is its bytes
}

// unknownPenalty is how much less likely than any token an unknown character is
// (sentencepiece's kUnkPenalty).
const unknownPenalty = 10

// scored is a token and the logarithm of its probability, written as a list.
type scored struct {
	token string
	score float64
}

func (s *scored) UnmarshalJSON(data []byte) error {
	pair := []any{&s.token, &s.score}
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 || pair[0] == nil || pair[1] == nil {
		return fmt.Errorf("%.80s is no token with its score", data)
	}
	return nil
}

func newUnigram(data json.RawMessage) (*unigram, error) {
	var raw struct {
		Vocab        []scored `json:"vocab"`
		Unknown      *int     `json:"unk_id"`
		ByteFallback bool     `json:"byte_fallback"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("reading its model: %w", err)
	}
	m := &unigram{scores: make([]float64, len(raw.Vocab)), unknown: -1, byteFallback: raw.ByteFallback}
	if raw.Unknown != nil {
		if m.unknown = *raw.Unknown; m.unknown < 0 || m.unknown >= len(raw.Vocab) {
			return nil, fmt.Errorf("reading its model: the unknown token is number %d of %d", m.unknown, len(raw.Vocab))
		}
	}
	keys, lowest := make([]trieKey, len(raw.Vocab)), math.Inf(1)
	for i, s := range raw.Vocab {
		keys[i] = trieKey{text: s.token, value: int32(i)}
		m.scores[i] = s.score
		lowest = min(lowest, s.score)
	}
	m.vocab, m.unknownScore = newTrie(keys), lowest-unknownPenalty
	return m, nil
}

// step is the best way to some place in a word: its score, and the last token.
type step struct {
	score float64
	from  int32 // where the token begins
	token int32 // noValue before any way is known
}

var errUnknown = errors.New("it has characters that the vocabulary lacks, and no token for them")

func (m *unigram) each(word string, yield func(token string)) error {
	ways := make([]step, len(word)+1) // to each byte
	for i := range ways {
		ways[i].token = noValue
	}
	for at := 0; at < len(word); {
		_, size := utf8.DecodeRuneInString(word[at:])
		if !m.extend(ways, word, at, size) {
			if m.unknown < 0 {
				return errUnknown
			}
			ways[at+size].take(ways[at].score+m.unknownScore, at, int32(m.unknown))
		}
		at += size
	}
	m.walk(ways, word, yield)
	return nil
}

// take is for a way that may be better. Of equals the first stays.
func (s *step) take(score float64, from int, token int32) {
	if s.token == noValue || score > s.score {
		*s = step{score: score, from: int32(from), token: token}
	}
}

// extend goes on from at with every token that is there, and says whether the
// character of that size is one.
func (m *unigram) extend(ways []step, word string, at, size int) (known bool) {
	here, node := ways[at].score, trieRoot
	for end := at; end < len(word); {
		if node = m.vocab.next(node, word[end]); node == noNode {
			break
		}
		end++
		if v := m.vocab.nodes[node].value; v != noValue {
			ways[end].take(here+m.scores[v], at, v)
			known = known || end == at+size
		}
	}
	return known
}

// walk tells the tokens of the best way. Unknown ones in a row are one.
func (m *unigram) walk(ways []step, word string, yield func(token string)) {
	var ends []int
	for at := len(word); at > 0; at = int(ways[at].from) {
		if n := len(ends); n == 0 || !m.isUnknown(ways[at]) || !m.isUnknown(ways[ends[n-1]]) {
			ends = append(ends, at)
		}
	}
	from := 0
	for i := len(ends) - 1; i >= 0; i-- {
		m.tell(word[from:ends[i]], m.isUnknown(ways[ends[i]]), yield)
		from = ends[i]
	}
}

func (m *unigram) isUnknown(s step) bool { return m.unknown >= 0 && int(s.token) == m.unknown }

// tell tells a token, or its bytes if it is unknown and they are in the
// vocabulary. What is unknown in a row may be a token as a whole.
func (m *unigram) tell(token string, unknown bool, yield func(token string)) {
	if !unknown || !m.byteFallback || m.has(token) {
		yield(token)
		return
	}
	for _, b := range []byte(token) {
		if !m.has(byteToken(b)) {
			yield(token)
			return
		}
	}
	for _, b := range []byte(token) {
		yield(byteToken(b))
	}
}

func (m *unigram) has(token string) bool {
	size, _ := m.vocab.longest(trieRoot, token)
	return size == len(token)
}
