package proxy

import (
	"slices"
	"strings"
	"testing"
)

// legal is a request that must pass as it is.
type legal struct {
	name, in string
	start    string   // the request line that the engine gets; "" = the client's
	lines    []string // the header lines that it gets; nil = the client's
	body     string
	trailers []string
}

func lineOf(name string, n int) string { return name + ": " + strings.Repeat("y", n) }

var legals = []legal{
	{name: "plain", in: getHead + "\r\n"},
	{name: "lower-case method", in: "get /x HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "method of its own", in: "PURGE /x HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "method of odd characters", in: "M-SEARCH!#$%&'*+.^_`|~09 /x HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "one empty line first", in: "\r\n" + getHead + "\r\n", start: "GET /x HTTP/1.1", lines: []string{"Host: h"}},
	{name: "names and values of any case and spacing", in: "GET /x HTTP/1.1\r\nhOST: h\r\nx-a:b\r\nX-B:   c\t \r\nX-C:\td\r\n\r\n"},
	{name: "equal lines twice", in: getHead + "X: y\r\nX: y\r\nx: z\r\nX: y\r\n\r\n"},
	{name: "order of lines", in: "GET /x HTTP/1.1\r\nZ: 1\r\nUser-Agent: ua\r\nContent-Type: text/plain\r\nHost: h\r\nA: 2\r\nAccept: */*\r\nCookie: a=1\r\nB: 3\r\nCookie: b=2\r\n\r\n"},
	{name: "empty values", in: getHead + "X:\r\nY: \r\nZ:\t\r\nAccept:\r\n\r\n"},
	{name: "obs-text in a value", in: getHead + "X: caf\xc3\xa9 \x80\xff\r\n\r\n"},
	{name: "names of odd characters", in: getHead + "!#$%&'*+-.^_`|~09aZ: y\r\n\r\n"},
	{name: "underscores in a name", in: getHead + "X_Y: y\r\nContent_Length: 99\r\n\r\n"},
	{name: "colons and quotes in a value", in: getHead + "X: a:b \"c\\\" d\r\n\r\n"},
	{name: "Host with a port", in: "GET /x HTTP/1.1\r\nHost: h:8080\r\n\r\n"},
	{name: "Host with an IPv6 address", in: "GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"},
	{name: "Host empty", in: "GET /x HTTP/1.1\r\nHost:\r\n\r\n"},
	{name: "two hundred lines", in: getHead + strings.Repeat("X-Many: y\r\n", 200) + "\r\n"},
	{name: "a line of 12 KiB", in: getHead + lineOf("X", 12<<10) + "\r\n\r\n"},
	{name: "a target of 12 KiB", in: "GET /" + strings.Repeat("y", 12<<10) + " HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "percent-encoded slash", in: "GET /a%2Fb%2fc HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "percent-encoded letters and NUL", in: "GET /%41%00%zz%E2%82%AC?q=%20+%2B HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "two slashes", in: "GET //a//b HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "dot segments", in: "GET /a/../b/./c/.. HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "question mark alone", in: "GET /x? HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "two question marks", in: "GET /x??y=/z HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "odd characters in the target", in: "GET /x;a=b,c!$&'()*~:@[]|{}\"<>^`\\ HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "URL in the query", in: "GET /x?u=http://other/y HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "asterisk for OPTIONS", in: "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
	{name: "URL of the same host", in: "GET http://h/x?y HTTP/1.1\r\nHost: h\r\n\r\n", start: "GET /x?y HTTP/1.1"},
	{name: "URL of the same host in other case", in: "GET HTTP://H/x HTTP/1.1\r\nHost: h\r\n\r\n", start: "GET /x HTTP/1.1"},
	{name: "URL without a path", in: "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", start: "GET / HTTP/1.1"},
	{name: "length of 0", in: postHead + "Content-Length: 0\r\n\r\n"},
	{name: "length with leading zeros and spaces", in: postHead + "content-length: \t 0005 \r\n\r\nhello", body: "hello"},
	{name: "body of GET", in: getHead + "Content-Length: 5\r\n\r\nhello", body: "hello"},
	{name: "body of DELETE", in: "DELETE /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", body: "hello"},
	{name: "body of any bytes", in: postHead + "Content-Length: 12\r\n\r\n\x00\xff\r\n\r\nGET / ", body: "\x00\xff\r\n\r\nGET / "},
	{name: "no body of POST", in: postHead + "\r\n"},
	{name: "chunks", in: postHead + chunked + "\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", body: "hello world"},
	{name: "coding in another case", in: postHead + "transfer-encoding:CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", body: "hello"},
	{name: "sizes in upper-case hex", in: postHead + chunked + "\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", body: "01234567890123456789"},
	{name: "sizes with leading zeros", in: postHead + chunked + "\r\n0005\r\nhello\r\n000\r\n\r\n", body: "hello"},
	{name: "size of 16 digits", in: postHead + chunked + "\r\n0000000000000005\r\nhello\r\n0\r\n\r\n", body: "hello"},
	{name: "extensions", in: postHead + chunked + "\r\n5;a;b=c;d=\"e f;\"\r\nhello\r\n0;last\r\n\r\n", body: "hello"},
	{name: "data that looks like chunks", in: postHead + chunked + "\r\n7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", body: "\r\n0\r\n\r\n"},
	{name: "trailers", in: postHead + "Trailer: X-Sum, x-B\r\n" + chunked + "\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-B:2\r\nX-Sum: 1\r\n\r\n", body: "hello", trailers: []string{"X-Sum: 1", "x-B:2", "X-Sum: 1"}},
	{name: "empty chunked body", in: postHead + chunked + "\r\n0\r\n\r\n"},
	{name: "HTTP/1.0 with Host", in: "GET /x HTTP/1.0\r\nHost: h\r\n\r\n", start: "GET /x HTTP/1.1"},
}

// TestOddButLegalRequestsPass: what the RFCs allow reaches the engine with its
// request line, its end-to-end lines and its body as they were. Each row also
// goes to the engine directly, which shows that the test reads it right.
func TestOddButLegalRequestsPass(t *testing.T) {
	for _, tt := range legals {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			sent := arrives(t, e, e.addr, tt.in, nil)
			if sent.body != tt.body || !slices.Equal(sent.trailers, tt.trailers) {
				t.Fatalf("the row itself has the body %q and the trailers %q", sent.body, sent.trailers)
			}
			p := start(t, e.url, nil)
			arrives(t, e, p.addr, tt.in, func(c, u *rawPeer, got *rawMessage) {
				compareRequests(t, tt, sent, got)
				u.send(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
				method, _, _ := strings.Cut(got.start, " ")
				if m := c.wantAnswer(t, method); m.start[len("HTTP/1.1"):] != " 200 OK" || m.body != "ok" {
					t.Errorf("answered %q %q", m.start, m.body)
				}
			})
			p.records.next(t)
			p.records.none(t)
		})
	}
}

// arrives sends a request to addr and has the engine read it.
func arrives(t *testing.T, e *rawEngine, addr, in string, then func(c, u *rawPeer, got *rawMessage)) *rawMessage {
	t.Helper()
	c := dialRaw(t, addr)
	defer c.Close()
	c.send(t, in)
	u := e.accept(t)
	defer u.Close()
	if addr == e.addr && strings.HasPrefix(in, "\r\n") {
		u.expect(t, "\r\n") // the reader of the test is stricter than the RFC
	}
	got := u.wantRequest(t)
	if then != nil {
		then(c, u, got)
	}
	return got
}

// compareRequests compares what a client sent with what the engine got.
func compareRequests(t *testing.T, tt legal, sent, got *rawMessage) {
	t.Helper()
	start, lines := tt.start, tt.lines
	if start == "" {
		start = sent.start
	}
	if lines == nil {
		lines = sent.endToEndLines()
	}
	if got.start != start {
		t.Errorf("the request line is %.300q, want %.300q", got.start, start)
	}
	if g := got.endToEndLines(); !slices.Equal(g, lines) {
		t.Errorf("the lines are %.2000q, want %.2000q", g, lines)
	}
	if got.body != sent.body || !slices.Equal(got.trailers, sent.trailers) {
		t.Errorf("the body is %q with %q, want %q with %q", got.body, got.trailers, sent.body, sent.trailers)
	}
}
