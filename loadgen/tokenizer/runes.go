package tokenizer

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// ranges are characters, from and to of each range, in order.
type ranges [][2]rune

func (l ranges) has(r rune) bool {
	i := sort.Search(len(l), func(i int) bool { return l[i][1] >= r })
	return i < len(l) && l[i][0] <= r
}

// runeClasses are kinds of characters as the reference has them. Its tables are
// of several versions of Unicode, the oldest 8, and none is that of Go's: a mark
// that came later is no mark to it.
type runeClasses struct {
	control, punctuation, nonspacing, combining ranges
	numeric                                     ranges
	word                                        ranges // \w
	changing                                    ranges // that normal forms write otherwise or put in order
}

// runesText is what testdata/make.py heard from the reference of each character.
//
//go:embed runes.txt
var runesText string

var runes = sync.OnceValue(func() *runeClasses {
	c := new(runeClasses)
	of := map[string]*ranges{
		"control": &c.control, "punctuation": &c.punctuation, "nonspacing": &c.nonspacing, "combining": &c.combining,
		"numeric": &c.numeric, "word": &c.word, "changing": &c.changing,
	}
	for line := range strings.Lines(runesText) {
		fields := strings.Fields(line)
		for _, f := range fields[1:] {
			var r [2]rune
			if _, err := fmt.Sscanf(f, "%x-%x", &r[0], &r[1]); err != nil {
				panic("runes.txt: " + f) // it is built in, and tested
			}
			*of[fields[0]] = append(*of[fields[0]], r)
		}
	}
	return c
})

func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7F && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	return runes().punctuation.has(r)
}

func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	return runes().word.has(r)
}
