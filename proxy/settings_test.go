package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// TestRequestsAboveTheLimitAreToldSo: a full house answers 503 with when to
// come again, the engine does not hear of it, and the place that becomes free
// is given out again. Idle connections take none.
func TestRequestsAboveTheLimitAreToldSo(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 3, func(c *Config) { c.MaxInFlight = 1 })
	idle := dialRaw(t, p.addr)
	c, u := askedFor(t, p, e, "GET")
	idle.send(t, getHead+"\r\n")
	if m := idle.wantAnswer(t, "GET"); m.status() != 503 || len(m.values("Retry-After")) != 1 || !strings.Contains(m.body, `"type":"overloaded"`) {
		t.Errorf("above the limit: %q %q %q", m.start, m.lines, m.body)
	}
	if r := p.records.next(t); r.Status != 503 || r.Outcome != record.Error {
		t.Errorf("the Record has %d and %s", r.Status, r.Outcome)
	}
	u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
	c.wantAnswer(t, "GET")
	p.records.next(t)
	next := dialRaw(t, p.addr)
	next.send(t, getHead+"\r\n")
	u.wantRequest(t)
	u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
	if m := next.wantAnswer(t, "GET"); m.status() != 200 {
		t.Errorf("when there is room again: %q", m.start)
	}
}

// TestAPeerThatTakesNothingIsGivenUp after the time for one write; a stream
// that is only long, or silent, is not.
func TestAPeerThatTakesNothingIsGivenUp(t *testing.T) {
	const limit = 200 * time.Millisecond
	t.Run("a client that does not read", func(t *testing.T) {
		t.Parallel()
		e := listenRaw(t)
		p := startFor(t, e.url, 1, func(c *Config) { c.WriteTimeout = limit })
		_, u := askedFor(t, p, e, "GET")
		sendAnyway(u, okHead+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", offered, strings.Repeat("x", offered)))
		if r := p.records.next(t); r.Outcome != record.ClientAbort && r.Outcome != record.Timeout {
			t.Errorf("the Record says %s %s", r.Outcome, r.Error)
		}
		u.ends(t, "the engine's connection")
	})
	t.Run("a client that has nothing to read", func(t *testing.T) {
		t.Parallel()
		e := listenRaw(t)
		p := startFor(t, e.url, 1, func(c *Config) { c.WriteTimeout = limit })
		c := dialRaw(t, p.addr)
		c.send(t, withBody(jsonHead, streaming))
		u := e.accept(t)
		u.wantRequest(t)
		body := beginStream(t, c, u)
		for range 3 {
			time.Sleep(limit)
			u.send(t, "1\r\nx\r\n")
			body.expect(t, "x")
		}
		u.send(t, "0\r\n\r\n")
	})
}

// TestHeadsOfJustTheLimitPass, and those of one byte more are refused.
func TestHeadsOfJustTheLimitPass(t *testing.T) {
	const limit = 2000
	for _, over := range []int{0, 1} {
		e := listenRaw(t)
		e.serve(func(*rawMessage) string { return withBody("HTTP/1.1 200 OK\r\n", "ok") })
		p := startFor(t, e.url, 1, func(c *Config) { c.HeadLimit = limit })
		c := dialRaw(t, p.addr)
		c.send(t, getHead+lineOf("X", limit+over-len(getHead)-len("X: \r\n\r\n"))+"\r\n\r\n")
		if m := c.wantAnswer(t, "GET"); m.status() != map[int]int{0: 200, 1: 431}[over] {
			t.Errorf("%d bytes over the limit: %q", over, m.start)
		}
	}
}

// TestAnswerHeadsOfJustTheLimitPass, and those of one byte more become 502.
func TestAnswerHeadsOfJustTheLimitPass(t *testing.T) {
	const limit, end = 2000, "Content-Length: 2\r\n\r\n"
	for _, over := range []int{0, 1} {
		e := listenRaw(t)
		p := startFor(t, e.url, 1, func(c *Config) { c.AnswerLimit = limit })
		c, u := askedFor(t, p, e, "GET")
		u.send(t, okHead+lineOf("Y", limit+over-len(okHead)-len("Y: \r\n")-len(end))+"\r\n"+end+"ok")
		if m := c.wantAnswer(t, "GET"); m.status() != map[int]int{0: 200, 1: 502}[over] {
			t.Errorf("%d bytes over the limit: %q", over, m.start)
		}
	}
}
