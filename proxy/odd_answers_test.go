package proxy

import (
	"slices"
	"strings"
	"testing"
)

// TestOddButLegalAnswersPass: what the RFCs allow reaches the client with its
// status, reason, end-to-end lines and body as they were.
func TestOddButLegalAnswersPass(t *testing.T) {
	for _, tt := range []struct{ name, in string }{
		{"no reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"},
		{"reason of its own", "HTTP/1.1 200 Fine, thanks: \"really\"\r\nContent-Length: 2\r\n\r\nok"},
		{"reason with obs-text", "HTTP/1.1 200 Sch\xf6n\r\nContent-Length: 2\r\n\r\nok"},
		{"unknown success", "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok"},
		{"unknown failure", "HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nok"},
		{"lower-case names", "HTTP/1.1 200 OK\r\ndate: yesterday\r\nserver: uvicorn\r\ncontent-length: 2\r\n\r\nok"},
		{"upper-case names and no spaces", "HTTP/1.1 200 OK\r\nSERVER:x\r\nCONTENT-LENGTH:2\r\nX:y\r\n\r\nok"},
		{"equal lines twice", "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\nX: y\r\nx: z\r\nSet-Cookie: a=1\r\nSet-Cookie: a=1\r\nServer: a\r\nServer: b\r\n\r\nok"},
		{"no lines but the length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"empty values", "HTTP/1.1 200 OK\r\nX:\r\nServer:\r\nContent-Type: \r\nContent-Length: 2\r\n\r\nok"},
		{"obs-text in a value", "HTTP/1.1 200 OK\r\nX: \x80\xff caf\xc3\xa9\r\nContent-Length: 2\r\n\r\nok"},
		{"five hundred lines", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 500) + "Content-Length: 2\r\n\r\nok"},
		{"chunks with extensions and zeros", "HTTP/1.1 200 OK\r\n" + chunked + "\r\n0001;a=\"b\"\r\no\r\n1\r\nk\r\n00;c\r\n\r\n"},
		{"sizes in upper-case hex", "HTTP/1.1 200 OK\r\n" + chunked + "\r\nC\r\n0123456789ab\r\n0\r\n\r\n"},
		{"data that looks like an answer", "HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"error with a body", "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			want := answered(t, e, e.addr, tt.in)
			p := start(t, e.url, nil)
			compareAnswers(t, want, answered(t, e, p.addr, tt.in))
			p.records.next(t)
			p.records.none(t)
		})
	}
}

// answered sends a request to addr, has the engine answer it, and reads that.
func answered(t *testing.T, e *rawEngine, addr, answer string) *rawMessage {
	t.Helper()
	var got *rawMessage
	arrives(t, e, addr, getHead+"\r\n", func(c, u *rawPeer, _ *rawMessage) {
		u.send(t, answer)
		got = c.wantAnswer(t, "GET")
	})
	return got
}

// compareAnswers compares what an engine said with what the client got.
func compareAnswers(t *testing.T, sent, got *rawMessage) {
	t.Helper()
	if got.start != sent.start {
		t.Errorf("the status line is %q, want %q", got.start, sent.start)
	}
	if g, w := got.endToEndLines(), sent.endToEndLines(); !slices.Equal(g, w) {
		t.Errorf("the lines are\n%.2000q, want\n%.2000q", g, w)
	}
	if got.body != sent.body || !slices.Equal(got.trailers, sent.trailers) {
		t.Errorf("the body is %.300q with %q, want %.300q with %q", got.body, got.trailers, sent.body, sent.trailers)
	}
}
