package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tokenomics/internal/record"
)

// TestInjectLimit: a body above the limit is streamed on as it comes, whatever
// framing it has, and nothing is asked for.
func TestInjectLimit(t *testing.T) {
	var got atomic.Value
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got.Store(string(b))
		sse(w, tokenEvent, finishEvent, "[DONE]")
	})
	p := start(t, e.URL, func(c *Config) { c.Usage, c.InjectLimit = UsageFinal, 1000 })
	for _, size := range []int{900, 1100, 100_000} {
		for _, chunked := range []bool{false, true} {
			text := fmt.Sprintf(`{"model":"m","stream":true,"x":%q}`, strings.Repeat("y", size))
			var body io.Reader = strings.NewReader(text)
			if chunked {
				body = struct{ io.Reader }{body}
			}
			resp, err := http.Post(p.url+chat, "application/json", body)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			r := p.records.next(t)
			if asked := got.Load() != text; asked != (size < 1000) {
				t.Errorf("%d bytes, chunked %v: asked for usage: %v", size, chunked, asked)
			}
			if r.RequestBytes != int64(len(text)) || (len(r.Warnings) > 0) != (size > 1000) {
				t.Errorf("%d bytes, chunked %v: Record has %d bytes, warnings %q", size, chunked, r.RequestBytes, r.Warnings)
			}
		}
	}
}

// TestClientGone: in every phase the engine's connection is closed as soon as
// the client has gone.
func TestClientGone(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		begin      func(w http.ResponseWriter)
	}{
		{"waiting for an answer in one piece", `{"model":"m"}`, func(http.ResponseWriter) {}},
		{"before the first token", streaming, func(w http.ResponseWriter) { sse(w); w.(http.Flusher).Flush() }},
		{"mid-stream", streaming, func(w http.ResponseWriter) { sse(w, tokenEvent) }},
	} {
		for _, pipelined := range []string{"", "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"} {
			begun, gone := make(chan struct{}), make(chan struct{})
			e := engine(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				tt.begin(w)
				close(begun)
				<-r.Context().Done()
				close(gone)
			})
			p := start(t, e.URL, nil)
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s%s", chat, len(tt.body), tt.body, pipelined)
			await(t, begun, tt.name+": the engine's start")
			c.Close()
			await(t, gone, tt.name+": the engine to learn that the client has gone")
			if r := p.records.next(t); r.Outcome != record.ClientAbort {
				t.Errorf("%s: outcome %s (%s)", tt.name, r.Outcome, r.Error)
			}
			p.records.none(t)
			if n := p.live.Active.Load(); n != 0 {
				t.Errorf("%s: %d requests still active", tt.name, n)
			}
		}
	}
}

func TestClientThatStaysKeepsItsPipelinedBytes(t *testing.T) {
	e := engine(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	p := start(t, e.URL, nil)
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
	br := bufio.NewReader(c)
	for _, want := range []string{"/a", "/b"} {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(resp.Body); string(b) != want {
			t.Errorf("got %q, want %q", b, want)
		}
	}
}

func TestMalformedRequestsAreAnsweredAndRecorded(t *testing.T) {
	reached := false
	e := engine(t, func(http.ResponseWriter, *http.Request) { reached = true })
	p := start(t, e.URL, nil)
	for _, in := range []string{"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nBad header\r\n\r\n", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"} {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, in)
		b, _ := io.ReadAll(c)
		c.Close()
		if !bytes.Contains(b, []byte(" 400 ")) || !bytes.Contains(b, []byte(`"type":"invalid_request_error"`)) {
			t.Errorf("%q: answered %q", in, b)
		}
		if r := p.records.next(t); r.Outcome != record.Error || r.Status != 400 {
			t.Errorf("%q: %s %d", in, r.Outcome, r.Status)
		}
	}
	if reached {
		t.Error("a malformed request reached the engine")
	}
}
