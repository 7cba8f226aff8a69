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

// members walks the members of the JSON object b, in order, and says whether it
// came to the object's end. A false from each stops it, and then ok is true.
// What is read of every event goes by the scanner itself, which is faster.
func members(b []byte, each func(member) bool) (ok bool) {
	i, more := enter(b, space(b, 0), '{')
	for more {
		m := member{start: i}
		var value int
		if m.key, value = keyAt(b, i); value < 0 {
			return false
		}
		if m.end = valueEnd(b, value); m.end < 0 {
			return false
		}
		m.value = b[value:m.end]
		if !each(m) {
			return true
		}
		i, more = after(b, m.end, '{')
	}
	return i >= 0 && space(b, i) == len(b)
}

// elements walks the elements of the JSON array b. What follows the array is
// not looked at.
func elements(b []byte, each func(value []byte) bool) (ok bool) {
	i, more := enter(b, space(b, 0), '[')
	for more {
		end := valueEnd(b, i)
		if end < 0 {
			return false
		}
		if !each(b[i:end]) {
			return true
		}
		i, more = after(b, end, '[')
	}
	return i >= 0
}

// length is the number of elements of an array, 0 for anything else (vLLM
// writes "token_ids":null on ordinary events).
func length(v []byte) (n int64) {
	elements(v, func([]byte) bool { n++; return true })
	return n
}

// get is gjson on bytes without a copy: the result points into b and is used
// only while b is. What is kept goes through kept.
func get(b []byte, path string) gjson.Result {
	return gjson.Get(unsafe.String(unsafe.SliceData(b), len(b)), path)
}

// raw is the value under key, and under the next key in that, as it stands in
// b; nil where there is none.
func raw(b []byte, keys ...string) (value []byte) {
	for value = b; len(keys) > 0; keys = keys[1:] {
		b, value = value, nil
		members(b, func(m member) bool {
			if string(m.key) == keys[0] {
				value = m.value
			}
			return value == nil
		})
	}
	return value
}

// kept is the string of a result that outlives the bytes it was read from.
func kept(r gjson.Result) string { return strings.Clone(r.String()) }

// text is the string value v, decoded. It is a copy.
func text(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if in := v[1 : len(v)-1]; bytes.IndexByte(in, '\\') < 0 && v[len(v)-1] == '"' {
		return string(in) // as nearly always
	}
	return gjson.ParseBytes(v).String()
}
