package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// jsonHead begins a chat request whose framing lines follow.
const jsonHead = "POST " + chat + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"

// withBody is a head with the length of a body, and the body.
func withBody(head, body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

// TestHopByHopLinesEndHere: what belongs to one connection is taken out of
// either head, and nothing is put in: no Date, Server, Content-Type,
// User-Agent, Via or X-Forwarded line of our own.
func TestHopByHopLinesEndHere(t *testing.T) {
	for _, tt := range []struct {
		name        string
		sent, wants []string
	}{
		{"nothing to take out", []string{"X: y"}, []string{"X: y"}},
		{"Connection", []string{"Connection: keep-alive", "X: y"}, []string{"X: y"}},
		{"Connection in another case", []string{"cONNECTION:Keep-Alive", "X: y"}, []string{"X: y"}},
		{"what Connection names", []string{"X-Hop: 1", "Connection: x-hop, X-Also", "x-also: 2", "X-HOP: 3", "X: y"}, []string{"X: y"}},
		{"what two Connections name", []string{"Connection: x-hop", "X-Hop: 1", "Connection: x-also ,,", "X-Also: 2", "X: y"}, []string{"X: y"}},
		{"Connection that names what a message needs", []string{"Connection: authorization, content-length, content-type", "Authorization: k", "Content-Type: text/plain"}, []string{"Authorization: k", "Content-Type: text/plain"}},
		{"Keep-Alive", []string{"Keep-Alive: timeout=5", "X: y"}, []string{"X: y"}},
		{"Proxy-Connection", []string{"Proxy-Connection: keep-alive", "X: y"}, []string{"X: y"}},
		{"TE", []string{"TE: trailers", "Connection: TE", "X: y"}, []string{"X: y"}},
		{"Upgrade that Connection does not name", []string{"Upgrade: h2c", "X: y"}, []string{"X: y"}},
		{"lines of others that stand in between", []string{"Via: 1.1 a", "X-Forwarded-For: 1.2.3.4", "Forwarded: for=x", "X-Real-IP: 1.2.3.4"}, []string{"Via: 1.1 a", "X-Forwarded-For: 1.2.3.4", "Forwarded: for=x", "X-Real-IP: 1.2.3.4"}},
		{"names that only look alike", []string{"X-Connection: a", "Keep-Alive-X: b", "Te-X: c", "Connection-X: close"}, []string{"X-Connection: a", "Keep-Alive-X: b", "Te-X: c", "Connection-X: close"}},
		{"tracing of others", []string{"traceparent: 00-11111111111111111111111111111111-2222222222222222-00", "tracestate: a=b", "X-Request-Id: mine"}, []string{"traceparent: 00-11111111111111111111111111111111-2222222222222222-00", "tracestate: a=b", "X-Request-Id: mine"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, nil)
			lines := strings.Join(tt.sent, "\r\n") + "\r\n"
			c := dialRaw(t, p.addr)
			c.send(t, withBody("POST /x HTTP/1.1\r\nHost: h\r\n"+lines, "hello"))
			u := e.accept(t)
			got := u.wantRequest(t)
			if want := slices.Concat([]string{"Host: h"}, tt.wants, []string{"Content-Length: 5"}); !slices.Equal(got.lines, want) {
				t.Errorf("the engine got the lines\n%q, want\n%q", got.lines, want)
			}
			if got.body != "hello" {
				t.Errorf("the engine got the body %q", got.body)
			}
			u.send(t, withBody("HTTP/1.1 200 OK\r\n"+lines, "world"))
			m := c.wantAnswer(t, "POST")
			if want := append(slices.Clone(tt.wants), "Content-Length: 5"); !slices.Equal(m.lines, want) {
				t.Errorf("the client got the lines\n%q, want\n%q", m.lines, want)
			}
			if m.body != "world" {
				t.Errorf("the client got the body %q", m.body)
			}
			p.records.next(t)
			p.records.none(t)
		})
	}
}

// TestTheInjectedHeadIsTheClientsOwn: asking for usage changes the body and
// the digits of Content-Length, and nothing else.
func TestTheInjectedHeadIsTheClientsOwn(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, func(c *Config) { c.Usage = UsageFinal })
	c := dialRaw(t, p.addr)
	c.send(t, fmt.Sprintf("POST %s HTTP/1.1\r\nx-first:1\r\nHOST: h\r\ncontent-LENGTH:  %d \r\nContent-Type:application/json\r\nuser-agent: ua\r\nX-Last:\r\n\r\n%s", chat, len(streaming), streaming))
	u := e.accept(t)
	m := u.wantRequest(t)
	const asked = `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`
	want := []string{"x-first:1", "HOST: h", fmt.Sprintf("content-LENGTH:  %d ", len(asked)), "Content-Type:application/json", "user-agent: ua", "X-Last:"}
	if !slices.Equal(m.lines, want) || m.body != asked {
		t.Errorf("the engine got\n%q with %s, want\n%q with %s", m.lines, m.body, want, asked)
	}
	u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
	c.wantAnswer(t, "POST")
	p.records.next(t)
}

// TestTrailersPassBothWays, with the lines that announce them.
func TestTrailersPassBothWays(t *testing.T) {
	const message = "Trailer: X-Sum\r\n" + chunked + "\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-other:2\r\nX-Sum: 3\r\n\r\n"
	want := []string{"X-Sum: 1", "x-other:2", "X-Sum: 3"}
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c := dialRaw(t, p.addr)
	c.send(t, "POST /x HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n"+message)
	u := e.accept(t)
	if m := u.wantRequest(t); !slices.Equal(m.trailers, want) || !slices.Equal(m.values("Trailer"), []string{"X-Sum"}) {
		t.Errorf("the engine got %q with the trailers %q", m.lines, m.trailers)
	}
	u.send(t, "HTTP/1.1 200 OK\r\n"+message)
	if m := c.wantAnswer(t, "POST"); !slices.Equal(m.trailers, want) || !slices.Equal(m.values("Trailer"), []string{"X-Sum"}) {
		t.Errorf("the client got %q with the trailers %q", m.lines, m.trailers)
	}
	p.records.next(t)
	p.records.none(t)
}

// TestALargeAnswerHeadPasses: 64 KiB of it.
func TestALargeAnswerHeadPasses(t *testing.T) {
	const size = 64 << 10
	head := "HTTP/1.1 200 OK\r\n"
	for i := 0; len(head)+1<<10 < size; i++ {
		head += lineOf(fmt.Sprintf("X-%d", i), 1<<10-100) + "\r\n"
	}
	const end = "Content-Length: 2\r\n\r\n"
	head += lineOf("X-Rest", size-len(head)-len("X-Rest: \r\n")-len(end)) + "\r\n" + end
	if len(head) != size {
		t.Fatalf("the head has %d bytes", len(head))
	}
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c, u := askedFor(t, p, e, "GET")
	u.send(t, head+"ok")
	c.expect(t, head+"ok")
	p.records.next(t)
	p.records.none(t)
}
