package sim

import (
	"unicode"
	"unicode/utf8"
)

// maxTokenRunes is the longest run of letters or digits in one token.
const maxTokenRunes = 12

// nextToken returns the length in bytes of the first token of s. s is not
// empty. A token is an optional single space and then a run of up to
// maxTokenRunes letters and digits, or one other character; characters from
// U+2E80 up (CJK and beyond) are one token each.
func nextToken(s string) int {
	i := 0
	if s[0] == ' ' && len(s) > 1 {
		i = 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	i += size
	if !runsOn(r) {
		return i
	}
	for n := 1; n < maxTokenRunes && i < len(s); n++ {
		r, size = utf8.DecodeRuneInString(s[i:])
		if !runsOn(r) {
			break
		}
		i += size
	}
	return i
}

func runsOn(r rune) bool {
	return r < 0x2E80 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// tokenIDs returns one id per token of s: a hash, since there is no vocabulary.
func tokenIDs(s string) []uint64 {
	ids := make([]uint64, 0, len(s)/4+1)
	for len(s) > 0 {
		n := nextToken(s)
		ids = append(ids, hashString(s[:n]))
		s = s[n:]
	}
	return ids
}

// vocabularyID is a token's id where the engine tells ids.
func vocabularyID(id uint64) uint64 { return id % 32000 }
