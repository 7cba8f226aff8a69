package proxy

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rawMessage is one request or answer as it came.
type rawMessage struct {
	start    string   // the request or status line
	lines    []string // header lines, without CRLF
	kind     string   // how the body ends: none, length, chunked, close
	body     string   // decoded
	trailers []string
}

// head reads the start line and the header lines, and insists on CRLF.
func (p *rawPeer) head() (*rawMessage, error) {
	m := new(rawMessage)
	var err error
	if m.start, err = rawLine(p.br); err != nil {
		return m, err
	}
	m.lines, err = rawLines(p.br)
	return m, err
}

func rawLine(br *bufio.Reader) (string, error) {
	line, err := br.ReadString('\n')
	if err == nil && !strings.HasSuffix(line, "\r\n") {
		err = fmt.Errorf("the line %q does not end with CRLF", line)
	}
	if err == io.EOF && line != "" {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSuffix(line, "\r\n"), err
}

// rawLines reads lines up to the empty one.
func rawLines(br *bufio.Reader) (lines []string, err error) {
	for {
		line, err := rawLine(br)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || line == "" {
			return lines, err
		}
		lines = append(lines, line)
	}
}

// request reads a whole request.
func (p *rawPeer) request() (*rawMessage, error) {
	m, err := p.head()
	if err != nil {
		return m, err
	}
	return m, m.readBody(p.br, "none")
}

// wantRequest reads a whole request that must be there.
func (p *rawPeer) wantRequest(t *testing.T) *rawMessage {
	t.Helper()
	m, err := p.request()
	if err != nil {
		t.Fatalf("reading a request: %v after %+v", err, m)
	}
	return m
}

// answer reads a whole answer to a request with the method.
func (p *rawPeer) answer(method string) (*rawMessage, error) {
	m, err := p.head()
	if err != nil {
		return m, err
	}
	if status := m.status(); status < 200 || status == 204 || status == 304 || method == "HEAD" {
		m.kind = "none"
		return m, nil
	}
	return m, m.readBody(p.br, "close")
}

func (p *rawPeer) wantAnswer(t *testing.T, method string) *rawMessage {
	t.Helper()
	m, err := p.answer(method)
	if err != nil {
		t.Fatalf("reading an answer: %v after %.2000q", err, m)
	}
	return m
}

// readBody reads the body; unsaid is how it ends where no line tells.
func (m *rawMessage) readBody(br *bufio.Reader, unsaid string) error {
	r, err := m.open(br, unsaid)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(r)
	m.body, m.trailers = string(b), r.trailers
	return err
}

// open begins to read the body.
func (m *rawMessage) open(br *bufio.Reader, unsaid string) (*rawBody, error) {
	lengths, codings := m.values("Content-Length"), m.values("Transfer-Encoding")
	r := &rawBody{br: br}
	switch m.kind = unsaid; {
	case len(lengths)+len(codings) > 1:
		return nil, fmt.Errorf("lengths %q and codings %q in one message", lengths, codings)
	case len(codings) == 1 && strings.EqualFold(codings[0], "chunked"):
		m.kind = "chunked"
	case len(codings) == 1:
		return nil, fmt.Errorf("the coding %q", codings[0])
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 62)
		if err != nil {
			return nil, err
		}
		m.kind, r.left = "length", int64(n)
	}
	r.kind = m.kind
	return r, nil
}

// rawBody decodes a body as it comes.
type rawBody struct {
	br       *bufio.Reader
	kind     string
	left     int64 // of the body, or of the chunk
	inside   bool  // a chunk, whose CRLF is still to come
	ended    bool
	trailers []string
}

func (r *rawBody) Read(p []byte) (int, error) {
	if r.kind == "close" {
		return r.br.Read(p)
	}
	if r.kind == "chunked" && r.left == 0 && !r.ended {
		if err := r.nextChunk(); err != nil {
			return 0, err
		}
	}
	if r.kind == "none" || r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.br.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextChunk reads up to the next chunk's data, or to the body's end.
func (r *rawBody) nextChunk() error {
	if r.inside {
		if line, err := rawLine(r.br); err != nil || line != "" {
			return fmt.Errorf("%q and %w behind a chunk", line, orUnexpected(err))
		}
	}
	line, err := rawLine(r.br)
	if err != nil {
		return orUnexpected(err)
	}
	digits, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(digits, 16, 62)
	if err != nil {
		return fmt.Errorf("reading a chunk's size: %w", err)
	}
	r.left, r.inside = int64(n), true
	if n == 0 {
		r.ended = true
		r.trailers, err = rawLines(r.br)
	}
	return err
}

// orUnexpected is err, where the end of the connection, or none at all, is not
// what had to come.
func orUnexpected(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// expect reads exactly want of the decoded body.
func (r *rawBody) expect(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if err != nil || string(got) != want {
		t.Fatalf("read %.600q and %v of the body, want %.600q", got[:n], err, want)
	}
}

// values are the values of the lines with the name.
func (m *rawMessage) values(name string) (values []string) {
	for _, line := range m.lines {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			values = append(values, strings.Trim(v, " \t"))
		}
	}
	return values
}

// status is an answer's, 0 if there is none.
func (m *rawMessage) status() int {
	if _, rest, ok := strings.Cut(m.start, " "); ok && len(rest) >= 3 {
		if n, err := strconv.Atoi(rest[:3]); err == nil {
			return n
		}
	}
	return 0
}

// endToEndLines are the lines less those that belong to one connection.
func (m *rawMessage) endToEndLines() []string {
	return slices.DeleteFunc(slices.Clone(m.lines), func(line string) bool {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade":
			return true
		}
		return false
	})
}
