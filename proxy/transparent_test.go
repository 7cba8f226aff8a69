package proxy

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
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

// TestBytesLeaveInTheReadThatBroughtThem: the client has what the engine wrote,
// however little, before the engine writes more.
func TestBytesLeaveInTheReadThatBroughtThem(t *testing.T) {
	event := "data: " + tokenEvent + "\n\n"
	// What is asked for may hold back an event's beginning while it can still
	// be the usage event.
	told := strings.Index(event, `"choices":[{`) + len(`"choices":[{`)
	for _, tt := range []struct {
		usage  Usage
		pieces []string
	}{
		{UsageObserve, []string{"d", "ata:", " {\"id\"", event[len("data: {\"id\""):], ": comment\n\n", event}},
		{UsageFinal, []string{event[:told], event[told : told+3], event[told+3:], event, event + event[:told], event[told:]}},
		{UsageContinuous, []string{event, event + event, event}},
	} {
		for _, framing := range []string{chunked, "Content-Length: 1000000\r\n", "Connection: close\r\n"} {
			if tt.usage != UsageObserve && framing != chunked {
				continue // such a body may be read whole to put its length right
			}
			t.Run(string(tt.usage)+" "+framing, func(t *testing.T) {
				t.Parallel()
				e := listenRaw(t)
				p := start(t, e.url, func(c *Config) { c.Usage = tt.usage })
				c := dialRaw(t, p.addr)
				c.send(t, withBody(jsonHead, streaming))
				u := e.accept(t)
				u.wantRequest(t)
				u.send(t, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"+framing+"\r\n")
				m, err := c.head() // a head leaves before a body comes
				if err != nil || m.status() != 200 {
					t.Fatalf("the client got %q and %v", m.start, err)
				}
				body, err := m.open(c.br, "close")
				if err != nil {
					t.Fatal(err)
				}
				for _, piece := range tt.pieces {
					if framing == chunked {
						u.send(t, fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece))
					} else {
						u.send(t, piece)
					}
					body.expect(t, piece)
				}
				u.Close()
				if framing != "Connection: close\r\n" {
					c.ends(t, "the client's connection") // the answer is not whole
				}
				p.records.next(t)
				p.records.none(t)
			})
		}
	}
}

// TestPartsOfAChunkLeaveToo: an engine that writes half of a large chunk has
// the client read it.
func TestPartsOfAChunkLeaveToo(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c, u := askedFor(t, p, e, "GET")
	u.send(t, okHead+chunked+"\r\n100\r\n"+strings.Repeat("a", 10))
	m, err := c.head()
	if err != nil {
		t.Fatal(err)
	}
	body, err := m.open(c.br, "close")
	if err != nil {
		t.Fatal(err)
	}
	body.expect(t, strings.Repeat("a", 10))
	u.send(t, "b")
	body.expect(t, "b")
	u.send(t, strings.Repeat("c", 0x100-11)+"\r\n0\r\n\r\n")
	if rest, err := io.ReadAll(body); err != nil || string(rest) != strings.Repeat("c", 0x100-11) {
		t.Errorf("the rest is %q and %v", rest, err)
	}
	p.records.next(t)
}

// TestPipelinedRequestsAreAnsweredInOrder and whole, however they are framed.
func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	for _, usage := range []Usage{UsageObserve, UsageFinal} {
		t.Run(string(usage), func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, func(c *Config) { c.Usage = usage })
			e.serve(func(m *rawMessage) string {
				_, target, _ := strings.Cut(m.start, " ")
				target, _, _ = strings.Cut(target, " ")
				return withBody("HTTP/1.1 200 OK\r\n", target+" "+m.body)
			})
			plain := `{"model":"m","messages":[]}`
			c := dialRaw(t, p.addr)
			c.send(t, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"+
				withBody("POST /2 HTTP/1.1\r\nHost: h\r\n", "GET /evil HTTP/1.1\r\n\r\n")+
				"POST /3 HTTP/1.1\r\nHost: h\r\n"+chunked+"\r\n5\r\nhello\r\n0\r\n\r\n"+
				withBody(jsonHead, plain)+
				"\r\n"+ // which some clients send behind a body
				jsonHead+chunked+"\r\n"+fmt.Sprintf("%x\r\n%s\r\n0\r\nX: y\r\n\r\n", len(plain), plain)+
				"HEAD /6 HTTP/1.1\r\nHost: h\r\n\r\n"+
				"GET /7 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"+
				"GET /8 HTTP/1.1\r\nHost: h\r\n\r\n")
			for i, want := range []string{"/1 ", "/2 GET /evil HTTP/1.1\r\n\r\n", "/3 hello", chat + " " + plain, chat + " " + plain, "", "/7 "} {
				method := "GET"
				if want == "" {
					method = "HEAD"
				}
				if m := c.wantAnswer(t, method); m.status() != 200 || m.body != want {
					t.Errorf("answer %d is %q %q, want %q", i+1, m.start, m.body, want)
				}
				p.records.next(t)
			}
			if rest, _ := c.ends(t, "the client's connection"); rest != "" {
				t.Errorf("behind the last answer came %q", rest)
			}
			p.records.none(t)
		})
	}
}

// TestLargeBodiesStream: the engine reads what has come of a body over the
// inject limit while the client still writes.
func TestLargeBodiesStream(t *testing.T) {
	const limit, part, total = 1000, 4000, 100_000
	text := `{"stream":true,"x":"` + strings.Repeat("y", total-22) + `"}`
	for _, framing := range []string{fmt.Sprintf("Content-Length: %d\r\n", total), chunked} {
		t.Run(framing, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, func(c *Config) { c.Usage, c.InjectLimit = UsageFinal, limit })
			c := dialRaw(t, p.addr)
			framed := func(s string) string {
				if framing == chunked {
					return fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
				}
				return s
			}
			end := ""
			if framing == chunked {
				end = "0\r\n\r\n"
			}
			c.send(t, jsonHead+framing+"\r\n"+framed(text[:part]))
			u := e.accept(t)
			m, err := u.head()
			if err != nil {
				t.Fatal(err)
			}
			body, err := m.open(u.br, "none")
			if err != nil {
				t.Fatal(err)
			}
			body.expect(t, text[:part])
			c.send(t, framed(text[part:part+1]))
			body.expect(t, text[part:part+1])
			sendAnyway(c, framed(text[part+1:])+end)
			if rest, err := io.ReadAll(body); err != nil || string(rest) != text[part+1:] {
				t.Errorf("the engine got %d more bytes and %v", len(rest), err)
			}
			u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
			if m := c.wantAnswer(t, "POST"); m.body != "ok" {
				t.Errorf("the client got %q", m.body)
			}
			if r := p.records.next(t); r.RequestBytes != total || len(r.Warnings) == 0 {
				t.Errorf("the Record has %d bytes and the warnings %q", r.RequestBytes, r.Warnings)
			}
			p.records.none(t)
		})
	}
}

// TestAnAnswerToHalfARequestIsHeard: an engine may answer before it has read
// the body; the client hears it while it still writes, whether or not the
// engine then leaves.
func TestAnAnswerToHalfARequestIsHeard(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		for _, framing := range []string{"Content-Length: 100000\r\n", chunked} {
			t.Run(fmt.Sprintf("%s leaves %v", framing, leaves), func(t *testing.T) {
				t.Parallel()
				e := listenRaw(t)
				p := start(t, e.url, nil)
				c := dialRaw(t, p.addr)
				c.send(t, postHead+framing+"\r\n5\r\nhello\r\n")
				u := e.accept(t)
				m, err := u.head()
				if err != nil {
					t.Fatal(err)
				}
				body, err := m.open(u.br, "none")
				if err != nil {
					t.Fatal(err)
				}
				if framing == chunked {
					body.expect(t, "hello")
				} else {
					body.expect(t, "5\r\nhello\r\n")
				}
				answer := withBody("HTTP/1.1 413 Payload Too Large\r\nX: y\r\nConnection: close\r\n", "large")
				u.send(t, answer)
				if leaves {
					u.leave(t, "half-close")
				}
				if m := c.wantAnswer(t, "POST"); m.start != "HTTP/1.1 413 Payload Too Large" || m.body != "large" {
					t.Errorf("the client got %q %q", m.start, m.body)
				}
				c.Close()
				u.ends(t, "the engine's connection")
				if r := p.records.next(t); r.Status != 413 {
					t.Errorf("the Record has %d and %s", r.Status, r.Outcome)
				}
				p.records.none(t)
			})
		}
	}
}

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
