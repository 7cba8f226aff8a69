package http1

import (
	"bytes"
	"iter"
)

// Field is one header or trailer line.
type Field struct {
	Name, Value []byte // Value without white space around it
	Line        []byte // all of it, with its CRLF
}

// Is says whether the field has the name, given in lower case.
func (f Field) Is(lower string) bool { return EqualFold(f.Name, lower) }

// Fields are the lines of a head or trailer section, in order.
type Fields []Field

// maxFields bounds the lines of one head: a thousand is ten times what is seen.
const maxFields = 1000

// parse reads lines up to the blank one, which ends b.
func (f Fields) parse(b []byte) (Fields, error) {
	for len(b) > 2 {
		line, rest := cutLine(b)
		if len(f) == maxFields {
			return f, errTooMany
		}
		colon := bytes.IndexByte(line, ':')
		switch {
		case len(line) == 0:
			return f, errFieldName
		case line[0] == ' ' || line[0] == '\t':
			return f, errFolded
		case colon <= 0 || !all(line[:colon], &token):
			return f, errFieldName
		case bytes.IndexByte(line[colon:], '\r') >= 0:
			return f, errBareCR
		case !isText(line[colon+1:]):
			return f, errControl
		}
		f = append(f, Field{Name: line[:colon], Value: trim(line[colon+1:]), Line: b[:len(line)+2]})
		b = rest
	}
	return f, nil
}

// Get is the value of the first field with the name, given in lower case; nil
// when there is none.
func (f Fields) Get(lower string) []byte {
	for i := range f {
		if f[i].Is(lower) {
			return f[i].Value
		}
	}
	return nil
}

// Count is how many fields have the name, given in lower case.
func (f Fields) Count(lower string) (n int) {
	for i := range f {
		if f[i].Is(lower) {
			n++
		}
	}
	return n
}

// Members are the elements of the comma-separated lists under the name, given
// in lower case, over all its lines.
func (f Fields) Members(lower string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range f {
			if !f[i].Is(lower) {
				continue
			}
			for m := range bytes.SplitSeq(f[i].Value, []byte(",")) {
				if m = trim(m); len(m) > 0 && !yield(m) {
					return
				}
			}
		}
	}
}

// Has says whether a list under name has the member, both in lower case.
func (f Fields) Has(name, member string) bool {
	for m := range f.Members(name) {
		if EqualFold(m, member) {
			return true
		}
	}
	return false
}

// framing reads what the fields say of the body: none is said when kind is
// Unsaid.
func (f Fields) framing(minor int) (Framing, error) {
	var length, coding []byte
	lengths, codings := 0, 0
	for i := range f {
		switch {
		case f[i].Is("content-length"):
			length = f[i].Value
			lengths++
		case f[i].Is("transfer-encoding"):
			coding = f[i].Value
			codings++
		}
	}
	switch {
	case lengths > 0 && codings > 0:
		return Framing{}, errBoth
	case lengths > 1:
		return Framing{}, errTwoLengths
	case codings > 0:
		if codings > 1 || !EqualFold(coding, "chunked") || minor == 0 {
			return Framing{}, errCoding
		}
		return Framing{Kind: Chunked}, nil
	case lengths == 1:
		n, ok := wholeNumber(length)
		if !ok {
			return Framing{}, errLength
		}
		return Framing{Kind: Length, Length: n}, nil
	}
	return Framing{}, nil
}

// wholeNumber reads digits and nothing else, up to what is far beyond any body.
func wholeNumber(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
