package proxy

import (
	"bytes"
	"fmt"
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

// badChunks are chunked bodies that go wrong, behind one good chunk of hello.
var badChunks = []struct{ name, in string }{
	{"size in C", "0x5\r\nworld\r\n0\r\n\r\n"},
	{"size before a space", "5 \r\nworld\r\n0\r\n\r\n"},
	{"size behind a space", " 5\r\nworld\r\n0\r\n\r\n"},
	{"size before a tab", "5\t\r\nworld\r\n0\r\n\r\n"},
	{"size with a plus", "+5\r\nworld\r\n0\r\n\r\n"},
	{"size below zero", "-5\r\nworld\r\n0\r\n\r\n"},
	{"size with letters", "5g\r\nworld\r\n0\r\n\r\n"},
	{"size with an underscore", "0_5\r\nworld\r\n0\r\n\r\n"},
	{"size empty", "\r\nworld\r\n0\r\n\r\n"},
	{"size of 17 digits", "10000000000000005\r\nworld\r\n0\r\n\r\n"},
	{"size of 16 digits that is negative", "ffffffffffffffff\r\nworld\r\n0\r\n\r\n"},
	{"size with NUL", "5\x00\r\nworld\r\n0\r\n\r\n"},
	{"size that is only an extension", ";x=y\r\nworld\r\n0\r\n\r\n"},
	{"LF behind the size", "5\nworld\r\n0\r\n\r\n"},
	{"CR behind the size", "5\rworld\r\n0\r\n\r\n"},
	{"LF behind the data", "5\r\nworld\n0\r\n\r\n"},
	{"CR behind the data", "5\r\nworld\r0\r\n\r\n"},
	{"nothing behind the data", "5\r\nworld0\r\n\r\n"},
	{"data longer than said", "5\r\nworlds\r\n0\r\n\r\n"},
	{"data shorter than said", "5\r\nworl\r\n0\r\n\r\n"},
	{"data missing", "5\r\n0\r\n\r\n0\r\n\r\n"},
	{"extension with NUL", "5;x=\x00\r\nworld\r\n0\r\n\r\n"},
	{"extension with a control character", "5;x=\x01\r\nworld\r\n0\r\n\r\n"},
	{"extension with LF", "5;x=y\nworld\r\n0\r\n\r\n"},
	{"extension with CR", "5;x=\ry\r\nworld\r\n0\r\n\r\n"},
	{"extension of a megabyte", "5;x=" + strings.Repeat("y", 1<<20) + "\r\nworld\r\n0\r\n\r\n"},
	{"last chunk with LF", "0\n\r\n"},
	{"trailers end with LF", "0\r\nX: y\r\n\n"},
	{"trailer with LF", "0\r\nX: y\n\r\n"},
	{"trailer without a colon", "0\r\nX\r\n\r\n"},
	{"trailer without a name", "0\r\n: y\r\n\r\n"},
	{"trailer with a space before the colon", "0\r\nX : y\r\n\r\n"},
	{"trailer folded", "0\r\nX: y\r\n z\r\n\r\n"},
	{"trailer with NUL", "0\r\nX: \x00\r\n\r\n"},
	{"trailer with a length", "0\r\nContent-Length: 5\r\n\r\n"},
	{"trailer with a coding", "0\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"trailer with Host", "0\r\nHost: other\r\n\r\n"},
	{"trailer with credentials", "0\r\nAuthorization: Bearer x\r\n\r\n"},
	{"trailers of a megabyte", "0\r\n" + strings.Repeat("X: y\r\n", 200_000) + "\r\n"},
}

// TestBadChunksNeverMakeARequest: a chunked body that goes wrong is refused
// with 400 and the connection closed. Where the head had gone by then, the
// engine's connection ends in the middle of the message; where the body is
// read whole first, the engine hears nothing.
func TestBadChunksNeverMakeARequest(t *testing.T) {
	const second = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, tt := range badChunks {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			t.Run("streamed", func(t *testing.T) {
				p := startFor(t, e.url, 1, nil)
				c := dialRaw(t, p.addr)
				c.send(t, postHead+chunked+"\r\n5\r\nhello\r\n")
				u := e.accept(t)
				m, err := u.head()
				if err != nil {
					t.Fatal(err)
				}
				body, err := m.open(u.br, "none")
				if err != nil {
					t.Fatal(err)
				}
				body.expect(t, "hello")
				sendAnyway(c, tt.in+second)
				wantRefusal(t, c, tooLarge)
				wantIncomplete(t, u, m, body)
			})
			t.Run("in one piece", func(t *testing.T) {
				p := startFor(t, e.url, 1, nil)
				c := dialRaw(t, p.addr)
				sendAnyway(c, postHead+chunked+"\r\n5\r\nhello\r\n"+tt.in+second)
				wantRefusal(t, c, tooLarge)
			})
			for _, u := range e.settled(t) {
				m, err := u.head()
				if err != nil {
					continue // not even a head
				}
				if body, err := m.open(u.br, "none"); err == nil {
					wantIncomplete(t, u, m, body)
				}
			}
			t.Run("read whole", func(t *testing.T) {
				p := startFor(t, e.url, 1, func(c *Config) { c.Usage = UsageFinal })
				c := dialRaw(t, p.addr)
				sendAnyway(c, strings.Replace(postHead, "/x", chat, 1)+chunked+"\r\n5\r\nhello\r\n"+tt.in+second)
				wantRefusal(t, c, tooLarge)
			})
			e.heardNothing(t)
		})
	}
}

// wantIncomplete fails if the message that the engine reads has a proper end,
// or if anything follows it.
func wantIncomplete(t *testing.T, u *rawPeer, m *rawMessage, body *rawBody) {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(body); err == nil {
		rest, _ := u.ends(t, "the engine's connection")
		t.Errorf("the engine took %q with %q for a whole request, and then got %q", m.start, b.String(), rest)
	} else if rest, _ := u.ends(t, "the engine's connection"); strings.Contains(rest, "HTTP/") {
		t.Errorf("behind half a request the engine got %q", rest)
	}
}

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
