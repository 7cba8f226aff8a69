package tokenizer

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// finder tells where something is in a text, as pairs of byte offsets.
type finder func(string) ([][]int, error)

// pattern is what is looked for, literally or as a regular expression with
// lookahead, which Go's own has not.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

func (p *pattern) compile() (finder, error) {
	switch {
	case p == nil:
		return nil, fmt.Errorf("a pattern is missing: %w", errUnsupported)
	case set(p.String):
		return findString(*p.String), nil
	case p.Regex != nil:
		return findRegexp(*p.Regex)
	default:
		return nil, fmt.Errorf("a pattern is neither String nor Regex: %w", errUnsupported)
	}
}

func findRegexp(expr string) (finder, error) {
	re, err := regexp2.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("compiling its pattern: %w", err)
	}
	re.MatchTimeout = patience
	return func(s string) ([][]int, error) { return re.FindAllStringIndex(s, -1) }, nil
}

// patience is far above what one match takes of any pattern that does not go back
// without end.
const patience = 10 * time.Second

// findString is many times faster than a regular expression of the same.
func findString(of string) finder {
	return func(s string) (found [][]int, _ error) {
		for at := 0; ; {
			i := strings.Index(s[at:], of)
			if i < 0 {
				return found, nil
			}
			found = append(found, []int{at + i, at + i + len(of)})
			at += i + len(of)
		}
	}
}

// findRunes finds characters one by one.
func findRunes(is func(rune) bool) finder {
	return func(s string) (found [][]int, _ error) {
		for at, r := range s {
			if is(r) {
				found = append(found, []int{at, at + utf8.RuneLen(r)}) // the text is valid UTF-8 here
			}
		}
		return found, nil
	}
}

// findWords finds what the pre-tokenizer Whitespace does: \w+|[^\w\s]+
func findWords(s string) (found [][]int, _ error) {
	const nothing, word, other = 0, 1, 2
	from, in := 0, nothing
	for at, r := range s {
		kind := other
		switch {
		case isWord(r):
			kind = word
		case unicode.IsSpace(r):
			kind = nothing
		}
		if kind == in {
			continue
		}
		if in != nothing {
			found = append(found, []int{from, at})
		}
		from, in = at, kind
	}
	if in != nothing {
		found = append(found, []int{from, len(s)})
	}
	return found, nil
}
