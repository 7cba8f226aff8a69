package sim

import (
	"strconv"
	"unicode/utf8"
)

// appendString appends s as a JSON string, escaping what JSON must have escaped
// and leaving the rest as it is, as the engines' encoders do.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// appendText appends key, which is JSON up to the value, and s as a JSON string.
func appendText(dst []byte, key, s string) []byte { return appendString(append(dst, key...), s) }

// appendMaybe appends s as a JSON string, or null for the empty one.
func appendMaybe(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}

// appendKey appends key, which is JSON up to the value, and an integer.
func appendKey(dst []byte, key string, n int) []byte {
	dst = append(dst, key...)
	return strconv.AppendInt(dst, int64(n), 10)
}

// appendFloat appends key and a number that is seen to be a float.
func appendFloat(dst []byte, key string, f float64) []byte {
	dst = append(dst, key...)
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[at:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// appendHead opens a response object: id, object, created and model.
func appendHead(dst []byte, id, object string, created int64, model string) []byte {
	dst = appendText(dst, `{"id":`, id)
	dst = append(dst, `,"object":"`...)
	dst = append(dst, object...)
	dst = append(dst, `","created":`...)
	dst = strconv.AppendInt(dst, created, 10)
	return appendText(dst, `,"model":`, model)
}

// appendList appends a JSON array of n elements.
func appendList(dst []byte, n int, element func(dst []byte, i int) []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, i)
	}
	return append(dst, ']')
}

// appendIDs appends the ids of tokens, as a model with a vocabulary would have them.
func appendIDs(dst []byte, ids []uint64) []byte {
	return appendList(dst, len(ids), func(dst []byte, i int) []byte { return strconv.AppendUint(dst, vocabularyID(ids[i]), 10) })
}
