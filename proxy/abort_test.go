package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// phases are the moments of an exchange at which either side may leave: reach
// plays both sides up to there.
var phases = []struct {
	name  string
	body  string // of the client's request
	reach func(t *testing.T, c, u *rawPeer)
}{
	{"waiting for an answer in one piece", `{"model":"m"}`, func(*testing.T, *rawPeer, *rawPeer) {}},
	{"before the first token", streaming, func(t *testing.T, c, u *rawPeer) { beginStream(t, c, u) }},
	{"mid-stream", streaming, func(t *testing.T, c, u *rawPeer) {
		body := beginStream(t, c, u)
		event := "data: " + tokenEvent + "\n\n"
		u.send(t, fmt.Sprintf("%x\r\n%s\r\n", len(event), event))
		body.expect(t, event)
	}},
}

// beginStream has the engine send a stream's head and the client read it.
func beginStream(t *testing.T, c, u *rawPeer) *rawBody {
	t.Helper()
	u.send(t, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"+chunked+"\r\n")
	m, err := c.head()
	if err != nil || m.status() != 200 {
		t.Fatalf("the client got %q and %v", m.start, err)
	}
	body, err := m.open(c.br, "close")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestAClientThatLeavesIsToldToTheEngine: in every phase and however the
// client leaves, the engine's connection is closed without waiting for either
// side to send anything, bytes waiting behind the request or not; there is one
// Record, and it says so.
func TestAClientThatLeavesIsToldToTheEngine(t *testing.T) {
	for _, phase := range phases {
		for _, how := range []string{"FIN", "RST", "half-close"} {
			for _, behind := range []string{"", "GET /next HTTP/1.1\r\nHost: h\r\n\r\n", "GET /ne"} {
				for _, usage := range []Usage{UsageObserve, UsageFinal} {
					t.Run(fmt.Sprintf("%s, %s, behind it %.7q, %s", phase.name, how, behind, usage), func(t *testing.T) {
						t.Parallel()
						e := listenRaw(t)
						p := startFor(t, e.url, 1, func(c *Config) { c.Usage = usage })
						c := dialRaw(t, p.addr)
						c.send(t, withBody(jsonHead, phase.body)+behind)
						u := e.accept(t)
						u.wantRequest(t)
						phase.reach(t, c, u)
						c.leave(t, how)
						if rest, _ := u.ends(t, "the engine's connection"); rest != "" {
							t.Errorf("the engine got %q behind the request", rest)
						}
						if r := p.records.next(t); r.Outcome != record.ClientAbort {
							t.Errorf("the Record says %s %s", r.Outcome, r.Error)
						}
						eventually(t, "no request to run", func() bool { return p.live.Active.Load() == 0 })
						if how == "half-close" {
							c.ends(t, "the client's connection")
						}
					})
				}
			}
		}
	}
}

// TestAClientThatLeavesItsRequestHalfDone: the engine never takes half a body
// for a whole one; where the body is read whole first, it hears nothing. (A
// small body of known length may be gathered: the row with a length is large.)
func TestAClientThatLeavesItsRequestHalfDone(t *testing.T) {
	for _, how := range []string{"FIN", "RST", "half-close"} {
		for _, framing := range []string{"Content-Length: 100000\r\n\r\nhello", chunked + "\r\n5\r\nhello\r\n", chunked + "\r\n5\r\nhel", chunked + "\r\n5\r\nhello\r\n0\r\n", chunked + "\r\n5\r\nhello\r\n0\r\nX: y\r\n"} {
			t.Run(fmt.Sprintf("%s after %q", how, framing), func(t *testing.T) {
				t.Parallel()
				e := listenRaw(t)
				p := startFor(t, e.url, 1, nil)
				c := dialRaw(t, p.addr)
				c.send(t, postHead+framing)
				u := e.accept(t)
				m, err := u.head()
				if err != nil {
					t.Fatal(err)
				}
				body, err := m.open(u.br, "none")
				if err != nil {
					t.Fatal(err)
				}
				body.expect(t, "hel")
				c.leave(t, how)
				wantIncomplete(t, u, m, body)
				if r := p.records.next(t); r.Outcome != record.ClientAbort {
					t.Errorf("the Record says %s %s", r.Outcome, r.Error)
				}
			})
			t.Run(fmt.Sprintf("%s after %q, read whole", how, framing), func(t *testing.T) {
				t.Parallel()
				e := listenDeaf(t)
				t.Run("gone", func(t *testing.T) {
					p := startFor(t, e.url, 1, func(c *Config) { c.Usage = UsageFinal })
					c := dialRaw(t, p.addr)
					c.send(t, jsonHead+framing)
					eventually(t, "the request to have begun", func() bool { return p.live.Active.Load() == 1 })
					c.leave(t, how)
					if r := p.records.next(t); r.Outcome != record.ClientAbort {
						t.Errorf("the Record says %s %s", r.Outcome, r.Error)
					}
				})
				e.heardNothing(t)
			})
		}
	}
}

// TestAClientThatLeavesInAHead made no request: the engine hears nothing of it,
// and the next client is served.
func TestAClientThatLeavesInAHead(t *testing.T) {
	for _, how := range []string{"FIN", "RST", "half-close"} {
		for _, part := range []string{"", "\r\n", "GET", "GET /x HTTP/1.1\r\nHost: h\r\n"} {
			t.Run(fmt.Sprintf("%s after %q", how, part), func(t *testing.T) {
				t.Parallel()
				e := listenRaw(t)
				t.Run("gone", func(t *testing.T) {
					p := start(t, e.url, nil)
					c := dialRaw(t, p.addr)
					c.send(t, part)
					c.leave(t, how)
					if how == "half-close" {
						c.ends(t, "the client's connection")
					}
					wantFresh(t, p, e)
				})
				e.heardNothing(t)
			})
		}
	}
}

// TestAnEngineThatLeavesIsToldToTheClient: a client that has been sent nothing
// gets 502, and one that has part of an answer sees its connection end without
// the answer's proper end. There is one Record.
func TestAnEngineThatLeavesIsToldToTheClient(t *testing.T) {
	for i, phase := range phases {
		for _, how := range []string{"FIN", "RST", "half-close"} {
			for _, usage := range []Usage{UsageObserve, UsageFinal} {
				t.Run(fmt.Sprintf("%s, %s, %s", phase.name, how, usage), func(t *testing.T) {
					t.Parallel()
					e := listenRaw(t)
					p := startFor(t, e.url, 1, func(c *Config) { c.Usage = usage })
					c := dialRaw(t, p.addr)
					c.send(t, withBody(jsonHead, phase.body))
					u := e.accept(t)
					u.wantRequest(t)
					phase.reach(t, c, u)
					u.leave(t, how)
					want := record.Truncated
					if i == 0 {
						want = record.Unreachable
						if m := c.wantAnswer(t, "POST"); m.status() != 502 {
							t.Errorf("the client got %q", m.start)
						}
					} else if rest, _ := c.ends(t, "the client's connection"); strings.Contains(rest, "0\r\n\r\n") {
						t.Errorf("the answer ended as if it were whole: %q", rest)
					}
					if r := p.records.next(t); r.Outcome != want {
						t.Errorf("the Record says %s %s, want %s", r.Outcome, r.Error, want)
					}
					if how == "half-close" {
						u.ends(t, "the engine's connection")
					}
				})
			}
		}
	}
}

// TestHalfABodyIsResetWhereOnlyTheEndWouldTell: a client of HTTP/1.0 would take
// a plain close for the answer's end.
func TestHalfABodyIsResetWhereOnlyTheEndWouldTell(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c := dialRaw(t, p.addr)
	c.send(t, "GET /x HTTP/1.0\r\n\r\n")
	u := e.accept(t)
	u.wantRequest(t)
	u.send(t, okHead+chunked+"\r\n5\r\nhello\r\n")
	m, err := c.head()
	if err != nil {
		t.Fatal(err)
	}
	body, err := m.open(c.br, "close")
	if err != nil {
		t.Fatal(err)
	}
	body.expect(t, "hello")
	u.Close()
	if rest, reset := c.ends(t, "the client's connection"); rest != "" || !reset {
		t.Errorf("after half an answer came %q and the end, reset %v", rest, reset)
	}
	if r := p.records.next(t); r.Outcome != record.Truncated {
		t.Errorf("the Record says %s", r.Outcome)
	}
}

// TestWhatArrivedBeforeTheEndIsDelivered: the last bytes of an engine that dies
// are the client's, also those that were held back to be looked at.
func TestWhatArrivedBeforeTheEndIsDelivered(t *testing.T) {
	for _, usage := range []Usage{UsageObserve, UsageFinal, UsageContinuous} {
		t.Run(string(usage), func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := startFor(t, e.url, 1, func(c *Config) { c.Usage = usage })
			c := dialRaw(t, p.addr)
			c.send(t, withBody(jsonHead, streaming))
			u := e.accept(t)
			u.wantRequest(t)
			part := "data: " + tokenEvent + "\n\ndata: {\"id\":\"a\",\"choi"
			u.send(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n%s\r\n%x\r\n%s", chunked, len(part)+100, part))
			u.Close()
			m, err := c.head()
			if err != nil {
				t.Fatal(err)
			}
			body, err := m.open(c.br, "close")
			if err != nil {
				t.Fatal(err)
			}
			body.expect(t, part)
			if rest, err := io.ReadAll(body); err == nil || len(rest) > 0 {
				t.Errorf("then came %q and %v", rest, err)
			}
			if r := p.records.next(t); r.Outcome != record.Truncated {
				t.Errorf("the Record says %s", r.Outcome)
			}
		})
	}
}
