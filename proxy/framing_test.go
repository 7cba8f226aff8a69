package proxy

import (
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// What the rows of the tables begin with.
const (
	getHead  = "GET /x HTTP/1.1\r\nHost: h\r\n"
	postHead = "POST /x HTTP/1.1\r\nHost: h\r\n"
	chunked  = "Transfer-Encoding: chunked\r\n"
)

// refusal is a request that must not be passed on.
type refusal struct {
	name, in string
	or       []int // statuses beside 400 that say it as well
}

// Statuses that a refusal may have where they fit.
var (
	badVersion = []int{505}
	badCoding  = []int{501}
	tooLarge   = []int{414, 431}
)

// refusals are requests that two readers could take for two different
// messages, or that are none at all.
var refusals = []refusal{
	// Content-Length says one whole number, once.
	{"length with a plus", postHead + "Content-Length: +5\r\n\r\nhello", nil},
	{"length below zero", postHead + "Content-Length: -1\r\n\r\nhello", nil},
	{"length in hex", postHead + "Content-Length: 0x5\r\n\r\nhello", nil},
	{"length with letters", postHead + "Content-Length: 5a\r\n\r\nhello", nil},
	{"length with a fraction", postHead + "Content-Length: 5.0\r\n\r\nhello", nil},
	{"length in quotes", postHead + "Content-Length: \"5\"\r\n\r\nhello", nil},
	{"length empty", postHead + "Content-Length:\r\n\r\nhello", nil},
	{"length of spaces", postHead + "Content-Length:  \t \r\n\r\nhello", nil},
	{"length with a space inside", postHead + "Content-Length: 1 0\r\n\r\nhello", nil},
	{"length with a tab inside", postHead + "Content-Length: 1\t0\r\n\r\nhello", nil},
	{"length list of equals", postHead + "Content-Length: 5, 5\r\n\r\nhello", nil},
	{"length list of differents", postHead + "Content-Length: 5,6\r\n\r\nhello", nil},
	{"length list with nothing", postHead + "Content-Length: 5,\r\n\r\nhello", nil},
	{"length twice, equal", postHead + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", nil},
	{"length twice, different", postHead + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", nil},
	{"length twice, in another case", postHead + "Content-Length: 5\r\ncontent-length: 0\r\n\r\nhello", nil},
	{"length of twenty digits", postHead + "Content-Length: 18446744073709551621\r\n\r\nhello", nil},
	{"length of nineteen nines", postHead + "Content-Length: 9999999999999999999\r\n\r\nhello", nil},
	{"length with NUL", postHead + "Content-Length: 5\x00\r\n\r\nhello", nil},
	{"length with a vertical tab", postHead + "Content-Length: \v5\r\n\r\nhello", nil},
	{"length with a no-break space", postHead + "Content-Length: \xa05\r\n\r\nhello", nil},
	{"length folded", postHead + "Content-Length:\r\n 5\r\n\r\nhello", nil},
	{"length on GET, malformed", getHead + "Content-Length: x\r\n\r\n", nil},
	{"length on GET, twice", getHead + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", nil},

	// Transfer-Encoding says chunked, once, and nothing beside it.
	{"chunked and a length", postHead + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", nil},
	{"a length and chunked", postHead + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", nil},
	{"chunked and a length of 0", postHead + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", nil},
	{"identity and a length", postHead + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", badCoding},
	{"identity", postHead + "Transfer-Encoding: identity\r\n\r\n", badCoding},
	{"chunked, chunked", postHead + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", badCoding},
	{"gzip, chunked", postHead + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked, gzip", postHead + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked, identity", postHead + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", badCoding},
	{"gzip alone", postHead + "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", badCoding},
	{"xchunked", postHead + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", badCoding},
	{"xchunked and a length", postHead + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello", badCoding},
	{"chunked with a parameter", postHead + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked in quotes", postHead + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked behind a comma", postHead + "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked before a comma", postHead + "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked behind a vertical tab", postHead + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked before NUL", postHead + "Transfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked before a bare CR", postHead + "Transfer-Encoding: chunked\r\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked with a bare LF before it", postHead + "Transfer-Encoding:\n chunked\r\n\r\n0\r\n\r\n", nil},
	{"chunked folded", postHead + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", nil},
	{"coding empty", postHead + "Transfer-Encoding:\r\n\r\n0\r\n\r\n", badCoding},
	{"coding empty and a length", postHead + "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello", badCoding},
	{"coding twice, equal", postHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", badCoding},
	{"coding twice, identity first", postHead + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", badCoding},
	{"coding twice, identity last", postHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", badCoding},
	{"coding with a space before the colon", postHead + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", nil},
	{"coding with a tab before the colon", postHead + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", nil},
	{"coding behind a space", postHead + " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", nil},
	{"coding in a name with NUL", postHead + "Transfer-Encoding\x00: chunked\r\n\r\n0\r\n\r\n", nil},
	{"chunked in HTTP/1.0", "POST /x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", badCoding},
	{"chunked in HTTP/1.0 with a length", "POST /x HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", badCoding},

	// Lines end with CRLF, and with nothing else.
	{"LF everywhere", "GET /x HTTP/1.1\nHost: h\n\n", nil},
	{"LF behind the request line", "GET /x HTTP/1.1\nHost: h\r\n\r\n", nil},
	{"LF behind a header line", "GET /x HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", nil},
	{"LF for the blank line", "GET /x HTTP/1.1\r\nHost: h\r\n\nGET /y HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"LF in a value", getHead + "X: a\nTransfer-Encoding: chunked\r\n\r\n", nil},
	{"CR behind the request line", "GET /x HTTP/1.1\rHost: h\r\n\r\n", []int{505}},
	{"CR for all line ends", "GET /x HTTP/1.1\rHost: h\r\r\r\n\r\n", []int{505}},
	{"CR in a value", getHead + "X: a\rb\r\n\r\n", nil},
	{"CR CR LF", getHead + "X: a\r\r\n\r\n", nil},
	{"CR at the start of a line", getHead + "\rX: a\r\n\r\n", nil},
	{"CR in the request line", "GET /x\rHTTP/1.1\r\nHost: h\r\n\r\n", []int{505}},
	{"a line folded with a space", getHead + "X: a\r\n b\r\n\r\n", nil},
	{"a line folded with a tab", getHead + "X: a\r\n\tb\r\n\r\n", nil},
	{"a fold before the first line", "GET /x HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n", nil},
	{"a line of one space", getHead + " \r\n\r\n", nil},

	// Characters that have no place in a head.
	{"NUL in a value", getHead + "X: a\x00b\r\n\r\n", nil},
	{"NUL in a name", getHead + "X\x00Y: a\r\n\r\n", nil},
	{"NUL in the target", "GET /x\x00y HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"BEL in a value", getHead + "X: a\x07b\r\n\r\n", nil},
	{"ESC in a value", getHead + "X: a\x1bb\r\n\r\n", nil},
	{"form feed in a value", getHead + "X: a\fb\r\n\r\n", nil},
	{"DEL in a value", getHead + "X: a\x7fb\r\n\r\n", nil},
	{"control character in Host", "GET /x HTTP/1.1\r\nHost: h\x01\r\n\r\n", nil},

	// Names are tokens, with a colon right behind them.
	{"space before the colon", getHead + "X : a\r\n\r\n", nil},
	{"tab before the colon", getHead + "X\t: a\r\n\r\n", nil},
	{"space in a name", getHead + "X Y: a\r\n\r\n", nil},
	{"no name", getHead + ": a\r\n\r\n", nil},
	{"no colon", getHead + "X\r\n\r\n", nil},
	{"no colon and a value", getHead + "Content-Length 5\r\n\r\nhello", nil},
	{"brackets in a name", getHead + "X[0]: a\r\n\r\n", nil},
	{"slash in a name", getHead + "X/Y: a\r\n\r\n", nil},
	{"quote in a name", getHead + "\"X\": a\r\n\r\n", nil},
	{"obs-text in a name", getHead + "X\xe9: a\r\n\r\n", nil},

	// Versions are HTTP/1.1 and HTTP/1.0.
	{"HTTP/2.0", "GET /x HTTP/2.0\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/2", "GET /x HTTP/2\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/0.9 with its version", "GET /x HTTP/0.9\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/0.9 as it was", "GET /x\r\n\r\n", badVersion},
	{"HTTP/1.2", "GET /x HTTP/1.2\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/1.10", "GET /x HTTP/1.10\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/01.1", "GET /x HTTP/01.1\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/1", "GET /x HTTP/1\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/1.", "GET /x HTTP/1.\r\nHost: h\r\n\r\n", badVersion},
	{"lower-case version", "GET /x http/1.1\r\nHost: h\r\n\r\n", badVersion},
	{"another protocol", "GET /x ICY/1.1\r\nHost: h\r\n\r\n", badVersion},
	{"space behind the version", "GET /x HTTP/1.1 \r\nHost: h\r\n\r\n", badVersion},
	{"tab behind the version", "GET /x HTTP/1.1\t\r\nHost: h\r\n\r\n", badVersion},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", badVersion},
	{"TLS hello", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", badVersion},

	// Methods are tokens.
	{"no method", " /x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"method with a colon", "GE:T /x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"method with NUL", "G\x00ET /x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"method with brackets", "GET[] /x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"method with obs-text", "G\xc9T /x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"tab behind the method", "GET\t/x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"two spaces behind the method", "GET  /x HTTP/1.1\r\nHost: h\r\n\r\n", badVersion},
	{"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", []int{405, 501}},
	{"CONNECT with a path", "CONNECT /x HTTP/1.1\r\nHost: h\r\n\r\n", []int{405, 501}},

	// Targets are paths, or URLs of the request's own host.
	{"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", badVersion},
	{"empty target", "GET  HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"space in the target", "GET /x y HTTP/1.1\r\nHost: h\r\n\r\n", badVersion},
	{"two spaces before the version", "GET /x  HTTP/1.1\r\nHost: h\r\n\r\n", badVersion},
	{"tab in the target", "GET /x\ty HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"control character in the target", "GET /x\x01y HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"DEL in the target", "GET /x\x7f HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"obs-text in the target", "GET /caf\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"fragment in the target", "GET /x#y HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"no leading slash", "GET x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"query alone", "GET ?x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"asterisk for GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"asterisk and more", "OPTIONS *x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"authority for GET", "GET h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", nil},
	{"URL of another host", "GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"URL of another port", "GET http://h:81/x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"URL with credentials", "GET http://u:p@h/x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"URL without a host", "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"URL without slashes", "GET http:x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"URL of another scheme", "GET ftp://h/x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"URL with a backslash", "GET http://h\\@other/x HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"URL and no Host", "GET http://h/x HTTP/1.1\r\n\r\n", nil},

	// Host names one host.
	{"no Host", "GET /x HTTP/1.1\r\nX: y\r\n\r\n", nil},
	{"no lines at all", "GET /x HTTP/1.1\r\n\r\n", nil},
	{"Host twice, equal", "GET /x HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", nil},
	{"Host twice, different", "GET /x HTTP/1.1\r\nHost: h\r\nhost: other\r\n\r\n", nil},
	{"Host with a path", "GET /x HTTP/1.1\r\nHost: h/y\r\n\r\n", nil},
	{"Host with a query", "GET /x HTTP/1.1\r\nHost: h?y\r\n\r\n", nil},
	{"Host with a fragment", "GET /x HTTP/1.1\r\nHost: h#y\r\n\r\n", nil},
	{"Host with credentials", "GET /x HTTP/1.1\r\nHost: u@h\r\n\r\n", nil},
	{"Host with a space", "GET /x HTTP/1.1\r\nHost: h other\r\n\r\n", nil},
	{"Host with a backslash", "GET /x HTTP/1.1\r\nHost: h\\other\r\n\r\n", nil},
	{"Host list", "GET /x HTTP/1.1\r\nHost: h, other\r\n\r\n", nil},
	{"Host twice in HTTP/1.0", "GET /x HTTP/1.0\r\nHost: h\r\nHost: other\r\n\r\n", nil},
	{"Host behind a space", "GET /x HTTP/1.1\r\n Host: h\r\n\r\n", nil},

	// Sizes are bounded.
	{"a line of a megabyte", getHead + "X: " + strings.Repeat("y", 1<<20) + "\r\n\r\n", tooLarge},
	{"a target of a megabyte", "GET /" + strings.Repeat("y", 1<<20) + " HTTP/1.1\r\nHost: h\r\n\r\n", tooLarge},
	{"a method of a megabyte", strings.Repeat("Y", 1<<20) + " /x HTTP/1.1\r\nHost: h\r\n\r\n", append([]int{501}, tooLarge...)},
	{"a hundred thousand lines", getHead + strings.Repeat("X: y\r\n", 100_000) + "\r\n", tooLarge},
	{"ten thousand empty lines first", strings.Repeat("\r\n", 10_000) + getHead + "\r\n", tooLarge},
	{"LF before the request", "\n" + getHead + "\r\n", nil},
	{"space before the request", " " + getHead + "\r\n", nil},
}

// TestMalformedRequestsAreRefused: what is not exactly one HTTP/1.1 request is
// answered with 400, or with the status beside it that says what is wrong, the
// connection is closed, there is one Record, and the engine never learns of it.
func TestMalformedRequestsAreRefused(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenDeaf(t)
			t.Run("refused", func(t *testing.T) {
				p := startFor(t, e.url, 1, nil)
				c := dialRaw(t, p.addr)
				sendAnyway(c, tt.in)
				wantRefusal(t, c, tt.or)
				if r := p.records.next(t); r.Outcome != record.Error || r.Status < 400 {
					t.Errorf("the Record has %s and %d", r.Outcome, r.Status)
				}
			})
			e.heardNothing(t)
		})
	}
}

// sendAnyway writes what the other side may refuse before it has read all.
func sendAnyway(c *rawPeer, in string) {
	go c.Write([]byte(in))
}

// wantRefusal reads an answer that refuses, and the end of the connection.
func wantRefusal(t *testing.T, c *rawPeer, or []int) {
	t.Helper()
	m := c.wantAnswer(t, "GET")
	if status := m.status(); status != 400 && !slices.Contains(or, status) {
		t.Errorf("answered %q, want 400 or one of %v", m.start, or)
	}
	if rest, _ := c.ends(t, "the client's connection"); rest != "" {
		t.Errorf("%.200q came behind the refusal", rest)
	}
}

// TestGarbageBehindARequestIsAnotherRequest: a request without a body ends
// with its head; what follows is judged for itself, after the first answer.
func TestGarbageBehindARequestIsAnotherRequest(t *testing.T) {
	for _, tt := range []refusal{
		{"words", "hello\r\n\r\n", badVersion},
		{"a body nobody announced", "x=1&y=2\r\n\r\n", badVersion},
		{"a request without Host", "GET /evil HTTP/1.1\r\n\r\n", nil},
		{"a request with two lengths", "POST /evil HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello", nil},
		{"chunks nobody announced", "5\r\nhello\r\n0\r\n\r\n", badVersion},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			t.Run("refused", func(t *testing.T) {
				p := startFor(t, e.url, 2, nil)
				c := dialRaw(t, p.addr)
				c.send(t, getHead+"\r\n"+tt.in)
				u := e.accept(t)
				u.wantRequest(t)
				u.send(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
				if m := c.wantAnswer(t, "GET"); m.body != "first" {
					t.Errorf("the first answer is %q", m.body)
				}
				wantRefusal(t, c, tt.or)
				u.Close()
			})
			e.heardNothing(t)
		})
	}
}
