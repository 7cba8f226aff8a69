package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// pouring is more than the buffers of two connections hold.
const pouring = 48 << 20

// TestATunnelFlowsWhileTheOtherWayStands: a side that says everything before it
// listens is heard, although its own ears are full.
func TestATunnelFlowsWhileTheOtherWayStands(t *testing.T) {
	for _, side := range []string{"client", "engine"} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := startFor(t, e.url, 1, nil)
			c, u := upgraded(t, e, p)
			talks, stands := c, u
			if side == "engine" {
				talks, stands = u, c
			}
			if taken, ok := stalls(t, stands, pouring); !ok {
				t.Fatalf("all of %d bytes were taken of a peer that is not listened to", taken)
			}
			go io.CopyN(struct{ io.Writer }{talks}, zeros{}, pouring)
			if n, err := io.CopyN(io.Discard, stands.br, pouring); n != pouring {
				t.Errorf("the other side got %d of %d bytes: %v", n, pouring, err)
			}
			talks.Close()
			stands.Close()
			p.records.next(t)
		})
	}
}

// TestAnUploadGoesOnWhileItsAnswerWaits: a client may say everything before it
// reads, also where the engine answers at once and at length.
func TestAnUploadGoesOnWhileItsAnswerWaits(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c := dialRaw(t, p.addr)
	c.send(t, postHead+fmt.Sprintf("Content-Length: %d\r\n\r\n", pouring))
	u := e.accept(t)
	if _, err := u.head(); err != nil {
		t.Fatal(err)
	}
	u.send(t, okHead+fmt.Sprintf("Content-Length: %d\r\n\r\n", pouring))
	taken, ok := stalls(t, u, pouring)
	if !ok {
		t.Fatal("the proxy took all of the answer")
	}
	go io.CopyN(struct{ io.Writer }{c}, zeros{}, pouring)
	if n, err := io.CopyN(io.Discard, u.br, pouring); n != pouring {
		t.Fatalf("the engine got %d of %d bytes: %v", n, pouring, err)
	}
	go io.CopyN(struct{ io.Writer }{u}, zeros{}, int64(pouring-taken))
	m, err := c.head()
	if err != nil {
		t.Fatal(err)
	}
	body, err := m.open(c.br, "close")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, body); n != pouring || err != nil {
		t.Errorf("the client got %d bytes and %v", n, err)
	}
	if r := p.records.next(t); r.Outcome != record.Complete || r.RequestBytes != pouring || r.ResponseBytes != pouring {
		t.Errorf("the Record says %s, %d and %d bytes", r.Outcome, r.RequestBytes, r.ResponseBytes)
	}
}

// TestAClientIsHeardThroughAFlood: what it says in a tunnel arrives although the
// engine never pauses.
func TestAClientIsHeardThroughAFlood(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c, u := upgraded(t, e, p)
	flood := make(chan struct{})
	go func() {
		defer close(flood)
		io.Copy(struct{ io.Writer }{u}, zeros{})
	}()
	go io.Copy(io.Discard, c.br)
	for range 8 {
		word := strings.Repeat("x", 1<<16)
		c.send(t, word)
		u.expect(t, word)
	}
	c.Close()
	await(t, flood, "the flood to end")
	p.records.next(t)
}
