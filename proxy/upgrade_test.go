package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

const (
	upgradeRequest = "GET /v1/realtime?x=1 HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nX: y\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: a2V5\r\nSec-WebSocket-Version: 13\r\n\r\n"
	upgradeAnswer  = "HTTP/1.1 101 Switching Protocols\r\nserver: uvicorn\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: b2s=\r\nX: y\r\n\r\n"
)

// upgraded has a client and an engine change protocols through the proxy.
func upgraded(t *testing.T, e *rawEngine, p *running) (c, u *rawPeer) {
	t.Helper()
	c = dialRaw(t, p.addr)
	c.send(t, upgradeRequest)
	u = e.accept(t)
	if _, err := u.head(); err != nil {
		t.Fatal(err)
	}
	u.send(t, upgradeAnswer)
	if m, err := c.head(); err != nil || m.status() != 101 {
		t.Fatalf("the client got %q and %v", m.start, err)
	}
	return c, u
}

// TestUpgradesAreTunnelled: the request to change protocols and the 101 pass
// with what they need, and then every byte passes as it comes, both ways. The
// Record has the bytes and the times.
func TestUpgradesAreTunnelled(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c := dialRaw(t, p.addr)
	c.send(t, upgradeRequest)
	u := e.accept(t)
	m, err := u.head()
	if err != nil || m.start != "GET /v1/realtime?x=1 HTTP/1.1" {
		t.Fatalf("the engine got %q and %v", m.start, err)
	}
	if got, want := m.endToEndLines(), []string{"Host: h", "X: y", "Sec-WebSocket-Key: a2V5", "Sec-WebSocket-Version: 13"}; !slices.Equal(got, want) {
		t.Errorf("the engine got %q, want %q", got, want)
	}
	wantUpgrade(t, "the engine", m, "WebSocket")
	u.send(t, upgradeAnswer)
	if m, err = c.head(); err != nil || m.start != "HTTP/1.1 101 Switching Protocols" {
		t.Fatalf("the client got %q and %v", m.start, err)
	}
	if got, want := m.endToEndLines(), []string{"server: uvicorn", "Sec-WebSocket-Accept: b2s=", "X: y"}; !slices.Equal(got, want) {
		t.Errorf("the client got %q, want %q", got, want)
	}
	wantUpgrade(t, "the client", m, "websocket")

	up, down := 0, 0
	for _, piece := range []string{"\x81\x05hello", "\x00", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("x", 1<<20)} {
		sendAnyway(c, piece)
		u.expect(t, piece)
		up += len(piece)
		sendAnyway(u, piece+"!")
		c.expect(t, piece+"!")
		down += len(piece) + 1
	}
	u.leave(t, "FIN")
	c.ends(t, "the client's connection")
	r := p.records.next(t)
	if r.Status != 101 || r.RequestBytes != int64(up) || r.ResponseBytes != int64(down) {
		t.Errorf("the Record has %d with %d and %d bytes, want 101 with %d and %d", r.Status, r.RequestBytes, r.ResponseBytes, up, down)
	}
	if r.Outcome != record.Complete || !r.Headers.Ok() || !r.End.Ok() || r.Path != "/v1/realtime" || r.Method != "GET" {
		t.Errorf("the Record is %+v", r)
	}
}

// wantUpgrade fails unless the lines ask for the change of protocols.
func wantUpgrade(t *testing.T, who string, m *rawMessage, to string) {
	t.Helper()
	named := strings.ToLower(strings.Join(m.values("Connection"), ","))
	if !slices.Equal(m.values("Upgrade"), []string{to}) || !strings.Contains(named, "upgrade") {
		t.Errorf("%s got no change to %s: %q", who, to, m.lines)
	}
}

// TestEarlyBytesOfATunnelAreNotLost: what follows either head in the same
// write belongs to the new protocol, and reaches the other side once.
func TestEarlyBytesOfATunnelAreNotLost(t *testing.T) {
	e := listenRaw(t)
	p := startFor(t, e.url, 1, nil)
	c := dialRaw(t, p.addr)
	c.send(t, upgradeRequest+"early up")
	u := e.accept(t)
	if _, err := u.head(); err != nil {
		t.Fatal(err)
	}
	u.send(t, upgradeAnswer+"early down")
	if m, err := c.head(); err != nil || m.status() != 101 {
		t.Fatalf("the client got %q and %v", m.start, err)
	}
	c.expect(t, "early down")
	u.expect(t, "early up")
	c.send(t, "later up")
	u.expect(t, "later up")
	c.leave(t, "FIN")
	if rest, _ := u.ends(t, "the engine's connection"); rest != "" {
		t.Errorf("the engine also got %q", rest)
	}
	if r := p.records.next(t); r.RequestBytes != int64(len("early uplater up")) || r.ResponseBytes != int64(len("early down")) {
		t.Errorf("the Record has %d and %d bytes", r.RequestBytes, r.ResponseBytes)
	}
}

// TestEitherEndOfATunnelEndsBoth, after what it said last has been delivered.
func TestEitherEndOfATunnelEndsBoth(t *testing.T) {
	for _, side := range []string{"client", "engine"} {
		for _, how := range []string{"FIN", "RST", "half-close"} {
			t.Run(side+" "+how, func(t *testing.T) {
				t.Parallel()
				e := listenRaw(t)
				p := startFor(t, e.url, 1, nil)
				c, u := upgraded(t, e, p)
				leaves, stays := c, u
				if side == "engine" {
					leaves, stays = u, c
				}
				last := ""
				if how != "RST" { // a reset may overtake what was said
					last = "goodbye"
					leaves.send(t, last)
				}
				leaves.leave(t, how)
				if rest, _ := stays.ends(t, "the other side's connection"); rest != last {
					t.Errorf("the other side's last words are %q, want %q", rest, last)
				}
				stays.Close()
				if r := p.records.next(t); r.Status != 101 || r.Outcome == record.Error || r.Outcome == record.Unreachable || r.Outcome == record.Timeout {
					t.Errorf("the Record has %d and %s %s", r.Status, r.Outcome, r.Error)
				}
				eventually(t, "no request to run", func() bool { return p.live.Active.Load() == 0 })
			})
		}
	}
}

// TestARefusedUpgradeIsAnOrdinaryAnswer, and the client's connection goes on.
func TestARefusedUpgradeIsAnOrdinaryAnswer(t *testing.T) {
	for _, status := range []string{"200 OK", "426 Upgrade Required", "401 Unauthorized"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			e := listenRaw(t)
			p := startFor(t, e.url, 2, nil)
			c := dialRaw(t, p.addr)
			c.send(t, upgradeRequest)
			u := e.accept(t)
			if _, err := u.head(); err != nil {
				t.Fatal(err)
			}
			u.send(t, withBody("HTTP/1.1 "+status+"\r\nX: y\r\n", "no"))
			if m := c.wantAnswer(t, "GET"); m.start != "HTTP/1.1 "+status || m.body != "no" || !slices.Equal(m.endToEndLines(), []string{"X: y", "Content-Length: 2"}) {
				t.Errorf("the client got %q %q %q", m.start, m.lines, m.body)
			}
			if r := p.records.next(t); fmt.Sprint(r.Status) != status[:3] || r.ResponseBytes != 2 {
				t.Errorf("the Record has %d and %d bytes", r.Status, r.ResponseBytes)
			}
			u.Close()
			c.send(t, getHead+"\r\n")
			next := e.accept(t)
			next.wantRequest(t)
			next.send(t, withBody("HTTP/1.1 200 OK\r\n", "next"))
			if m := c.wantAnswer(t, "GET"); m.body != "next" {
				t.Errorf("the next answer is %q", m.body)
			}
		})
	}
}
