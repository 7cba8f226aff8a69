package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// TestAnswersWithoutABody: HEAD, 204 and 304 end with their head, whose
// Content-Length is that of a body which never comes, and their connections
// serve the next request.
func TestAnswersWithoutABody(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c := dialRaw(t, p.addr)
	var u *rawPeer
	for _, tt := range []struct{ method, answer string }{
		{"HEAD", "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 123\r\n\r\n"},
		{"HEAD", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n"},
		{"HEAD", "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n"},
		{"GET", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"},
		{"GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\nContent-Length: 123\r\n\r\n"},
		{"GET", "HTTP/1.1 304 Not Modified\r\n\r\n"},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	} {
		c.send(t, tt.method+" /x HTTP/1.1\r\nHost: h\r\n\r\n")
		if u == nil {
			u = e.accept(t)
		}
		if m := u.wantRequest(t); m.start != tt.method+" /x HTTP/1.1" {
			t.Fatalf("the engine got %q", m.start)
		}
		u.send(t, tt.answer)
		c.expect(t, tt.answer)
		if r := p.records.next(t); r.ResponseBytes != 0 || r.Outcome != record.Complete && r.Status < 400 {
			t.Errorf("%q: the Record has %d bytes and %s", tt.answer, r.ResponseBytes, r.Outcome)
		}
	}
	p.records.none(t)
}

// TestHTTP10Clients: they get a body that ends with the connection, decoded,
// and nothing is asked for on their behalf.
func TestHTTP10Clients(t *testing.T) {
	const events = "data: " + tokenEvent + "\n\ndata: " + finishEvent + "\n\ndata: [DONE]\n\n"
	for _, tt := range []struct{ name, lines, keepAlive string }{
		{"chunked", chunked, ""},
		{"with a length", fmt.Sprintf("Content-Length: %d\r\n", len(events)), ""},
		{"until the end", "Connection: close\r\n", ""},
		{"chunked, to a client that would stay", chunked, "Connection: keep-alive\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, func(c *Config) { c.Usage = UsageFinal })
			c := dialRaw(t, p.addr)
			c.send(t, withBody("POST "+chat+" HTTP/1.0\r\n"+tt.keepAlive, streaming))
			u := e.accept(t)
			if m := u.wantRequest(t); m.body != streaming || m.start != "POST "+chat+" HTTP/1.1" || len(m.values("Host")) != 1 {
				t.Errorf("the engine got %q %q %s", m.start, m.lines, m.body)
			}
			u.send(t, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"+tt.lines+"\r\n")
			if tt.lines == chunked {
				u.send(t, fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 40, events[:40], len(events)-40, events[40:]))
			} else {
				u.send(t, events)
			}
			u.leave(t, "half-close")
			m := c.wantAnswer(t, "POST")
			if m.body != events || m.kind == "chunked" {
				t.Errorf("the client got a body of kind %s: %q", m.kind, m.body)
			}
			if tt.lines == chunked && m.kind != "close" {
				t.Errorf("the body is of kind %s", m.kind)
			}
			if rest, reset := c.ends(t, "the client's connection"); rest != "" || reset {
				t.Errorf("behind the answer came %q, reset %v", rest, reset)
			}
			if r := p.records.next(t); r.Outcome != record.Complete {
				t.Errorf("the Record says %s %s", r.Outcome, r.Error)
			}
			p.records.none(t)
		})
	}
}

// TestEnginesThatEndABodyByLeaving: an HTTP/1.0 engine's answer, and one
// without length or chunks, are whole when the engine has closed.
func TestEnginesThatEndABodyByLeaving(t *testing.T) {
	for _, head := range []string{"HTTP/1.0 200 Fine\r\nX: y\r\n\r\n", "HTTP/1.0 200 Fine\r\nX: y\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 Fine\r\nX: y\r\n\r\n", "HTTP/1.1 200 Fine\r\nX: y\r\nConnection: close\r\n\r\n"} {
		t.Run(fmt.Sprintf("%q", head), func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, nil)
			c, u := askedFor(t, p, e, "GET")
			u.send(t, head+"hello")
			u.Close()
			m := c.wantAnswer(t, "GET")
			if m.start != "HTTP/1.1 200 Fine" || m.body != "hello" || !slices.Equal(m.values("X"), []string{"y"}) {
				t.Errorf("the client got %q %q %q", m.start, m.lines, m.body)
			}
			if m.kind == "close" {
				c.ends(t, "the client's connection")
			}
			if r := p.records.next(t); r.Outcome != record.Complete || r.ResponseBytes != 5 {
				t.Errorf("the Record has %s and %d bytes", r.Outcome, r.ResponseBytes)
			}
			p.records.none(t)
		})
	}
}

// TestAStreamOfKnownLengthIsCutToo: where an event stream came with a
// Content-Length, what the client did not ask for is taken out and the length
// put right, in its place.
func TestAStreamOfKnownLengthIsCutToo(t *testing.T) {
	plain := "data: " + tokenEvent + "\n\ndata: " + finishEvent + "\n\ndata: [DONE]\n\n"
	told := strings.Replace(plain, "data: [DONE]", "data: "+usageEvent+"\n\ndata: [DONE]", 1)
	e := listenRaw(t)
	p := start(t, e.url, func(c *Config) { c.Usage = UsageFinal })
	c := dialRaw(t, p.addr)
	c.send(t, withBody(jsonHead, streaming))
	u := e.accept(t)
	u.wantRequest(t)
	const head = "HTTP/1.1 200 OK\r\nX: y\r\ncontent-LENGTH:%d\r\nContent-Type: text/event-stream\r\nX: z\r\n\r\n%s"
	u.send(t, fmt.Sprintf(head, len(told), told))
	c.expect(t, fmt.Sprintf(head, len(plain), plain))
	if r := p.records.next(t); r.Outcome != record.Complete || r.Usage.Source != record.SourceUsage {
		t.Errorf("the Record has %s and %+v", r.Outcome, r.Usage)
	}
	// Its connections are as good as any.
	c.send(t, getHead+"\r\n")
	u.wantRequest(t)
	u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
	if m := c.wantAnswer(t, "GET"); m.body != "ok" {
		t.Errorf("the next answer is %q", m.body)
	}
	p.records.next(t)
	p.records.none(t)
}
