package http1

// Kind is how a body's end is found.
type Kind uint8

const (
	Unsaid     Kind = iota
	None            // there is no body
	Length          // so many bytes
	Chunked         // chunks, the last of which is empty
	UntilClose      // the end of the connection is the end of the body
)

// Framing is how a head says its message's body ends.
type Framing struct {
	Kind   Kind
	Length int64 // of Kind Length; of None, what the head announced all the same
}

// Body follows a message's body to its end. Start it with what the head says.
type Body struct {
	left int64 // of the body, or of the chunk
	chunk
}

// Start begins a body.
func (b *Body) Start(f Framing) {
	*b = Body{left: f.Length, chunk: chunk{kind: f.Kind}}
	if f.Kind == Chunked {
		b.left = 0
	}
}

// Done says whether the body has ended. One that ends with the connection
// never says so.
func (b *Body) Done() bool {
	switch b.kind {
	case Length:
		return b.left == 0
	case Chunked:
		return b.at == ended
	case UntilClose:
		return false
	}
	return true
}

// Next takes the beginning of p: used bytes, of which data, a part of p, is
// the body's and the rest is framing. Call it again with what is left of p
// until that is empty or the body is Done. A fault is found before the byte
// that shows it is used.
func (b *Body) Next(p []byte) (used int, data []byte, err error) {
	switch b.kind {
	case UntilClose:
		return len(p), p, nil
	case Length:
		n := int(min(b.left, int64(len(p))))
		b.left -= int64(n)
		return n, p[:n], nil
	case Chunked:
		return b.nextChunked(p)
	}
	return 0, nil, nil
}

// Chunk is Next, which also gives the chunk that data is of as it stands in p,
// with its size and the line end behind it: nil where not all of it is in p, or the
// body has no chunks.
func (b *Body) Chunk(p []byte) (used int, data, whole []byte, err error) {
	from, fresh := 0, b.kind == Chunked
	switch b.at {
	case size:
		fresh = fresh && b.digits == 0
	case contentCR:
		from = len("\r\n")
	default:
		fresh = false
	}
	used, data, err = b.Next(p)
	if end := used + len("\r\n"); fresh && len(data) > 0 && b.at == contentCR && end <= len(p) && string(p[used:end]) == "\r\n" {
		whole = p[from:end]
	}
	return used, data, whole, err
}

// Trailers are the raw lines of the trailer section, without its blank line;
// nil when there were none. They are whole when the body is Done.
func (b *Body) Trailers() []byte { return b.trailers }

// UntilClose says whether the body ends with the connection.
func (b *Body) UntilClose() bool { return b.kind == UntilClose }
