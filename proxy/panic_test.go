package proxy

import (
	"sync/atomic"
	"testing"

	"tokenomics/internal/record"
)

// TestAMistakeOfOursCostsOneConnection, whoever makes it and whatever lock it
// holds: the exchange ends with its one Record, both connections are closed,
// and the next client is served.
func TestAMistakeOfOursCostsOneConnection(t *testing.T) {
	for _, tt := range []struct {
		name string
		trip func(p *Proxy, mistake func())
		talk func(t *testing.T, c *rawPeer, e *rawEngine)
	}{
		{"reading the request", func(p *Proxy, mistake func()) {
			p.env.Tenant = func(func(string) string) string { mistake(); return "" }
		}, func(t *testing.T, c *rawPeer, e *rawEngine) { c.send(t, getHead+"\r\n") }},
		{"reading the answer", func(p *Proxy, mistake func()) {
			p.env.Answered = func(bool, bool) { mistake() }
		}, func(t *testing.T, c *rawPeer, e *rawEngine) {
			c.send(t, getHead+"\r\n")
			u := e.accept(t)
			u.wantRequest(t)
			u.send(t, okHead+"\r\n")
			u.ends(t, "the engine's connection")
		}},
		{"sending the rest of the request on", func(p *Proxy, mistake func()) {
			p.env.LetGo = func(int64) { mistake() }
		}, func(t *testing.T, c *rawPeer, e *rawEngine) {
			c.send(t, jsonHead+chunked+"\r\n1\r\n{\r\n")
			u := e.accept(t)
			if _, err := u.head(); err != nil {
				t.Fatal(err)
			}
			u.send(t, "HTTP/1.1 100 Continue\r\n\r\n")
			c.expect(t, "HTTP/1.1 100 Continue\r\n\r\n") // somebody waits for the answer
			c.send(t, "1\r\n}\r\n0\r\n\r\n")
			u.ends(t, "the engine's connection")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := listenRaw(t)
			var tripped atomic.Bool
			p := startWith(t, e.url, nil, func(p *Proxy) {
				tt.trip(p, func() {
					if !tripped.Swap(true) {
						panic("a mistake")
					}
				})
			})
			c := dialRaw(t, p.addr)
			tt.talk(t, c, e)
			c.ends(t, "the client's connection")
			eventually(t, "no request to run", func() bool { return p.live.Active.Load() == 0 })
			if n := p.live.Panics.Load(); n != 1 {
				t.Errorf("%d panics are counted", n)
			}
			if r := p.records.next(t); r.Outcome != record.Error || r.Error != "relaying the request failed inside the proxy" {
				t.Errorf("the Record says %s %s", r.Outcome, r.Error)
			}
			wantFresh(t, p, e)
		})
	}
}
