package wire

import "bytes"

// The scanner goes through JSON once, from left to right, without decoding or
// copying. Its functions take the bytes and a position and return the next
// one, -1 where the bytes are not what they should be. Only the structure that
// is needed to find values is checked: what is inside a value that nobody asks
// for may be invalid.

// enter is the position of the first element of the object or array that opens
// at i with the bracket open, or, when there is none (more is false), behind
// its closing bracket.
func enter(b []byte, i int, open byte) (next int, more bool) {
	if i >= len(b) || b[i] != open {
		return -1, false
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == open+2 { // '{' + 2 is '}', '[' + 2 is ']'
		return i + 1, false
	}
	return i, true
}

// after is the position of the element that follows a value which ends at i,
// or, when none does, behind the bracket that closes what open opened.
func after(b []byte, i int, open byte) (next int, more bool) {
	i = space(b, i)
	if i >= len(b) {
		return -1, false
	}
	switch b[i] {
	case ',':
		return space(b, i+1), true
	case open + 2:
		return i + 1, false
	}
	return -1, false
}

// keyAt is the key that opens at i, without its quotes and with its escapes as
// they are, and where its value begins.
func keyAt(b []byte, i int) (key []byte, value int) {
	if i >= len(b) || b[i] != '"' {
		return nil, -1
	}
	end := stringEnd(b, i)
	if end < 0 {
		return nil, -1
	}
	key = b[i+1 : end-1]
	if end < len(b) && b[end] == ':' {
		end++
	} else if end = space(b, end); end < len(b) && b[end] == ':' {
		end++
	} else {
		return nil, -1
	}
	return key, space(b, end)
}

// space is the first position at or after i that is not JSON white space.
func space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
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
// no end.
func valueEnd(b []byte, i int) int {
	if i < 0 || i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		return nestedEnd(b, i)
	}
	return scalarEnd(b, i)
}

// nestedEnd is valueEnd of an object or array. Brackets are counted, not
// matched by kind.
func nestedEnd(b []byte, i int) int {
	for depth := 0; i < len(b); {
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

// scalarEnd is valueEnd of a number, true, false or null.
func scalarEnd(b []byte, i int) int {
	start := i
	for ; i < len(b); i++ {
		switch b[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			if i == start {
				return -1
			}
			return i
		}
	}
	return i
}

// isOpen is the bracket at i, 0 where there is something else.
func isOpen(b []byte, i int) byte {
	if i < len(b) && (b[i] == '{' || b[i] == '[') {
		return b[i]
	}
	return 0
}

// isNull says whether a value is JSON null.
func isNull(v []byte) bool { return string(v) == "null" }

// hasText says whether a value is a string with something in it.
func hasText(v []byte) bool { return len(v) > 2 && v[0] == '"' }

// isObject says whether a value is an object.
func isObject(v []byte) bool { return len(v) > 0 && v[0] == '{' }
