package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// lateLetters are the capitals of Unicode 16 and 17, which Go's tables lack.
var lateLetters = func() unicode.SpecialCase {
	var all unicode.SpecialCase
	for _, l := range [][3]rune{
		{0x1C89, 0x1C89, 0x1C8A}, {0xA7CB, 0xA7CB, 0x264}, {0xA7CC, 0xA7CC, 0xA7CD}, {0xA7CE, 0xA7CE, 0xA7CF},
		{0xA7D2, 0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D4, 0xA7D5}, {0xA7DA, 0xA7DA, 0xA7DB}, {0xA7DC, 0xA7DC, 0x19B},
		{0x10D50, 0x10D65, 0x10D70}, {0x16EA0, 0x16EB8, 0x16EBB},
	} {
		var by [unicode.MaxCase]rune
		by[unicode.LowerCase] = l[2] - l[0]
		all = append(all, unicode.CaseRange{Lo: uint32(l[0]), Hi: uint32(l[1]), Delta: by})
	}
	return all
}()

// lowercase is each character's full mapping, of which only one is of two
// characters. Where it is in a word does not matter.
func lowercase(s string) string {
	return strings.ReplaceAll(strings.Map(func(r rune) rune {
		switch {
		case r == 'İ':
			return r
		case r < utf8.RuneSelf && (r < 'A' || r > 'Z'):
			return r
		}
		return lateLetters.ToLower(r)
	}, s), "İ", "i\u0307")
}

// normalForm leaves alone what the reference's tables do not know, as a
// character that nothing is put together with.
func normalForm(f norm.Form, s string) string {
	if f.IsNormalString(s) {
		return s
	}
	var b strings.Builder
	from := 0
	for at, r := range s {
		if r >= utf8.RuneSelf && changes(r) && !runes().changing.has(r) {
			b.WriteString(f.String(s[from:at]))
			b.WriteRune(r)
			from = at + utf8.RuneLen(r)
		}
	}
	b.WriteString(f.String(s[from:]))
	return b.String()
}

// changes says whether Go's tables have something to do with a character.
func changes(r rune) bool {
	p := norm.NFKD.PropertiesString(string(r))
	return p.CCC() != 0 || len(p.Decomposition()) > 0
}
