package http1

// token is what names and methods are made of (RFC 9110, 5.6.2).
var token = set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

// hostChar is what a Host field may have: a name or address and a port, and
// nothing that would let it be read as a path or as credentials.
var hostChar = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~%!$&'()*+,;=:[]")

func set(chars string) (s [256]bool) {
	for i := range len(chars) {
		s[chars[i]] = true
	}
	return s
}

func all(b []byte, s *[256]bool) bool {
	for _, c := range b {
		if !s[c] {
			return false
		}
	}
	return true
}

// isText says whether b may be the value of a field or a reason phrase: visible
// characters, spaces, tabs and bytes above 127.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// EqualFold compares a name with a lower-case one, ASCII letters without
// regard to case.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// trim takes spaces and tabs off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
