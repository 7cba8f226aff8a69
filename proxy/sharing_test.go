package proxy

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestEitherSidesConnectionLivesItsOwnLife: the client's close ends no
// connection to the engine, and the engine's ends none of a client.
func TestEitherSidesConnectionLivesItsOwnLife(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	e := listenRaw(t)
	p := startFor(t, e.url, 4, nil)
	first := dialRaw(t, p.addr)
	first.send(t, getHead+"Connection: close\r\n\r\n")
	u := e.accept(t)
	u.wantRequest(t)
	u.send(t, answer+"\r\nok")
	if m := first.wantAnswer(t, "GET"); !slices.Equal(m.endToEndLines(), []string{"Content-Length: 2"}) {
		t.Errorf("the client got %q", m.lines)
	}
	first.ends(t, "the connection of a client that said close")
	p.records.next(t)

	c := dialRaw(t, p.addr)
	c.send(t, getHead+"\r\n")
	u.wantRequest(t) // on the connection that the first client left
	u.send(t, answer+"Connection: close\r\n\r\nok")
	u.Close()
	if m := c.wantAnswer(t, "GET"); len(m.values("Connection")) > 0 {
		t.Errorf("the client got %q", m.lines)
	}
	c.send(t, getHead+"\r\n")
	u = e.accept(t)
	u.wantRequest(t)
	u.send(t, answer+"\r\nok")
	c.wantAnswer(t, "GET")

	// A connection that dies while it is idle costs nobody anything.
	u.Close()
	c.send(t, getHead+"\r\n")
	u = e.accept(t)
	u.wantRequest(t)
	u.send(t, answer+"\r\nok")
	if m := c.wantAnswer(t, "GET"); m.status() != 200 {
		t.Errorf("behind a dead connection the client got %q", m.start)
	}
}

// TestPiecesDoNotMatter: an exchange that comes byte by byte from either side
// is the one that comes at once.
func TestPiecesDoNotMatter(t *testing.T) {
	const (
		request = "POST /x HTTP/1.1\r\nHost: h\r\nX: y\r\n" + chunked + "\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
		answer  = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 Fine\r\nX: y\r\n" + chunked + "\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
	)
	drip := func(p *rawPeer, text string) {
		for i := range len(text) {
			if _, err := p.Write([]byte(text[i : i+1])); err != nil {
				return // whoever reads tells what is missing
			}
		}
	}
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c := dialRaw(t, p.addr)
	go drip(c, request)
	u := e.accept(t)
	if m := u.wantRequest(t); m.start != "POST /x HTTP/1.1" || m.body != "hello world" || !slices.Equal(m.endToEndLines(), []string{"Host: h", "X: y"}) || !slices.Equal(m.trailers, []string{"X-Sum: 1"}) {
		t.Errorf("the engine got %+v", m)
	}
	go drip(u, answer)
	c.expect(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
	if m := c.wantAnswer(t, "POST"); m.start != "HTTP/1.1 200 Fine" || m.body != "hello world" || !slices.Equal(m.endToEndLines(), []string{"X: y"}) || !slices.Equal(m.trailers, []string{"X-Sum: 1"}) {
		t.Errorf("the client got %+v", m)
	}
}

// TestNoAnswerGoesToAnotherClient: many clients at once, each with bodies of
// its own in every framing, get their own back whole.
func TestNoAnswerGoesToAnotherClient(t *testing.T) {
	const clients, requests = 32, 12
	e := listenRaw(t)
	e.serve(func(m *rawMessage) string {
		if m.kind == "chunked" {
			return fmt.Sprintf("HTTP/1.1 200 OK\r\n%s\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", chunked, len(m.body), m.body, len(m.start), m.start)
		}
		return withBody("HTTP/1.1 200 OK\r\n", m.body+m.start)
	})
	p := startFor(t, e.url, clients*requests, func(c *Config) { c.Usage, c.Loops = UsageFinal, 3 })
	failed := make(chan error, clients)
	for i := range clients {
		c := dialRaw(t, p.addr)
		go func() { failed <- c.echoes(i, requests) }()
	}
	for range clients {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// echoes sends requests and fails at the first answer that is not their own.
func (p *rawPeer) echoes(client, requests int) error {
	for i := range requests {
		start := fmt.Sprintf("POST /%d/%d HTTP/1.1", client, i)
		if i%3 == 0 {
			start = fmt.Sprintf("POST %s?%d/%d HTTP/1.1", chat, client, i)
		}
		body := strings.Repeat(fmt.Sprintf("%d/%d ", client, i), 1<<(i%12+2))
		in := withBody(start+"\r\nHost: h\r\n", body)
		if i%2 == 0 {
			in = fmt.Sprintf("%s\r\nHost: h\r\n%s\r\n%x\r\n%s\r\n1\r\n!\r\n0\r\n\r\n", start, chunked, len(body), body)
			body += "!"
		}
		if _, err := io.WriteString(p, in); err != nil {
			return err
		}
		m, err := p.answer("POST")
		if err != nil {
			return fmt.Errorf("%s: %w", start, err)
		}
		if m.status() != 200 || m.body != body+start {
			return fmt.Errorf("%s: got %q with %d bytes that end with %q", start, m.start, len(m.body), m.body[max(0, len(m.body)-40):])
		}
	}
	return nil
}
