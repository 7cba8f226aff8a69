package exchange

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// script drives an exchange without sockets: it hands both sides' bytes over in
// pieces and keeps what comes out.
type script struct {
	t         testing.TB
	x         *Exchange
	now       time.Time
	toEngine  []byte // on the connection that is open
	toClient  []byte
	used      int  // bytes of the client that were the exchange's
	dials     int  // connections made
	engineCut bool // the engine has ended
	held      int64
}

func newScript(t testing.TB, ask wire.Ask, edit func(*Env)) *script {
	s := &script{t: t, now: time.Unix(1000, 0)}
	env := &Env{
		Addr: "engine:1", Host: "engine:1", InjectLimit: 512, HeadLimit: 4 << 10, AnswerLimit: 8 << 10, Propagate: true,
		Live: new(record.Live), Print: new(wire.Fingerprint),
		NewID:    func() string { return "id" },
		Provider: func() string { return "vllm" },
		MayAsk:   func(e string) bool { return ask != wire.AskNothing && (e == "chat" || e == "completions") },
		Ask:      func(*wire.Query) wire.Ask { return ask },
		Hold:     func(n int64) bool { s.held += n; return true },
		LetGo:    func(n int64) { s.held -= n },
		Failed:   func(what string, cause any) { t.Errorf("%s: %v", what, cause) },
	}
	if edit != nil {
		edit(env)
	}
	s.x = New(env, Peer{Addr: "1.2.3.4:5"})
	return s
}

// step lets a millisecond pass.
func (s *script) step() time.Time {
	s.now = s.now.Add(time.Millisecond)
	return s.now
}

// settle does what the exchange wants done: connects, writes, stamps.
func (s *script) settle() {
	if s.x.NeedsEngine() {
		reused := !s.x.Fresh()
		s.x.Connected(reused, time.Millisecond)
		s.dials++
		s.toEngine, s.engineCut = nil, false
	}
	if s.x.connected {
		s.toEngine = append(s.toEngine, s.x.ToEngine()...)
		s.x.Flushed(s.now)
	}
	s.toClient = append(s.toClient, s.x.ToClient()...)
	s.x.Idle()
}

// client hands over bytes of the client and says how many were taken.
func (s *script) client(p string) int {
	if s.x.Done() {
		return 0
	}
	n := s.x.Client(s.step(), append([]byte(nil), p...))
	s.used += n
	s.settle()
	return n
}

// engine hands over bytes of the engine. They are overwritten at once, as a
// reused buffer is.
func (s *script) engine(p string) {
	if !s.x.connected || s.engineCut || s.x.Done() {
		return
	}
	b := []byte(p)
	s.x.Engine(s.step(), b)
	s.settle()
	s.x.Measure()
	clear(b)
}

// engineEnd closes the engine's side.
func (s *script) engineEnd(err error) {
	if !s.x.connected || s.engineCut || s.x.Done() {
		return
	}
	s.engineCut = true
	s.x.EngineEnd(s.step(), err)
	s.settle()
}

// record ends the exchange, if it is not over, by the client's leaving.
func (s *script) record() *record.Record {
	s.t.Helper()
	if !s.x.Done() {
		if s.x.Underway() {
			s.x.Abort(s.step(), record.ClientAbort, "")
		} else {
			s.x.HeadCut(s.step())
		}
		s.settle()
	}
	if s.held != 0 {
		s.t.Errorf("%d bytes of bodies are counted as held after the end", s.held)
	}
	return s.x.Record()
}

const post = "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

func posted(body string) string {
	return post + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

const (
	streamBody = `{"model":"m","stream":true}`
	okChunked  = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	token      = `data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}` + "\n\n"
	finish     = `data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}` + "\n\n"
	usage      = `data: {"id":"a","model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}` + "\n\n"
	done       = "data: [DONE]\n\n"
)

func chunk(s string) string { return strconv.FormatInt(int64(len(s)), 16) + "\r\n" + s + "\r\n" }

func TestAStreamPassesAsItComes(t *testing.T) {
	s := newScript(t, wire.AskNothing, nil)
	s.client(posted(streamBody))
	if want := posted(streamBody); string(s.toEngine) != want {
		t.Errorf("the engine got %q, want %q", s.toEngine, want)
	}
	answer := okChunked + chunk(token) + chunk(finish+done) + "0\r\n\r\n"
	s.engine(answer)
	r := s.record()
	if string(s.toClient) != answer {
		t.Errorf("the client got %q, want %q", s.toClient, answer)
	}
	if r.Outcome != record.Complete || !s.x.KeepClient() || !s.x.KeepEngine() {
		t.Errorf("outcome %v, keep client %v, engine %v", r.Outcome, s.x.KeepClient(), s.x.KeepEngine())
	}
}

func TestUsageIsAskedForAndCutOut(t *testing.T) {
	for name, answer := range map[string]string{
		"chunked":     okChunked + chunk(token) + chunk(finish) + chunk(usage) + chunk(done) + "0\r\n\r\n",
		"with length": "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nContent-Length: " + strconv.Itoa(len(token+finish+usage+done)) + "\r\n\r\n" + token + finish + usage + done,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, wire.AskFinal, nil)
			s.client(posted(streamBody))
			if !bytes.Contains(s.toEngine, []byte(`"include_usage":true`)) {
				t.Errorf("the engine got %q", s.toEngine)
			}
			s.engine(answer)
			r := s.record()
			if bytes.Contains(s.toClient, []byte("usage")) || !bytes.Contains(s.toClient, []byte("[DONE]")) {
				t.Errorf("the client got %q", s.toClient)
			}
			if n, ok := r.Usage.Completion.Get(); !ok || n != 2 || r.Outcome != record.Complete {
				t.Errorf("%v completion tokens, outcome %v", n, r.Outcome)
			}
			checkAnswer(t, s, "POST")
		})
	}
}

func TestDeadConnectionsAreReplacedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		heard string
		wait  time.Duration
		again bool
	}{
		"dead before":          {again: true},
		"died after a byte":    {heard: "HTTP", again: false},
		"died after it worked": {wait: 2 * replayWithin, again: false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, wire.AskNothing, nil)
			s.client(posted(streamBody))
			s.engine(c.heard)
			s.now = s.now.Add(c.wait)
			s.engineEnd(errors.New("reset"))
			if (s.dials == 2) != c.again || s.x.Done() == c.again {
				t.Fatalf("%d connections, done %v", s.dials, s.x.Done())
			}
			if c.again {
				if string(s.toEngine) != posted(streamBody) {
					t.Errorf("sent again: %q", s.toEngine)
				}
				s.engineEnd(errors.New("reset"))
			}
			r := s.record()
			if r.Status != 502 || r.Outcome != record.Unreachable || (r.Retries == 1) != c.again {
				t.Errorf("status %d, outcome %v, %d retries", r.Status, r.Outcome, r.Retries)
			}
		})
	}
}

func TestTheEngineEndsInTheMiddle(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		err    error
		how    record.Outcome
		reset  bool
	}{
		"of chunks":               {okChunked + chunk(token), io.EOF, record.Truncated, false},
		"of a length":             {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{", io.EOF, record.Truncated, false},
		"of a bad chunk":          {okChunked + chunk(token) + "zz\r\n", nil, record.Truncated, false},
		"by a reset, until close": {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + token, errors.New("reset"), record.Truncated, true},
		"properly, until close":   {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + token + finish + done, io.EOF, record.Complete, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, wire.AskNothing, nil)
			s.client(posted(streamBody))
			s.engine(c.answer)
			if c.err != nil {
				s.engineEnd(c.err)
			}
			r := s.record()
			if r.Outcome != c.how || s.x.KeepClient() || s.x.KeepEngine() || s.x.Reset() != c.reset {
				t.Errorf("outcome %v (%s), keep %v %v, reset %v", r.Outcome, r.Error, s.x.KeepClient(), s.x.KeepEngine(), s.x.Reset())
			}
			if bytes.HasSuffix(s.toClient, []byte("0\r\n\r\n")) {
				t.Errorf("the client is told that it is whole: %q", s.toClient)
			}
		})
	}
}

// TestOverheadIsAllOfOurTime, also that of the call in which the answer ended.
func TestOverheadIsAllOfOurTime(t *testing.T) {
	s := newScript(t, wire.AskNothing, nil)
	s.client(posted(streamBody))
	s.x.Spent(time.Millisecond)
	s.engine("HTTP/1.1 204 No Content\r\n\r\n")
	s.x.Spent(time.Millisecond)
	if spent, ok := s.record().Overhead.Get(); !ok || spent != 2*time.Millisecond {
		t.Errorf("an overhead of %v, want 2ms", spent)
	}
}

// TestHTTP2IsNoProtocolToChangeTo: its requests would pass the tunnel unread. The
// request goes on as one of HTTP/1.1.
func TestHTTP2IsNoProtocolToChangeTo(t *testing.T) {
	for _, upgrade := range []string{"h2c", "websocket, H2C", ""} {
		s := newScript(t, wire.AskNothing, nil)
		s.client("GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " + upgrade + "\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
		if want := "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"; string(s.toEngine) != want {
			t.Errorf("%q: the engine got %q, want %q", upgrade, s.toEngine, want)
		}
		s.engine("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
		if r := s.record(); r.Status != 502 {
			t.Errorf("%q: the Record has %d", upgrade, r.Status)
		}
	}
}

func TestAHeadOverTheLimitNamesTheFlag(t *testing.T) {
	long := strings.Repeat("x", 16<<10)
	for name, c := range map[string]struct {
		client, engine string
		status         int
		flag           string
	}{
		"a target":       {"GET /" + long, "", 414, "--head-limit"},
		"a head":         {"GET / HTTP/1.1\r\nHost: a\r\nX: " + long, "", 431, "--head-limit"},
		"an answer head": {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nX: " + long, 502, "--answer-head-limit"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, wire.AskNothing, nil)
			s.client(c.client)
			s.engine(c.engine)
			if r := s.record(); r.Status != c.status || !strings.Contains(string(s.toClient), c.flag) {
				t.Errorf("status %d: %.300q", r.Status, s.toClient)
			}
		})
	}
}

// TestAHeadThatIsCutBeganWithItsFirstByte, however long the connection was idle.
func TestAHeadThatIsCutBeganWithItsFirstByte(t *testing.T) {
	s := newScript(t, wire.AskNothing, nil)
	for range 1000 {
		s.step()
	}
	s.client("GET / HT")
	first := s.now
	s.x.HeadTimeout(s.step())
	if r := s.x.Record(); !r.Start.Equal(first) || r.Outcome != record.Error || r.Status != 408 {
		t.Errorf("the Record began %v after the first byte, and says %s %d", r.Start.Sub(first), r.Outcome, r.Status)
	}
}
