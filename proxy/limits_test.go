package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// TestASlowHeadIsCutOff: the time for a head is one time for all of it, and
// sending a byte now and then does not lengthen it. An idle connection and a
// slow body have times of their own.
func TestASlowHeadIsCutOff(t *testing.T) {
	const limit, pause = 200 * time.Millisecond, 20 * time.Millisecond
	for _, trickles := range []bool{false, true} {
		t.Run(fmt.Sprintf("trickles %v", trickles), func(t *testing.T) {
			t.Parallel()
			e := listenDeaf(t)
			t.Run("cut off", func(t *testing.T) {
				p := start(t, e.url, func(c *Config) { c.HeadTimeout = limit })
				c := dialRaw(t, p.addr)
				c.send(t, "GET /x HTTP/1.1\r\nHost: h\r\nX: ")
				over := make(chan struct{})
				defer close(over)
				if trickles {
					go trickle(c, pause, over)
				}
				// 408 or nothing at all: the end is what counts.
				rest, _ := c.ends(t, "the slow client's connection")
				if rest != "" && !strings.HasPrefix(rest, "HTTP/1.1 408 ") {
					t.Errorf("the slow client got %q", rest)
				}
			})
			e.heardNothing(t)
		})
	}
	t.Run("a slow body", func(t *testing.T) {
		t.Parallel()
		e := listenRaw(t)
		p := startFor(t, e.url, 1, func(c *Config) { c.HeadTimeout = limit })
		c := dialRaw(t, p.addr)
		c.send(t, postHead+chunked+"\r\n1\r\nx\r\n")
		u := e.accept(t)
		time.Sleep(2 * limit)
		c.send(t, "1\r\ny\r\n0\r\n\r\n")
		if m := u.wantRequest(t); m.body != "xy" {
			t.Errorf("the engine got the body %q", m.body)
		}
		u.send(t, withBody("HTTP/1.1 200 OK\r\n", "ok"))
		if m := c.wantAnswer(t, "POST"); m.body != "ok" {
			t.Errorf("the client got %q", m.body)
		}
	})
	t.Run("a body that stops", func(t *testing.T) {
		t.Parallel()
		e := listenRaw(t)
		p := start(t, e.url, func(c *Config) { c.BodyTimeout = limit })
		c := dialRaw(t, p.addr)
		c.send(t, postHead+chunked+"\r\n1\r\nx\r\n")
		e.accept(t)
		if r := p.records.next(t); r.Outcome != record.ClientAbort || r.Error != "the client stopped sending its body" {
			t.Errorf("%s: %s", r.Outcome, r.Error)
		}
	})
	t.Run("an idle connection", func(t *testing.T) {
		t.Parallel()
		e := listenRaw(t)
		e.serve(func(*rawMessage) string { return withBody("HTTP/1.1 200 OK\r\n", "ok") })
		p := startFor(t, e.url, 2, func(c *Config) { c.HeadTimeout = limit })
		c := dialRaw(t, p.addr)
		for range 2 {
			c.send(t, getHead+"\r\n")
			if m := c.wantAnswer(t, "GET"); m.body != "ok" {
				t.Errorf("the client got %q", m.body)
			}
			time.Sleep(2 * limit)
		}
	})
}

// trickle sends a byte now and then.
func trickle(c *rawPeer, pause time.Duration, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(pause):
		}
		if _, err := c.Write([]byte("y")); err != nil {
			return
		}
	}
}

// TestAnIdleClientIsLetGo after the time for that, without a word.
func TestAnIdleClientIsLetGo(t *testing.T) {
	e := listenRaw(t)
	e.serve(func(*rawMessage) string { return withBody("HTTP/1.1 200 OK\r\n", "ok") })
	p := startFor(t, e.url, 1, func(c *Config) { c.IdleTimeout = 200 * time.Millisecond })
	c := dialRaw(t, p.addr)
	c.send(t, getHead+"\r\n")
	c.wantAnswer(t, "GET")
	if rest, _ := c.ends(t, "the idle client's connection"); rest != "" {
		t.Errorf("the idle client got %q", rest)
	}
}

// TestALargeHeadIsRefusedBeforeItIsRead: the refusal comes although the client
// has not sent the end of its head, and never will.
func TestALargeHeadIsRefusedBeforeItIsRead(t *testing.T) {
	for _, in := range []string{getHead + "X: " + strings.Repeat("y", 4<<20), getHead + strings.Repeat("X: y\r\n", 1<<20), "GET /" + strings.Repeat("y", 4<<20)} {
		t.Run(fmt.Sprintf("%.40q", in), func(t *testing.T) {
			t.Parallel()
			e := listenDeaf(t)
			t.Run("refused", func(t *testing.T) {
				p := startFor(t, e.url, 1, nil)
				c := dialRaw(t, p.addr)
				sendAnyway(c, in)
				if m := c.wantAnswer(t, "GET"); m.status() != 431 && m.status() != 414 {
					t.Errorf("answered %q, want 431 or 414", m.start)
				}
				c.ends(t, "the client's connection")
				if r := p.records.next(t); r.Outcome != record.Error || r.Status != 431 && r.Status != 414 {
					t.Errorf("the Record has %d and %s", r.Status, r.Outcome)
				}
			})
			e.heardNothing(t)
		})
	}
}

// TestConnectionsAboveTheLimitAreToldSo with 503 and when to come again, and
// whoever comes when one has left is served. Idle connections count.
func TestConnectionsAboveTheLimitAreToldSo(t *testing.T) {
	e := listenRaw(t)
	e.serve(func(*rawMessage) string { return withBody("HTTP/1.1 200 OK\r\n", "ok") })
	p := start(t, e.url, func(c *Config) { c.MaxConnections = 2 })
	var in []*rawPeer
	for range 2 {
		c := dialRaw(t, p.addr)
		c.send(t, getHead+"\r\n")
		if m := c.wantAnswer(t, "GET"); m.status() != 200 {
			t.Fatalf("within the limit: %q", m.start)
		}
		in = append(in, c)
	}
	c := dialRaw(t, p.addr)
	c.send(t, getHead+"\r\n")
	if m := c.wantAnswer(t, "GET"); m.status() != 503 || len(m.values("Retry-After")) != 1 || !strings.Contains(m.body, `"type":"overloaded"`) {
		t.Errorf("above the limit: %q %q %q", m.start, m.lines, m.body)
	}
	c.ends(t, "the connection above the limit")
	in[0].Close()
	eventually(t, "a place to be free", func() bool {
		c := dialRaw(t, p.addr)
		defer c.Close()
		c.send(t, getHead+"\r\n")
		return c.wantAnswer(t, "GET").status() == 200
	})
	in[1].send(t, getHead+"\r\n")
	if m := in[1].wantAnswer(t, "GET"); m.status() != 200 {
		t.Errorf("a connection that was there all the time: %q", m.start)
	}
}

// A stall is taken for one when nothing has moved for so long.
const stall = time.Second

// stalls writes until the other side takes no more, and says how much it took.
// Not ok when it took all of total.
func stalls(t *testing.T, p *rawPeer, total int) (taken int, ok bool) {
	t.Helper()
	block := make([]byte, 64<<10)
	for i := range block {
		block[i] = 'x'
	}
	for taken < total {
		if err := p.SetWriteDeadline(time.Now().Add(stall)); err != nil {
			t.Fatal(err)
		}
		n, err := p.TCPConn.Write(block[:min(len(block), total-taken)])
		taken += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return taken, true
		}
		if err != nil {
			t.Fatalf("writing after %d bytes: %v", taken, err)
		}
	}
	return taken, false
}

// Bounds of the tests with a peer that does not read. The kernel's buffers of
// two connections may hold some megabytes each; the proxy's own are far below.
const (
	offered = 96 << 20
	bound   = 32 << 20
)

// TestASlowReaderCostsBoundedMemory: a client that does not read makes the
// engine's writes stall instead of filling the proxy; when it reads on, nothing
// is missing.
func TestASlowReaderCostsBoundedMemory(t *testing.T) {
	for _, framing := range []string{fmt.Sprintf("Content-Length: %d\r\n", offered), "Connection: close\r\n"} {
		t.Run(framing, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := startFor(t, e.url, 1, nil)
			c, u := askedFor(t, p, e, "GET")
			if err := c.SetReadBuffer(64 << 10); err != nil {
				t.Fatal(err)
			}
			u.send(t, okHead+framing+"\r\n")
			taken, ok := stalls(t, u, offered)
			if !ok || taken > bound {
				t.Errorf("the proxy took %d MiB for a client that does not read", taken>>20)
			}
			go func() {
				// The client's end tells whether all came. A TCPConn would copy
				// by itself, past the deadlines of rawPeer.
				io.CopyN(struct{ io.Writer }{u}, zeros{}, int64(offered-taken))
				u.Close()
			}()
			m, err := c.head()
			if err != nil {
				t.Fatal(err)
			}
			body, err := m.open(c.br, "close")
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, body); n != offered || err != nil {
				t.Errorf("the client got %d bytes and %v, want %d", n, err, offered)
			}
			p.records.next(t)
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestAnEngineThatDoesNotReadStallsTheUpload instead of filling the proxy, and
// a client that gives up then is still noticed.
func TestAnEngineThatDoesNotReadStallsTheUpload(t *testing.T) {
	for _, path := range []string{"/x", chat} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := startFor(t, e.url, 1, func(c *Config) { c.Usage = UsageFinal })
			c := dialRaw(t, p.addr)
			c.send(t, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", path, offered))
			if taken, ok := stalls(t, c, offered); !ok || taken > bound {
				t.Errorf("the proxy took %d MiB for an engine that does not read", taken>>20)
			}
			u := e.accept(t)
			c.leave(t, "RST") // a FIN would wait behind the bytes that nobody reads
			if r := p.records.next(t); r.Outcome != record.ClientAbort {
				t.Errorf("the Record says %s %s", r.Outcome, r.Error)
			}
			m, err := u.head()
			if err != nil {
				t.Fatal(err)
			}
			if body, err := m.open(u.br, "none"); err == nil {
				wantIncomplete(t, u, m, body)
			}
		})
	}
}

// TestAStalledClientThatLeavesIsNoticed: writing to it is not the only way to
// learn that it has gone.
func TestAStalledClientThatLeavesIsNoticed(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c, u := askedFor(t, p, e, "GET")
	u.send(t, okHead+fmt.Sprintf("Content-Length: %d\r\n\r\n", offered))
	if _, ok := stalls(t, u, offered); !ok {
		t.Fatal("the proxy took everything")
	}
	c.leave(t, "RST")
	if err := u.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := u.TCPConn.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the engine's connection is not closed: %v", err)
	}
	if r := p.records.next(t); r.Outcome != record.ClientAbort {
		t.Errorf("the Record says %s %s", r.Outcome, r.Error)
	}
}
