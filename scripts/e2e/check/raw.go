package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is what is sent, with a head that is ours to the last letter.
type request struct{ method, path, body string }

// answer is what a client saw: the head as it came on the wire.
type answer struct {
	line    string   // the status line
	code    int      // its number
	header  []string // end-to-end lines, in their order and case
	framing string   // how the end of the body was told
	body    []byte   // with the transfer coding undone
}

// to sends the request to a base URL on a connection of its own.
func (r request) to(base, id string) (*answer, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", u.Host, 10*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", base, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, err
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nX-Request-Id: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		r.method, r.path, u.Host, id, len(r.body))
	if _, err := io.WriteString(conn, head+r.body); err != nil {
		return nil, fmt.Errorf("sending %s to %s: %w", id, base, err)
	}
	var raw bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), &http.Request{Method: r.method})
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s from %s: %w", id, base, err)
	}
	defer resp.Body.Close()
	a := &answer{code: resp.StatusCode, framing: framing(resp)}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, fmt.Errorf("reading the answer to %s from %s: %w", id, base, err)
	}
	a.readHead(raw.String())
	return a, nil
}

func framing(resp *http.Response) string {
	switch {
	case len(resp.TransferEncoding) > 0:
		return "Transfer-Encoding: " + strings.Join(resp.TransferEncoding, ",")
	case resp.ContentLength >= 0:
		return "Content-Length" // of its own body, or reading it had failed
	}
	return "closing"
}

// readHead takes the lines of the head that go from end to end. What is told of
// the body's length is in framing, as times in a body have no fixed length.
func (a *answer) readHead(raw string) {
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	a.line = lines[0]
	for _, l := range lines[1:] {
		name, _, _ := strings.Cut(l, ":")
		switch strings.ToLower(name) {
		case "connection", "keep-alive", "transfer-encoding": // of one hop
		case "date", "content-length":
			a.header = append(a.header, name+": (its own)")
		default:
			a.header = append(a.header, l)
		}
	}
}
