package exchange

import (
	"strings"
	"testing"

	"tokenomics/internal/wire"
)

// overwrite is what other exchanges do to memory that was given back.
func overwrite() {
	var taken [][]byte
	for range 64 {
		b := getBuffer()
		b = b[:cap(b)]
		for i := range b {
			b[i] = '#'
		}
		taken = append(taken, b)
	}
	for _, b := range taken {
		putBuffer(b)
	}
}

// TestARequestBeingWrittenStaysAsItIs although the engine answers meanwhile:
// its memory is another exchange's only when it has been written.
func TestARequestBeingWrittenStaysAsItIs(t *testing.T) {
	s := newScript(t, wire.AskNothing, nil)
	s.client("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	end := chunk("hello") + "0\r\n\r\n"
	s.x.Client(s.step(), []byte(end))
	out := s.x.ToEngine()
	s.x.Engine(s.step(), []byte("HTTP/1.1 100 Continue\r\n\r\n"))
	overwrite()
	if string(out) != end {
		t.Errorf("what the engine is sent became %.40q", out)
	}
	s.x.Flushed(s.step())
	s.x.Engine(s.step(), []byte("HTTP/1.1 204 No Content\r\n\r\n"))
	if !s.x.KeepEngine() {
		t.Error("the engine's connection is not kept")
	}
}

// TestAnAnswerBeingWrittenStaysAsItIs although the request turns out malformed
// meanwhile, or a wait begins with more to write.
func TestAnAnswerBeingWrittenStaysAsItIs(t *testing.T) {
	const interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	s := newScript(t, wire.AskNothing, nil)
	s.client("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	s.x.Engine(s.step(), []byte(interim))
	out := s.x.ToClient()
	s.x.Client(s.step(), []byte("zz\r\n"))
	overwrite()
	if string(out) != interim {
		t.Errorf("what the client is sent became %.40q", out)
	}
	s.x.Idle()
	overwrite()
	if next := string(s.x.ToClient()); !strings.HasPrefix(next, "HTTP/1.1 400 Bad Request\r\n") {
		t.Errorf("then it is sent %.40q", next)
	}
}

// TestWhatWasSentIsLetGoOf once it is never sent again: the first token may be long
// in coming.
func TestWhatWasSentIsLetGoOf(t *testing.T) {
	for name, reused := range map[string]bool{"a fresh connection": false, "a connection that was idle": true} {
		s := newScript(t, wire.AskNothing, nil)
		s.x.Client(s.step(), []byte(posted(streamBody)))
		s.x.Connected(reused, 0)
		s.x.ToEngine()
		s.x.Flushed(s.step())
		if held := s.x.req != nil; held != reused {
			t.Errorf("%s: held while the engine is silent: %v", name, held)
		}
		s.x.Engine(s.step(), []byte("HTTP/1.1 100 Continue\r\n\r\n"))
		if s.x.req != nil {
			t.Errorf("%s: still held when the engine has answered", name)
		}
	}
}
