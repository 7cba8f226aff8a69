package proxy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// badAnswer is what an engine should not send.
type badAnswer struct {
	name, in string
	leaves   bool // the engine closes behind it
}

// okHead begins an answer whose framing lines follow.
const okHead = "HTTP/1.1 200 OK\r\nX: y\r\n"

// badHeads are answers of which the client can be told nothing but 502.
var badHeads = []badAnswer{
	{name: "chunked and a length", in: okHead + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
	{name: "a length and chunked", in: okHead + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "length twice, different", in: okHead + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
	{name: "length twice, equal", in: okHead + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "length list", in: okHead + "Content-Length: 5, 5\r\n\r\nhello"},
	{name: "length with a plus", in: okHead + "Content-Length: +5\r\n\r\nhello"},
	{name: "length below zero", in: okHead + "Content-Length: -5\r\n\r\nhello"},
	{name: "length in hex", in: okHead + "Content-Length: 0x5\r\n\r\nhello"},
	{name: "length empty", in: okHead + "Content-Length:\r\n\r\nhello"},
	{name: "length of twenty digits", in: okHead + "Content-Length: 18446744073709551621\r\n\r\nhello"},
	{name: "coding gzip", in: okHead + "Transfer-Encoding: gzip\r\n\r\nhello", leaves: true},
	{name: "coding identity", in: okHead + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "coding gzip, chunked", in: okHead + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
	{name: "coding xchunked", in: okHead + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
	{name: "coding chunked, chunked", in: okHead + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
	{name: "coding twice", in: okHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "coding in HTTP/1.0", in: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "coding on 204", in: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "HTTP/2", in: "HTTP/2 200\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "HTTP/2.0", in: "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "HTTP/1.2", in: "HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "lower-case version", in: "http/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "another protocol", in: "ICY 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "status of two digits", in: "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "status of four digits", in: "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "status below 100", in: "HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "status of letters", in: "HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "no status", in: "HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "two spaces before the status", in: "HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "status against the version", in: "HTTP/1.1200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "NUL in the reason", in: "HTTP/1.1 200 O\x00K\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "CR in the reason", in: "HTTP/1.1 200 O\rK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "LF everywhere", in: "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"},
	{name: "LF behind a line", in: okHead + "Y: z\nContent-Length: 5\r\n\r\nhello"},
	{name: "LF for the blank line", in: okHead + "Content-Length: 5\r\n\nhello"},
	{name: "CR in a value", in: okHead + "Y: a\rb\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "a folded line", in: okHead + "Y: a\r\n b\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "NUL in a value", in: okHead + "Y: a\x00b\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "control character in a value", in: okHead + "Y: a\x01b\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "space before the colon", in: okHead + "Content-Length : 5\r\n\r\nhello"},
	{name: "no colon", in: okHead + "Y\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "no name", in: okHead + ": z\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "obs-text in a name", in: okHead + "Y\xe9: z\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "a head of two megabytes", in: okHead + lineOf("Y", 2<<20) + "\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "a hundred thousand lines", in: okHead + strings.Repeat("Y: z\r\n", 100_000) + "Content-Length: 5\r\n\r\nhello"},
	{name: "half a head and the end", in: okHead + "Content-Le", leaves: true},
	{name: "no HTTP at all", in: "+PONG\r\n\r\n"},
	{name: "SSE without a head", in: "data: {}\r\n\r\n"},
	{name: "101 that nobody asked for", in: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello"},
	{name: "1xx with a length", in: "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "1xx with a coding", in: "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
}

// TestMalformedAnswersAreKeptFromTheClient: an answer whose head is not
// exactly one HTTP/1.1 head is replaced by 502, and its connection is never
// used again.
func TestMalformedAnswersAreKeptFromTheClient(t *testing.T) {
	for _, tt := range badHeads {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, nil)
			c, u := askedFor(t, p, e, "GET")
			sendAnyway(u, tt.in)
			if tt.leaves {
				u.CloseWrite()
			}
			m := c.wantAnswer(t, "GET")
			for m.status() == 103 {
				m = c.wantAnswer(t, "GET") // what was good of it may have passed
			}
			if m.status() != 502 || len(m.values("X")) > 0 || strings.Contains(m.body, "hello") {
				t.Errorf("answered %q %.300q %.300q, want 502 and nothing of the engine's", m.start, m.lines, m.body)
			}
			u.ends(t, "the engine's connection")
			if r := p.records.next(t); r.Status != 502 {
				t.Errorf("the Record has %s and %d", r.Outcome, r.Status)
			}
			p.records.none(t)
			wantFresh(t, p, e)
		})
	}
}

// askedFor sends a request through the proxy and has the engine read it.
func askedFor(t *testing.T, p *running, e *rawEngine, method string) (c, u *rawPeer) {
	t.Helper()
	c = dialRaw(t, p.addr)
	c.send(t, method+" /x HTTP/1.1\r\nHost: h\r\n\r\n")
	u = e.accept(t)
	u.wantRequest(t)
	return c, u
}

// wantFresh fails unless the next request goes over a new connection to the
// engine and gets the answer that is given there.
func wantFresh(t *testing.T, p *running, e *rawEngine) {
	t.Helper()
	c := dialRaw(t, p.addr)
	c.send(t, "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	u := e.accept(t)
	if m := u.wantRequest(t); m.start != "GET /next HTTP/1.1" {
		t.Errorf("the engine got %q", m.start)
	}
	u.send(t, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnext")
	if m := c.wantAnswer(t, "GET"); m.status() != 200 || m.body != "next" {
		t.Errorf("the next client got %q %q", m.start, m.body)
	}
	p.records.next(t)
}

// TestAnswersThatGoWrongAreCut: where the client has part of an answer that
// turns out malformed or unfinished, its connection ends without the answer's
// proper end.
func TestAnswersThatGoWrongAreCut(t *testing.T) {
	rows := []badAnswer{
		{name: "nothing more", leaves: true},
		{name: "half a chunk", in: "5\r\nwor", leaves: true},
		{name: "half a size", in: "5", leaves: true},
		{name: "no blank line at the end", in: "0\r\n", leaves: true},
		{name: "half a trailer", in: "0\r\nX: ", leaves: true},
	}
	for _, b := range badChunks {
		rows = append(rows, badAnswer{name: b.name, in: b.in})
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, nil)
			c, u := askedFor(t, p, e, "GET")
			u.send(t, okHead+chunked+"\r\n5\r\nhello\r\n")
			m, err := c.head()
			if err != nil || m.start != "HTTP/1.1 200 OK" {
				t.Fatalf("%q, %v", m.start, err)
			}
			body, err := m.open(c.br, "close")
			if err != nil {
				t.Fatal(err)
			}
			body.expect(t, "hello")
			sendAnyway(u, tt.in)
			if tt.leaves {
				u.CloseWrite()
			}
			var rest bytes.Buffer
			if _, err := rest.ReadFrom(body); err == nil {
				t.Errorf("the answer ended properly after %.300q", rest.String())
			}
			c.ends(t, "the client's connection")
			u.ends(t, "the engine's connection")
			if r := p.records.next(t); r.Outcome == record.Complete || r.Outcome == record.ClientAbort {
				t.Errorf("the Record says %s", r.Outcome)
			}
			p.records.none(t)
			wantFresh(t, p, e)
		})
	}
}

// TestAShortBodyIsNoWholeOne: a body shorter than announced is not passed on
// as if it were whole.
func TestAShortBodyIsNoWholeOne(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c, u := askedFor(t, p, e, "GET")
	u.send(t, okHead+"Content-Length: 10\r\n\r\nhello")
	u.Close()
	m, err := c.answer("GET")
	if err == nil || m.body != "hello" || m.start != "HTTP/1.1 200 OK" {
		t.Errorf("%q with %q and %v", m.start, m.body, err)
	}
	if r := p.records.next(t); r.Outcome != record.Truncated {
		t.Errorf("the Record says %s", r.Outcome)
	}
	wantFresh(t, p, e)
}

// TestBytesNobodyAskedForReachNobody: what an engine sends behind a whole
// answer is no part of it and no answer to the next request.
func TestBytesNobodyAskedForReachNobody(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	for _, tt := range []struct {
		name, method, in, status, body string
	}{
		{"behind a length", "GET", okHead + "Content-Length: 5\r\n\r\nhello", " 200 OK", "hello"},
		{"behind a length of 0", "GET", okHead + "Content-Length: 0\r\n\r\n", " 200 OK", ""},
		{"behind chunks", "GET", okHead + chunked + "\r\n5\r\nhello\r\n0\r\n\r\n", " 200 OK", "hello"},
		{"behind trailers", "GET", okHead + chunked + "\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", " 200 OK", "hello"},
		{"behind 204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", " 204 No Content", ""},
		{"behind 204 with a length", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 57\r\n\r\n", " 204 No Content", ""},
		{"behind 304", "GET", "HTTP/1.1 304 Not Modified\r\n\r\n", " 304 Not Modified", ""},
		{"behind 304 with a length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 57\r\n\r\n", " 304 Not Modified", ""},
		{"behind HEAD", "HEAD", okHead + "Content-Length: 57\r\n\r\n", " 200 OK", ""},
		{"behind HEAD, chunked", "HEAD", okHead + chunked + "\r\n", " 200 OK", ""},
	} {
		for _, at := range []string{"in the same write", "later"} {
			t.Run(tt.name+" "+at, func(t *testing.T) {
				t.Parallel()
				e := listenRaw(t)
				p := start(t, e.url, nil)
				c, u := askedFor(t, p, e, tt.method)
				if at == "later" {
					u.send(t, tt.in)
				} else {
					u.send(t, tt.in+evil)
				}
				m := c.wantAnswer(t, tt.method)
				if m.start[len("HTTP/1.1"):] != tt.status || m.body != tt.body {
					t.Errorf("answered %q with %q", m.start, m.body)
				}
				p.records.next(t)
				p.records.none(t)
				if at == "later" {
					u.Write([]byte(evil)) // fails where the connection is closed by now, which is as good
				}
				wantFresh(t, p, e)
				u.ends(t, "the engine's connection")
				c.Close()
			})
		}
	}
}

// TestAnAnswerBeforeTheRequestAnswersNobody: bytes that come on an idle
// connection spoil it.
func TestAnAnswerBeforeTheRequestAnswersNobody(t *testing.T) {
	for _, unasked := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", "H", "\r\n"} {
		t.Run(fmt.Sprintf("%.30q", unasked), func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := start(t, e.url, nil)
			c, u := askedFor(t, p, e, "GET")
			u.send(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
			c.wantAnswer(t, "GET")
			p.records.next(t)
			u.Write([]byte(unasked))
			wantFresh(t, p, e)
			u.ends(t, "the engine's connection")
		})
	}
}

// TestAFloodOfInterimAnswersEnds: an engine that never comes to its answer is
// not listened to for ever.
func TestAFloodOfInterimAnswersEnds(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, nil)
	c, u := askedFor(t, p, e, "GET")
	sendAnyway(u, strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100_000)+"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
	for {
		m, err := c.answer("GET")
		if err != nil {
			break // cut is as good as told
		}
		if status := m.status(); status == 502 {
			break
		} else if status != 102 {
			t.Fatalf("after 100,000 interim answers the client got %q", m.start)
		}
	}
	u.ends(t, "the engine's connection")
	p.records.next(t)
	p.records.none(t)
	wantFresh(t, p, e)
}
