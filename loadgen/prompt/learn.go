package prompt

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"tokenomics/loadgen/tokenizer"
)

const (
	// enough words are those of one token: with so many, texts are made of them
	// alone and no more are asked for.
	enough = 512
	// fewest words make texts that differ.
	fewest = 16
	// chunk is how many words are counted together: almost always each is one
	// token, and one count says so of all.
	chunk = 128
	// patience is after how many counts no more words are begun, for an engine
	// that is far away and whose model knows no English.
	patience = 1500
)

// Learn finds out what words cost by the model's own tokenizer, so that texts
// of any length can then be made without it. It takes some ten counts if the
// model knows English, and a count for each word if it does not.
func Learn(ctx context.Context, counter tokenizer.Counter) (*Vocabulary, error) {
	l := learner{ctx: ctx, counter: counter}
	if err := l.learnOpenings(); err != nil {
		return nil, fmt.Errorf("learning what words cost in tokens: %w", err)
	}
	// In a mixed order, so that half a list is as good as the whole.
	words := allWords()
	rand.New(rand.NewPCG(1, streamText)).Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	for len(words) > 0 && l.singles < enough && l.counts < patience {
		n := min(chunk, len(words))
		if err := l.learn(words[:n]); err != nil {
			return nil, fmt.Errorf("learning what words cost in tokens: %w", err)
		}
		words = words[n:]
	}
	v, err := newVocabulary(l.chosen(), l.openings, true)
	if err != nil {
		return nil, err
	}
	return v, l.check(v)
}

// learner asks a tokenizer.
type learner struct {
	ctx      context.Context
	counter  tokenizer.Counter
	words    []word
	openings []word
	base     int // what lead costs
	singles  int // words of one token
	counts   int // asked for
}

func (l *learner) count(text string) (int, error) {
	l.counts++
	return l.counter.Count(l.ctx, text)
}

// lead is what words are counted after, so that each has its space before it.
const lead = "Explain"

// learnOpenings counts the words that texts begin with, and keeps those that
// cost the same further on, where a prefix is put before them; or else all.
func (l *learner) learnOpenings() (err error) {
	if l.base, err = l.count(lead); err != nil {
		return err
	}
	var all []word
	for _, w := range openings() {
		bare, err := l.count(w)
		if err != nil {
			return err
		}
		spaced, err := l.count(lead + " " + w)
		if err != nil {
			return err
		}
		if bare < 1 {
			return fmt.Errorf("the tokenizer counts %d tokens in %q", bare, w)
		}
		all = append(all, word{w, float64(bare)})
		if spaced-l.base == bare {
			l.openings = append(l.openings, word{w, float64(bare)})
		}
	}
	if len(l.openings) == 0 {
		l.openings = all
	}
	return nil
}

// learn counts words together and, if they are not all of one token, each half
// for itself.
func (l *learner) learn(words []string) error {
	n, err := l.count(lead + " " + strings.Join(words, " "))
	if err != nil {
		return err
	}
	n -= l.base
	switch {
	case n == len(words):
		for _, w := range words {
			l.words = append(l.words, word{w, 1})
		}
		l.singles += n
		return nil
	case len(words) == 1 && n > 0:
		l.words = append(l.words, word{words[0], float64(n)})
		return nil
	case n < len(words):
		return fmt.Errorf("the tokenizer counts %d tokens in %d words: use none, to have lengths calibrated", n, len(words))
	}
	half := len(words) / 2
	if err := l.learn(words[:half]); err != nil {
		return err
	}
	return l.learn(words[half:])
}

// chosen are the words that texts are made of: those of one token if they are
// enough, else all.
func (l *learner) chosen() []word {
	if l.singles < enough {
		return l.words
	}
	var out []word
	for _, w := range l.words {
		if w.cost == 1 {
			out = append(out, w)
		}
	}
	return out
}

// check makes a few texts and counts them whole. A tokenizer that merges across
// words, or puts something before a text, makes them shorter or longer than
// their words: costs are then averages.
func (l *learner) check(v *Vocabulary) error {
	said, counted := 0, 0
	for i, n := range []int{40, 200, 1000} {
		text, tokens := v.compose(source(1, streamText, i), uint64(i), n)
		got, err := l.count(text)
		if err != nil {
			return fmt.Errorf("checking what words cost in tokens: %w", err)
		}
		said, counted = said+tokens, counted+got
		v.exact = v.exact && got == tokens
	}
	if v.exact {
		return nil
	}
	ratio := float64(counted) / float64(said)
	if counted == 0 || math.Abs(math.Log2(ratio)) > 1 {
		return fmt.Errorf("the tokenizer counts %d tokens in texts whose words have %d: use none, to have lengths calibrated", counted, said)
	}
	for _, list := range [][]word{v.words, v.openings} {
		for i := range list {
			list[i].cost *= ratio
		}
	}
	return nil
}
