package http1

import "bytes"

// Scan finds the end of a head in bytes that grow. The zero value is ready.
type Scan struct {
	line int // where the unfinished line starts
	next int // no LF before this
}

// End is the position after the head's blank line in b, 0 while b ends before
// it. b is what was given before with more at its end. A line that ends with
// LF alone is a fault at once: waiting for a proper end would be waiting for
// the time limit.
func (s *Scan) End(b []byte) (int, error) {
	for {
		lf := bytes.IndexByte(b[s.next:], '\n')
		if lf < 0 {
			s.next = len(b)
			return 0, nil
		}
		lf += s.next
		if lf == s.line || b[lf-1] != '\r' {
			return 0, errBareLF
		}
		blank := lf-1 == s.line
		s.line, s.next = lf+1, lf+1
		if blank {
			return lf + 1, nil
		}
	}
}

// cutLine cuts the first line off b, without its CRLF. b has one.
func cutLine(b []byte) (line, rest []byte) {
	lf := bytes.IndexByte(b, '\n')
	return b[:lf-1], b[lf+1:]
}
