package prompt

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// wordList are plain English words, one a line: those of the builtin dataset
// that the vocabularies of large models have as one token.
//
//go:embed words.txt
var wordList string

// allWords are the words of the list.
func allWords() []string { return strings.Fields(wordList) }

// openings are the words that a text begins with: no space is before them, so
// they are tokens of their own.
func openings() []string {
	return strings.Fields("Explain Describe Compare Write Consider Find Give Tell List Show Make Name")
}

// Vocabulary is the words that texts are made of, and what each costs in the
// model's tokens. It is immutable.
type Vocabulary struct {
	words    []word // with the space before them; the cheapest first
	openings []word // without
	exact    bool
}

// word is a word and its cost. Costs are whole numbers where a tokenizer told
// them, and an average where they were calibrated.
type word struct {
	text string
	cost float64
}

// Uncounted is the vocabulary of a model that is not known: each word is said
// to be one token, so that a text of N tokens has N words. That is what
// tokenizer.Calibration wants to be told.
func Uncounted() *Vocabulary { return Calibrated(1) }

// Calibrated is the vocabulary of a model of which it is known how many tokens
// a word is, on average.
func Calibrated(perWord float64) *Vocabulary {
	v := new(Vocabulary)
	for _, w := range allWords() {
		v.words = append(v.words, word{w, perWord})
	}
	for _, w := range openings() {
		v.openings = append(v.openings, word{w, perWord})
	}
	return v
}

// Exact says whether the length of a text is known to the token, rather than on
// average.
func (v *Vocabulary) Exact() bool { return v.exact }

// Size is how many words there are, for telling what was learned.
func (v *Vocabulary) Size() int { return len(v.words) }

// newVocabulary orders words by what they cost.
func newVocabulary(words, openings []word, exact bool) (*Vocabulary, error) {
	if len(words) < fewest || len(openings) == 0 {
		return nil, fmt.Errorf("the tokenizer told the cost of %d words, fewer than the %d that texts are made of", len(words), fewest)
	}
	slices.SortStableFunc(words, func(a, b word) int {
		return int(a.cost - b.cost)
	})
	return &Vocabulary{words: words, openings: openings, exact: exact}, nil
}

// composer writes one text.
type composer struct {
	v    *Vocabulary
	rng  *rand.Rand
	text strings.Builder
	cost float64
}

// compose is a text of as near to n tokens as words allow. Texts of different
// numbers are different, if n leaves room for the words that tell them apart,
// which come first: no prefix cache answers for one with another.
func (v *Vocabulary) compose(rng *rand.Rand, number uint64, n int) (text string, tokens int) {
	c := composer{v: v, rng: rng}
	c.text.Grow(8 * min(max(n, 0), 1<<20))
	opening := v.openings[rng.IntN(len(v.openings))]
	c.text.WriteString(opening.text)
	c.cost = opening.cost
	for _, w := range v.spell(number) {
		if c.cost+w.cost > float64(n) {
			break
		}
		c.add(w)
	}
	c.fill(float64(n))
	return c.text.String(), int(c.cost + 0.5)
}

func (c *composer) add(w word) {
	c.text.WriteByte(' ')
	c.text.WriteString(w.text)
	c.cost += w.cost
}

// fill adds words until none fits, or, where they have no whole costs, until
// another would be further off.
func (c *composer) fill(n float64) {
	words := c.v.words
	for {
		left := n - c.cost
		fits := len(words)
		if words[fits-1].cost > left {
			fits = sort.Search(fits, func(i int) bool { return words[i].cost > left })
		}
		switch {
		case fits > 0:
			c.add(words[c.rng.IntN(fits)])
		case words[0].cost < 2*left: // beyond n by less than it is below
			c.add(words[c.rng.IntN(sort.Search(len(words), func(i int) bool { return words[i].cost > words[0].cost }))])
		default:
			return
		}
	}
}

// spelled is how many words spell a number.
const spelled = 3

// spell is number in words: the digits to the base of the vocabulary's size,
// the last one first, since that is the one that differs between neighbours.
// Numbers beyond what three words can spell go around.
func (v *Vocabulary) spell(number uint64) [spelled]word {
	var out [spelled]word
	base := uint64(len(v.words))
	for i := range out {
		out[i] = v.words[number%base]
		number /= base
	}
	return out
}
