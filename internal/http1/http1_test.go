package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func parseRequest(t testing.TB, head string) (Request, error) {
	t.Helper()
	var s Scan
	end, err := s.End([]byte(head))
	if err != nil {
		return Request{}, err
	}
	if end == 0 {
		t.Fatalf("no end in %q", head)
	}
	var r Request
	return r, r.Parse([]byte(head)[:end])
}

func TestRequestsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"CL and TE":              {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"two lengths":            {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
		"list of lengths":        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
		"signed length":          {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
		"empty length":           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
		"length beyond numbers":  {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", 400},
		"identity":               {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501},
		"gzip, chunked":          {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		"chunked twice":          {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
		"chunked to 1.0":         {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
		"folded":                 {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},
		"space before the colon": {"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400},
		"no colon":               {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
		"bare LF":                {"GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", 400},
		"bare CR":                {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n", 400},
		"NUL":                    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400},
		"no host":                {"GET / HTTP/1.1\r\n\r\n", 400},
		"two hosts":              {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		"host with a path":       {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
		"host with a user":       {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
		"foreign absolute form":  {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"authority form":         {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400},
		"CONNECT to a path":      {"CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"star for GET":           {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"fragment":               {"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"two spaces":             {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"HTTP/2":                 {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
		"no version":             {"GET /\r\n\r\n", 400},
		"method with a space":    {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseRequest(t, c.head)
			var f *Fault
			if !errors.As(err, &f) || f.Status != c.status {
				t.Errorf("%v, want a fault of status %d", err, c.status)
			}
		})
	}
}

func TestRequestsThatAreTaken(t *testing.T) {
	for name, c := range map[string]struct {
		head, path string
		body       Framing
	}{
		"origin form":                {"GET /a%2Fb/../c?x=%20 HTTP/1.1\r\nHost: a\r\n\r\n", "/a%2Fb/../c?x=%20", Framing{Kind: None}},
		"own absolute form":          {"GET http://A:1/x HTTP/1.1\r\nHost: a:1\r\n\r\n", "/x", Framing{Kind: None}},
		"absolute, query only":       {"GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", "/?x", Framing{Kind: None}},
		"absolute, host only":        {"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "/", Framing{Kind: None}},
		"star, in absolute form":     {"OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "*", Framing{Kind: None}},
		"star":                       {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", Framing{Kind: None}},
		"length":                     {"POST / HTTP/1.1\r\nHost: a\r\ncontent-length:\t07 \r\n\r\n", "/", Framing{Kind: Length, Length: 7}},
		"chunked":                    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "/", Framing{Kind: Chunked}},
		"1.0 without host":           {"GET / HTTP/1.0\r\n\r\n", "/", Framing{Kind: None}},
		"empty value, obs-text":      {"GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \xff\r\n\r\n", "/", Framing{Kind: None}},
		"IPv6 host":                  {"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", "/", Framing{Kind: None}},
		"colon in the first segment": {"GET /a:b HTTP/1.1\r\nHost: a\r\n\r\n", "/a:b", Framing{Kind: None}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := parseRequest(t, c.head)
			if err != nil || string(r.Path) != c.path || r.Body != c.body {
				t.Errorf("path %q, body %+v, %v; want %q, %+v", r.Path, r.Body, err, c.path, c.body)
			}
		})
	}
}

func TestResponses(t *testing.T) {
	for name, c := range map[string]struct {
		head, method string
		body         Framing
		keep         bool
		refused      bool
	}{
		"length":          {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "GET", Framing{Kind: Length, Length: 2}, true, false},
		"no reason":       {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n", "GET", Framing{Kind: Length, Length: 2}, true, false},
		"until close":     {"HTTP/1.1 200 OK\r\n\r\n", "GET", Framing{Kind: UntilClose}, false, false},
		"close":           {"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", "GET", Framing{Kind: Length}, false, false},
		"1.0":             {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", Framing{Kind: Length}, false, false},
		"1.0 kept":        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", "GET", Framing{Kind: Length}, true, false},
		"HEAD":            {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", Framing{Kind: None, Length: 9}, true, false},
		"304":             {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET", Framing{Kind: None, Length: 9}, true, false},
		"204 with length": {"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "GET", Framing{Kind: None, Length: 9}, false, false},
		"204 chunked":     {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", Framing{}, false, true},
		"CL and TE":       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", Framing{}, false, true},
		"bad status":      {"HTTP/1.1 2x0 OK\r\n\r\n", "GET", Framing{}, false, true},
		"four digits":     {"HTTP/1.1 2000 OK\r\n\r\n", "GET", Framing{}, false, true},
		"status below":    {"HTTP/1.1 099 OK\r\n\r\n", "GET", Framing{}, false, true},
		"version 2":       {"HTTP/2 200 OK\r\n\r\n", "GET", Framing{}, false, true},
		"folded":          {"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n", "GET", Framing{}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var r Response
			err := r.Parse([]byte(c.head), c.method == "HEAD")
			switch {
			case c.refused:
				if err == nil {
					t.Error("taken")
				}
			case err != nil || r.Body != c.body || r.KeepAlive() != c.keep:
				t.Errorf("body %+v, keep %v, %v", r.Body, r.KeepAlive(), err)
			}
		})
	}
}

// decode runs a body through Next in pieces of the given sizes.
func decode(f Framing, wire []byte, cut func(int) int) (data []byte, used int, done bool, trailers string, err error) {
	var b Body
	b.Start(f)
	for used < len(wire) && !b.Done() {
		p := wire[used:min(len(wire), used+cut(used))]
		for len(p) > 0 && !b.Done() {
			n, d, e := b.Next(p)
			data = append(data, d...)
			used += n
			p = p[n:]
			if e != nil {
				return data, used, false, "", e
			}
		}
	}
	return data, used, b.Done(), string(b.Trailers()), nil
}

func TestChunks(t *testing.T) {
	for name, c := range map[string]struct {
		wire, data, trailers string
		bad                  bool
	}{
		"two":                {wire: "3\r\nabc\r\n02\r\nde\r\n0\r\n\r\n", data: "abcde"},
		"upper case":         {wire: "A\r\n0123456789\r\n0\r\n\r\n", data: "0123456789"},
		"extension":          {wire: "1;a=b;c=\"d\"\r\nx\r\n0;e\r\n\r\n", data: "x"},
		"trailers":           {wire: "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", data: "x", trailers: "A: b\r\nC: d\r\n"},
		"space behind size":  {wire: "1 \r\nx\r\n0\r\n\r\n", bad: true},
		"prefix":             {wire: "0x1\r\nx\r\n0\r\n\r\n", bad: true},
		"sign":               {wire: "+1\r\nx\r\n0\r\n\r\n", bad: true},
		"empty size":         {wire: "\r\nx\r\n0\r\n\r\n", bad: true},
		"seventeen digits":   {wire: "00000000000000001\r\nx\r\n0\r\n\r\n", bad: true},
		"overflow":           {wire: "ffffffffffffffff\r\nx\r\n", bad: true},
		"LF alone":           {wire: "1\nx\r\n0\r\n\r\n", bad: true},
		"longer than said":   {wire: "1\r\nxy\r\n0\r\n\r\n", bad: true, data: "x"},
		"LF behind data":     {wire: "1\r\nx\n0\r\n\r\n", bad: true, data: "x"},
		"NUL in extension":   {wire: "1;\x00\r\nx\r\n0\r\n\r\n", bad: true},
		"trailer, LF alone":  {wire: "0\r\nA: b\n\r\n", bad: true},
		"trailer, no colon":  {wire: "0\r\nA\r\n\r\n", bad: true},
		"trailer of framing": {wire: "0\r\nContent-Length: 1\r\n\r\n", bad: true},
		"folded trailer":     {wire: "0\r\n A: b\r\n\r\n", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= len(c.wire); size++ {
				data, used, done, trailers, err := decode(Framing{Kind: Chunked}, []byte(c.wire+"next"), func(int) int { return size })
				if (err != nil) != c.bad || string(data) != c.data || trailers != c.trailers || done == c.bad || done && used != len(c.wire) {
					t.Fatalf("in pieces of %d: %q, %d used, done %v, trailers %q, %v", size, data, used, done, trailers, err)
				}
			}
		})
	}
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /v1/x?y HTTP/1.1\r\nHost: a:1\r\nContent-Length: 3\r\n\r\nabc",
		"POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Scan
		end, err := s.End(b)
		if err != nil || end == 0 {
			return
		}
		var r Request
		if r.Parse(b[:end]) != nil {
			return
		}
		// What we take, another reader that takes it reads in the same way.
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		chunked := len(theirs.TransferEncoding) > 0
		if theirs.Method != string(r.Method) || chunked != (r.Body.Kind == Chunked) || !chunked && theirs.ContentLength != r.Body.Length {
			t.Fatalf("%q: we read %q and body %+v, net/http %q, %v, %d", b, r.Method, r.Body, theirs.Method, theirs.TransferEncoding, theirs.ContentLength)
		}
		theirBody, err := io.ReadAll(theirs.Body)
		data, _, done, _, fault := decode(r.Body, b[end:], func(int) int { return 1 + len(b)%7 })
		if err == nil && done && fault == nil && !bytes.Equal(data, theirBody) {
			t.Fatalf("%q: body %q, net/http reads %q", b, data, theirBody)
		}
		for _, field := range r.Fields {
			if v := theirs.Header.Values(string(field.Name)); !strings.EqualFold(string(field.Name), "host") && !contains(v, string(field.Value)) &&
				!field.Is("transfer-encoding") && !field.Is("content-length") && !field.Is("trailer") {
				t.Fatalf("%q: field %q: %q, net/http has %q", b, field.Name, field.Value, v)
			}
		}
	})
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if strings.Trim(v, " \t") == strings.Trim(s, " \t") {
			return true
		}
	}
	return false
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("3\r\nabc\r\n0\r\nA: b\r\n\r\n"), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		whole, used, done, trailers, err := decode(Framing{Kind: Chunked}, b, func(int) int { return len(b) + 1 })
		pieces, used2, done2, trailers2, err2 := decode(Framing{Kind: Chunked}, b, func(int) int { return int(size)%9 + 1 })
		if !bytes.Equal(whole, pieces) || used != used2 || done != done2 || trailers != trailers2 || (err == nil) != (err2 == nil) {
			t.Fatalf("%q: in one piece %q, %d, %v, %v; in pieces %q, %d, %v, %v", b, whole, used, done, err, pieces, used2, done2, err2)
		}
	})
}
