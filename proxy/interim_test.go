package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// TestInterimAnswersPass: every 1xx but 101 reaches the client at once, as it
// was, before the engine goes on.
func TestInterimAnswersPass(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c, u := askedFor(t, p, e, "GET")
	for _, interim := range []string{
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\nLink:</b>\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nlink: </c>\r\n\r\n",
		"HTTP/1.1 199 Odd\r\n\r\n",
	} {
		u.send(t, interim)
		c.expect(t, interim)
	}
	u.send(t, withBody("HTTP/1.1 200 OK\r\n", "hello"))
	if m := c.wantAnswer(t, "GET"); m.start != "HTTP/1.1 200 OK" || m.body != "hello" {
		t.Errorf("behind the interim answers came %q %q", m.start, m.body)
	}
	if r := p.records.next(t); r.Status != 200 || r.Outcome != record.Complete {
		t.Errorf("the Record has %d and %s", r.Status, r.Outcome)
	}
	p.records.none(t)
}

// TestInterimAnswersAreNotForHTTP10: a client of HTTP/1.0 knows no 1xx.
func TestInterimAnswersAreNotForHTTP10(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c := dialRaw(t, p.addr)
	c.send(t, "GET /x HTTP/1.0\r\n\r\n")
	u := e.accept(t)
	u.wantRequest(t)
	u.send(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+withBody("HTTP/1.1 200 OK\r\n", "hello"))
	if m := c.wantAnswer(t, "GET"); m.status() != 200 || m.body != "hello" {
		t.Errorf("the client got %q %q", m.start, m.body)
	}
	c.ends(t, "the client's connection")
	p.records.next(t)
}

// TestExpectContinueIsTheEnginesToAnswer: where the body only streams, Expect
// is passed on and the engine's 100 is what the client waits for.
func TestExpectContinueIsTheEnginesToAnswer(t *testing.T) {
	for _, framing := range []string{"Content-Length: 5\r\n", chunked} {
		e := listenRaw(t)
		p := start(t, e.url, nil)
		c := dialRaw(t, p.addr)
		c.send(t, postHead+"Expect: 100-continue\r\n"+framing+"\r\n")
		u := e.accept(t)
		m, err := u.head()
		if err != nil || !slices.Equal(m.values("Expect"), []string{"100-continue"}) {
			t.Fatalf("the engine got %q and %v", m.lines, err)
		}
		u.send(t, "HTTP/1.1 100 Continue\r\n\r\n")
		c.expect(t, "HTTP/1.1 100 Continue\r\n\r\n")
		body := "hello"
		if framing == chunked {
			body = "5\r\nhello\r\n0\r\n\r\n"
		}
		c.send(t, body)
		if err := m.readBody(u.br, "none"); err != nil || m.body != "hello" {
			t.Fatalf("the engine got the body %q and %v", m.body, err)
		}
		u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
		if m := c.wantAnswer(t, "POST"); m.status() != 200 || m.body != "ok" {
			t.Errorf("the client got %q %q", m.start, m.body)
		}
		p.records.next(t)
		p.records.none(t)
	}
}

// TestExpectContinueCanBeRefused: an engine that does not want the body says
// so, and the client need not send it.
func TestExpectContinueCanBeRefused(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c := dialRaw(t, p.addr)
	c.send(t, postHead+"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	u := e.accept(t)
	if m, err := u.head(); err != nil {
		t.Fatalf("the engine got %q and %v", m.lines, err)
	}
	u.send(t, withBody("HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\n", "no"))
	u.leave(t, "half-close")
	if m := c.wantAnswer(t, "POST"); m.status() != 417 || m.body != "no" {
		t.Errorf("the client got %q %q", m.start, m.body)
	}
	if r := p.records.next(t); r.Status != 417 {
		t.Errorf("the Record has %d", r.Status)
	}
	p.records.none(t)
}

// TestExpectContinueIsOursWhenTheBodyIsRead: where the body has to be whole
// before anything goes out, we answer, and the engine is not asked again.
func TestExpectContinueIsOursWhenTheBodyIsRead(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, func(c *Config) { c.Usage = UsageFinal })
	c := dialRaw(t, p.addr)
	c.send(t, fmt.Sprintf("%sExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", jsonHead, len(streaming)))
	c.expect(t, "HTTP/1.1 100 Continue\r\n\r\n")
	c.send(t, streaming)
	u := e.accept(t)
	m := u.wantRequest(t)
	if len(m.values("Expect")) > 0 || !strings.Contains(m.body, `"include_usage":true`) {
		t.Errorf("the engine got %q %q", m.lines, m.body)
	}
	u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
	if m := c.wantAnswer(t, "POST"); m.status() != 200 || m.body != "ok" {
		t.Errorf("the client got %q %q", m.start, m.body)
	}
	p.records.next(t)
	p.records.none(t)
}
