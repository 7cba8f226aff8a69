package http1

// chunk is where a chunked body stands, and of what kind a body is.
type chunk struct {
	trailers []byte // the trailer section so far
	line     uint16 // where in it the unfinished line starts
	extra    uint16 // bytes of the extension being read
	digits   uint8  // of the size being read
	at       place
	kind     Kind // beside them, and not in a word of its own
}

type place uint8

const (
	size      place = iota // in a chunk's size
	extension              // behind it
	sizeLF                 // the LF that ends its line is next
	content
	contentCR
	contentLF
	trailer // in the trailer section, which ends with an empty line
	ended
)

// Bounds of what comes between the data.
const (
	maxDigits    = 16
	maxExtension = 1 << 10
	maxTrailers  = 16 << 10
)

var (
	errChunkSize = bad("a chunk with a size that is none")
	errChunkEnd  = bad("a chunk that is longer or shorter than its size")
	errExtension = bad("a chunk with a malformed or very long extension")
	errTrailers  = bad("a trailer section that is malformed or very long")
)

// nextChunked is Next for chunks: it stops behind each piece of data.
func (b *Body) nextChunked(p []byte) (used int, data []byte, err error) {
	for i := b.sizeLine(p); i < len(p); {
		if b.at == content {
			n := int(min(b.left, int64(len(p)-i)))
			b.left -= int64(n)
			if b.left == 0 {
				b.at = contentCR
			}
			return i + n, p[i : i+n], nil
		}
		if err := b.step(p[i]); err != nil {
			return i, nil, err
		}
		i++
		if b.at == ended {
			return i, nil, nil
		}
	}
	return len(p), nil, nil
}

// sizeLine takes the end of a chunk and the line with the size of the next in
// one go, as nearly all come. It takes nothing, 0, where they are otherwise.
func (b *Body) sizeLine(p []byte) (used int) {
	switch {
	case b.at == contentCR && len(p) > 2 && p[0] == '\r' && p[1] == '\n':
		used = 2
	case b.at != size || b.digits > 0:
		return 0
	}
	n, from := int64(0), used
	for ; used < len(p) && used-from < maxDigits/2; used++ {
		d, ok := hex(p[used])
		if !ok {
			break
		}
		n = n<<4 | d
	}
	if n == 0 || used+2 > len(p) || p[used] != '\r' || p[used+1] != '\n' {
		return 0
	}
	b.at, b.left, b.digits, b.extra = content, n, uint8(used-from), 0
	return used + 2
}

// step takes one byte of the framing.
func (b *Body) step(c byte) error {
	switch b.at {
	case size:
		return b.size(c)
	case extension:
		return b.extension(c)
	case sizeLF:
		return b.sizeEnd(c)
	case contentCR:
		if c != '\r' {
			return errChunkEnd
		}
		b.at = contentLF
	case contentLF:
		if c != '\n' {
			return errChunkEnd
		}
		b.at, b.digits, b.extra = size, 0, 0
	case trailer:
		return b.trailer(c)
	}
	return nil
}

func (b *Body) size(c byte) error {
	if d, ok := hex(c); ok {
		if b.digits++; b.digits > maxDigits || b.left>>58 != 0 {
			return errChunkSize
		}
		b.left = b.left<<4 | d
		return nil
	}
	switch {
	case b.digits == 0:
		return errChunkSize
	case c == '\r':
		b.at = sizeLF
	case c == ';':
		b.at = extension
	default:
		return errChunkSize
	}
	return nil
}

func (b *Body) extension(c byte) error {
	if c == '\r' {
		b.at = sizeLF
		return nil
	}
	if b.extra++; b.extra > maxExtension || c < ' ' && c != '\t' || c >= 0x7f {
		return errExtension
	}
	return nil
}

func (b *Body) sizeEnd(c byte) error {
	switch {
	case c != '\n':
		return errChunkSize
	case b.left == 0:
		b.at = trailer
	default:
		b.at = content
	}
	return nil
}

// trailer takes a byte of the trailer section and looks at each whole line.
func (b *Body) trailer(c byte) error {
	if len(b.trailers) == maxTrailers {
		return errTrailers
	}
	b.trailers = append(b.trailers, c)
	if c != '\n' {
		return nil
	}
	line := b.trailers[b.line:]
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return errTrailers
	}
	if len(line) == 2 {
		b.trailers = b.trailers[:b.line]
		b.at = ended
		return nil
	}
	fields, err := Fields(nil).parse(append(line[:len(line):len(line)], "\r\n"...))
	if err != nil || forbidden(fields[0]) {
		return errTrailers
	}
	b.line = uint16(len(b.trailers)) // at most maxTrailers
	return nil
}

// forbidden says whether a field must not come behind the body: those that
// say where it ends, where it goes, or who sends it (RFC 9110, 6.5.1).
func forbidden(f Field) bool {
	for _, name := range [...]string{
		"content-length", "transfer-encoding", "host", "trailer", "te", "connection", "upgrade",
		"content-encoding", "content-type", "content-range", "authorization", "cookie", "set-cookie",
	} {
		if f.Is(name) {
			return true
		}
	}
	return false
}

func hex(c byte) (int64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10, true
	}
	return 0, false
}
