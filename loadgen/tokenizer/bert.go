package tokenizer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// bertNormalizer does what a file asks of BERT's four steps, in their order.
func bertNormalizer(n *node) normalizer {
	var all []normalizer
	if n.CleanText {
		all = append(all, drop(isControl), rewrite(plainSpaces))
	}
	if n.ChineseChars {
		all = append(all, rewrite(aroundIdeographs))
	}
	if n.StripAccents == nil && n.Lowercase || n.StripAccents != nil && *n.StripAccents {
		all = append(all, rewrite(func(s string) string { return normalForm(norm.NFD, s) }), drop(runes().nonspacing.has))
	}
	if n.Lowercase {
		all = append(all, rewrite(lowercase))
	}
	return sequence(all...)
}

// isControl is what BERT drops: control characters that are not white space.
func isControl(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	case 0, '\uFFFD':
		return true
	default:
		return runes().control.has(r)
	}
}

func plainSpaces(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, s)
}

// ideographs are BERT's: the blocks of CJK unified and compatibility ideographs.
var ideographs = ranges{
	{0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x2A6DF},
	{0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
}

// aroundIdeographs puts spaces around each, so that they are words.
func aroundIdeographs(s string) string {
	if strings.IndexFunc(s, ideographs.has) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if ideographs.has(r) {
			b.WriteString(" " + string(r) + " ")
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
