package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// head is a message's head as it was on the wire. It is read again and again
// into the same memory.
type head struct{ raw []byte }

// headLimit is the largest head that either end of ours reads.
const headLimit = 4 << 20

var (
	errHeadTooLarge = errors.New("the head is larger than can be read")
	errFraming      = errors.New("the message is not framed as HTTP has it")
)

// read reads up to the empty line. Its error is io.EOF only where nothing came.
func (h *head) read(br *bufio.Reader) error {
	h.raw = h.raw[:0]
	for {
		piece, err := br.ReadSlice('\n')
		h.raw = append(h.raw, piece...)
		switch {
		case len(h.raw) > headLimit:
			return errHeadTooLarge
		case err == io.EOF && len(h.raw) > 0:
			return io.ErrUnexpectedEOF
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		case bytes.HasSuffix(h.raw, []byte("\r\n\r\n")):
			return nil
		}
	}
}

// first is the request line or the status line.
func (h *head) first() []byte {
	line, _, _ := bytes.Cut(h.raw, []byte("\r\n"))
	return line
}

// get is the value of the first field of that name.
func (h *head) get(name string) ([]byte, bool) {
	v, n := h.find(name)
	return v, n > 0
}

// find is the value of the first field of that name, and how many there are.
func (h *head) find(name string) (value []byte, n int) {
	_, rest, _ := bytes.Cut(h.raw, []byte("\r\n"))
	for len(rest) > 2 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if len(line) <= len(name) || line[len(name)] != ':' || !equalFold(line[:len(name)], name) {
			continue
		}
		if n++; n == 1 {
			value = bytes.TrimSpace(line[len(name)+1:])
		}
	}
	return value, n
}

// equalFold is for names in ASCII, without an allocation.
func equalFold(b []byte, name string) bool {
	for i := range b {
		if b[i]|0x20 != name[i]|0x20 {
			return false
		}
	}
	return true
}

// status is the status of an answer, 0 where the line is none.
func (h *head) status() int {
	line := h.first()
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return 0
	}
	n, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0
	}
	return n
}

// framing says how long a body is.
type framing struct {
	length  int64 // where it is announced
	chunked bool
	toEnd   bool // it ends with the connection
}

// framing is strict: what two readers could understand differently is an error.
func (h *head) framing(answer bool) (framing, error) {
	length, lengths := h.find("Content-Length")
	coding, codings := h.find("Transfer-Encoding")
	switch {
	case lengths > 1 || codings > 1 || lengths+codings > 1:
		return framing{}, fmt.Errorf("%w: %d Content-Length and %d Transfer-Encoding", errFraming, lengths, codings)
	case codings == 1 && string(coding) == "chunked":
		return framing{chunked: true}, nil
	case codings == 1:
		return framing{}, fmt.Errorf("%w: Transfer-Encoding %q", errFraming, coding)
	case lengths == 1:
		n, err := strconv.ParseUint(string(length), 10, 62)
		if err != nil {
			return framing{}, fmt.Errorf("%w: Content-Length %q", errFraming, length)
		}
		return framing{length: int64(n)}, nil
	}
	return framing{toEnd: answer}, nil
}

// readBody hands the decoded body to sink, piece by piece. It returns nil only
// where the body ended as its framing says. trailers gets what follows the last
// chunk, without the empty line.
func readBody(br *bufio.Reader, f framing, sink func([]byte), trailers *[]byte) error {
	switch {
	case f.toEnd:
		return readToEnd(br, sink)
	case f.chunked:
		return readChunks(br, sink, trailers)
	}
	return readLength(br, f.length, sink)
}

func readLength(br *bufio.Reader, n int64, sink func([]byte)) error {
	for n > 0 {
		if _, err := br.Peek(1); err != nil {
			return cutShort(err)
		}
		p, _ := br.Peek(int(min(int64(br.Buffered()), n)))
		sink(p)
		n -= int64(len(p))
		if _, err := br.Discard(len(p)); err != nil {
			return err
		}
	}
	return nil
}

func readToEnd(br *bufio.Reader, sink func([]byte)) error {
	for {
		if _, err := br.Peek(1); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		p, _ := br.Peek(br.Buffered())
		sink(p)
		if _, err := br.Discard(len(p)); err != nil {
			return err
		}
	}
}

func readChunks(br *bufio.Reader, sink func([]byte), trailers *[]byte) error {
	for {
		line, err := br.ReadSlice('\n')
		if err != nil {
			return cutShort(err)
		}
		size, ok := bytes.CutSuffix(line, []byte("\r\n"))
		size, _, _ = bytes.Cut(size, []byte(";"))
		n, err := parseHex(size)
		if err != nil || !ok {
			return fmt.Errorf("%w: chunk size %q", errFraming, line)
		}
		if n == 0 {
			return readTrailers(br, trailers)
		}
		if err := readLength(br, n, sink); err != nil {
			return err
		}
		var end [2]byte
		if _, err := io.ReadFull(br, end[:]); err != nil {
			return cutShort(err)
		}
		if string(end[:]) != "\r\n" {
			return fmt.Errorf("%w: a chunk ends in %q", errFraming, end)
		}
	}
}

func readTrailers(br *bufio.Reader, trailers *[]byte) error {
	for {
		line, err := br.ReadSlice('\n')
		if err != nil {
			return cutShort(err)
		}
		if string(line) == "\r\n" {
			return nil
		}
		if trailers != nil {
			*trailers = append(*trailers, line...)
		}
	}
}

func parseHex(b []byte) (n int64, err error) {
	if len(b) == 0 || len(b) > 15 {
		return 0, errFraming
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int64(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | int64(c|0x20-'a'+10)
		default:
			return 0, errFraming
		}
	}
	return n, nil
}

// cutShort is what an end in the middle of a message is.
func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
