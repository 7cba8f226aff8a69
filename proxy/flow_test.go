package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

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
