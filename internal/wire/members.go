package wire

import (
	"bytes"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// member is one key and value of a JSON object, as they stand.
type member struct {
	key   []byte // without its quotes, escapes as they are
	value []byte
	start int // of the key's opening quote, in the object
	end   int // after the value
}

// members walks the members of the JSON object b, in order, without decoding
// or copying anything, and says whether it came to the object's end. A false
// from each stops it, and then ok is true. It checks only the structure that
// it needs to find the members; b may be invalid inside a value.
func members(b []byte, each func(member) bool) (ok bool) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return space(b, i+1) == len(b)
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return false
		}
		keyEnd := stringEnd(b, i)
		if keyEnd < 0 {
			return false
		}
		m := member{key: b[i+1 : keyEnd-1], start: i}
		i = space(b, keyEnd)
		if i >= len(b) || b[i] != ':' {
			return false
		}
		i = space(b, i+1)
		m.end = valueEnd(b, i)
		if m.end < 0 {
			return false
		}
		m.value = b[i:m.end]
		if !each(m) {
			return true
		}
		i = space(b, m.end)
		if i >= len(b) {
			return false
		}
		switch b[i] {
		case '}':
			return space(b, i+1) == len(b)
		case ',':
			i = space(b, i+1)
		default:
			return false
		}
	}
}

// elements walks the elements of the JSON array b.
func elements(b []byte, each func(value []byte) bool) (ok bool) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '[' {
		return false
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return true
	}
	for {
		end := valueEnd(b, i)
		if end < 0 {
			return false
		}
		if !each(b[i:end]) {
			return true
		}
		i = space(b, end)
		if i >= len(b) {
			return false
		}
		switch b[i] {
		case ']':
			return true
		case ',':
			i = space(b, i+1)
		default:
			return false
		}
	}
}

// space is the first position at or after i that is not JSON white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd is the position after the string that opens at i, -1 if it does
// not close. Keys and tokens are short: a plain loop beats a call for them.
func stringEnd(b []byte, i int) int {
	near := min(len(b), i+1+32)
	j := i + 1
	for ; j < near; j++ {
		switch b[j] {
		case '"':
			return j + 1
		case '\\':
			j++
		}
	}
	return farStringEnd(b, j)
}

// farStringEnd goes on at j, which is inside a string and behind no backslash.
func farStringEnd(b []byte, j int) int {
	for from := j; j < len(b); {
		q := bytes.IndexByte(b[j:], '"')
		if q < 0 {
			return -1
		}
		j += q
		slashes := 0
		for j-1-slashes >= from && b[j-1-slashes] == '\\' {
			slashes++
		}
		j++
		if slashes%2 == 0 {
			return j
		}
	}
	return -1
}

// valueEnd is the position after the JSON value that starts at i, -1 if it has
// no end. Brackets are counted, not matched by kind.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '{', '[':
				depth++
			case '}', ']':
				depth--
				if depth == 0 {
					return i + 1
				}
			case '"':
				end := stringEnd(b, i)
				if end < 0 {
					return -1
				}
				i = end
				continue
			}
			i++
		}
		return -1
	}
	start := i
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			if i == start {
				return -1
			}
			return i
		}
		i++
	}
	return i
}

// isNull says whether a value is JSON null.
func isNull(v []byte) bool { return string(v) == "null" }

// hasText says whether a value is a string with something in it.
func hasText(v []byte) bool { return len(v) > 2 && v[0] == '"' }

// get is gjson on bytes without a copy: the result points into b and is used
// only while b is. What is kept goes through kept.
func get(b []byte, path string) gjson.Result {
	return gjson.Get(unsafe.String(unsafe.SliceData(b), len(b)), path)
}

// kept is the string of a result that outlives the bytes it was read from.
func kept(r gjson.Result) string { return strings.Clone(r.String()) }

// text is the string value v, decoded. It is a copy.
func text(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return gjson.ParseBytes(v).String()
}
