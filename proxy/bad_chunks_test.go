package proxy

import (
	"bytes"
	"strings"
	"testing"
)

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
