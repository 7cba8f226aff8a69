package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// FuzzExchange: any bytes from either side, in any pieces and any order, with
// either side leaving at any moment, never panic, end in exactly one Record,
// and never leave two sides disagreeing on where a message ends.
func FuzzExchange(f *testing.F) {
	chunked := post + "Transfer-Encoding: chunked\r\n\r\n"
	answers := []string{
		okChunked + chunk(token) + chunk(finish) + chunk(usage) + chunk(done) + "0\r\n\r\n",
		okChunked + chunk(token) + chunk(finish+usage+done) + "0\r\nX-T: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 14\r\n\r\ndata: [DONE]\n\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + token + done,
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nabc",
		"HTTP/1.0 200 OK\r\n\r\nabc",
	}
	for i, request := range []string{
		posted(streamBody), chunked + chunk(streamBody) + "0\r\n\r\n", chunked + chunk(streamBody) + "0\r\nX-T: 1\r\n\r\n",
		"GET /x HTTP/1.0\r\n\r\n", "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nabc",
		posted(streamBody) + posted(streamBody),
		post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
	} {
		for j, answer := range answers {
			f.Add([]byte(request), []byte(answer), []byte{1, 200, 3, byte(40 * i), 90, byte(30 * j), 7}, uint8(i+j))
		}
	}
	f.Fuzz(func(t *testing.T, client, engine, order []byte, ask uint8) {
		s := newScript(t, wire.Ask(ask%3), nil)
		run(s, client, engine, order)
		r := s.record()
		if r == nil && !onlyEmptyLines(client[:s.used]) || r != nil && s.used == 0 {
			t.Fatalf("%d bytes were taken; Record %v", s.used, r)
		}
		if r != nil && r.Outcome == "" {
			t.Fatalf("a Record without an outcome: %+v", r)
		}
		if s.x.Tunnel() || r == nil || r.Status == 101 {
			return
		}
		checkRequest(t, s)
		checkAnswer(t, s, r.Method)
	})
}

func onlyEmptyLines(b []byte) bool { return len(bytes.Trim(b, "\r\n")) == 0 }

// run interleaves both sides: each byte of order says whose turn it is and how
// much it sends, or that it leaves.
func run(s *script, client, engine, order []byte) {
	if len(order) == 0 {
		order = []byte{255}
	}
	for i := 0; i < 4096 && !s.x.Done(); i++ {
		o := order[i%len(order)]
		size := int(o>>2) + 1
		switch {
		case o == 2 && i > 8:
			s.engineEnd(io.EOF)
		case o == 6 && i > 8:
			s.engineEnd(errors.New("reset"))
		case o == 10 && s.x.Underway():
			s.x.Abort(s.step(), record.ClientAbort, "")
		case o&1 == 0 && len(engine) > 0:
			n := min(size, len(engine))
			if s.x.connected && !s.engineCut {
				s.engine(string(engine[:n]))
				engine = engine[n:]
				continue
			}
			fallthrough
		default:
			n := s.client(string(client[s.used:min(len(client), s.used+size)]))
			if n == 0 && (len(engine) == 0 || !s.x.connected) && i > 64 {
				return
			}
		}
	}
}

// checkRequest holds what the engine got to be one request and nothing behind
// it, as another reader reads it.
func checkRequest(t *testing.T, s *script) {
	t.Helper()
	if len(s.toEngine) == 0 {
		return
	}
	br := bufio.NewReader(bytes.NewReader(s.toEngine))
	req, err := http.ReadRequest(br)
	if err != nil {
		if !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "invalid") && !strings.Contains(err.Error(), "parse") && !strings.Contains(err.Error(), "malformed") && !strings.Contains(err.Error(), "unsupported") {
			t.Fatalf("the engine got %q: %v", s.toEngine, err)
		}
		return
	}
	_, err = io.Copy(io.Discard, req.Body)
	rest, _ := io.ReadAll(br)
	if err == nil && len(rest) > 0 {
		t.Fatalf("the engine got a second message: %q behind %q", rest, s.toEngine[:len(s.toEngine)-len(rest)])
	}
	if s.x.KeepEngine() && err != nil {
		t.Fatalf("the engine's connection is kept, and it has half a request: %q: %v", s.toEngine, err)
	}
}

// checkAnswer holds what the client got to be interim answers and one answer,
// whole where its connection is kept and nothing behind it.
func checkAnswer(t *testing.T, s *script, method string) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(s.toClient))
	for {
		if _, err := br.Peek(1); err != nil {
			if s.x.KeepClient() {
				t.Fatalf("the client's connection is kept without an answer: %q", s.toClient)
			}
			return
		}
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			if s.x.KeepClient() && !strings.Contains(err.Error(), "malformed") && !strings.Contains(err.Error(), "unsupported") {
				t.Fatalf("the client got %q: %v", s.toClient, err)
			}
			return
		}
		if resp.StatusCode < 200 {
			continue
		}
		_, err = io.Copy(io.Discard, resp.Body)
		rest, _ := io.ReadAll(br)
		switch {
		case err == nil && len(rest) > 0:
			t.Fatalf("the client got bytes behind its answer: %q behind %q", rest, s.toClient[:len(s.toClient)-len(rest)])
		case s.x.KeepClient() && err != nil:
			t.Fatalf("the client's connection is kept with half an answer: %q: %v", s.toClient, err)
		}
		return
	}
}
