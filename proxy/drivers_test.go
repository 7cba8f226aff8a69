package proxy

import (
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/netloop"
	"tokenomics/internal/record"
	"tokenomics/internal/sim"
)

// bothDrivers are those that the tests of this file compare. One of TestMain's
// rounds is enough for them.
func bothDrivers(t *testing.T) [2]Loop {
	if driver != LoopAuto {
		t.Skip("both drivers have been compared")
	}
	return [2]Loop{LoopAuto, LoopOff}
}

// TestAutoIsALoopOnLinux, or the tests of both drivers would be of one of them
// twice.
func TestAutoIsALoopOnLinux(t *testing.T) {
	e := listenRaw(t)
	for loop, want := range map[Loop]bool{LoopAuto: runtime.GOOS == "linux", LoopOff: false} {
		p := startFor(t, e.url, 0, func(c *Config) { c.Loop = loop })
		dialRaw(t, p.addr)
		eventually(t, "--loop="+string(loop)+" to serve the connection as it says", func() bool {
			p.mu.Lock()
			goroutines := len(p.clients)
			p.mu.Unlock()
			return p.inLoops() == 1 && want || goroutines == 1 && !want
		})
	}
}

// inLoops is how many clients' connections are in its readiness loops.
func (r *running) inLoops() (clients int) {
	for _, room := range r.rooms {
		counted := make(chan int, 1)
		room.loop.Post(func() {
			n := 0
			room.loop.Each(func(h netloop.Handler) {
				if _, is := h.(*looped); is {
					n++
				}
			})
			counted <- n
		})
		clients += <-counted
	}
	return clients
}

// plainly is a Record less what may differ between two runs of the same traffic:
// times, ids, addresses, and what the cut of the bytes into reads made of them.
func plainly(r *record.Record) record.Record {
	p := *r
	p.RequestID, p.Server, p.Start, p.Trace = "", "", time.Time{}, record.Trace{}
	for _, at := range []*record.Offset{&p.Sent, &p.Headers, &p.FirstEvent, &p.FirstToken, &p.FirstOutput, &p.LastToken, &p.End, &p.Connect, &p.Overhead} {
		*at = undatedOffset(*at)
	}
	p.Choices = append([]record.Choice(nil), r.Choices...)
	for i := range p.Choices {
		p.Choices[i].FirstToken, p.Choices[i].LastToken = undatedOffset(p.Choices[i].FirstToken), undatedOffset(p.Choices[i].LastToken)
	}
	p.Gaps, p.ITL, p.Timeline, p.Buffered, p.CoalescedReads = nil, nil, nil, false, 0
	p.Error = strings.ReplaceAll(p.Error, r.Server, "ENGINE")
	return p
}

// undatedOffset keeps of a time that there is one.
func undatedOffset(at record.Offset) record.Offset {
	if at.Ok() {
		return record.Some(time.Duration(0))
	}
	return at
}

// inOrder says which of a Record's times comes before one that it must not.
func inOrder(r *record.Record) error {
	last, whose := time.Duration(0), "the start"
	for _, m := range []struct {
		name string
		at   record.Offset
	}{{"headers", r.Headers}, {"the first event", r.FirstEvent}, {"the first token", r.FirstToken}, {"the last token", r.LastToken}, {"the end", r.End}} {
		at, ok := m.at.Get()
		if ok && at < last {
			return fmt.Errorf("%s at %v, after %s at %v", m.name, at, whose, last)
		}
		if ok {
			last, whose = at, m.name
		}
	}
	if sent, ok := r.Sent.Get(); ok && (sent < 0 || sent > last) {
		return fmt.Errorf("sent at %v, and %s at %v", sent, whose, last)
	}
	return nil
}

// compareRecords compares the Records of the same traffic with both drivers.
func compareRecords(t *testing.T, what string, looped, threaded []*record.Record) {
	t.Helper()
	if len(looped) != len(threaded) {
		t.Errorf("%s: %d Records of the loop, %d of the goroutines", what, len(looped), len(threaded))
		return
	}
	for i := range looped {
		a, b := reflect.ValueOf(plainly(looped[i])), reflect.ValueOf(plainly(threaded[i]))
		for f := range a.NumField() {
			if x, y := a.Field(f).Interface(), b.Field(f).Interface(); !reflect.DeepEqual(x, y) {
				t.Errorf("%s, Record %d: %s is %+v of the loop, %+v of the goroutines", what, i, a.Type().Field(f).Name, x, y)
			}
		}
		for _, r := range []*record.Record{looped[i], threaded[i]} {
			if err := inOrder(r); err != nil {
				t.Errorf("%s, Record %d: %v", what, i, err)
			}
		}
	}
}

// TestBothDriversMakeTheSameRecords of every dialect, usage mode and fault that
// the simulator has.
func TestBothDriversMakeTheSameRecords(t *testing.T) {
	drivers := bothDrivers(t)
	asked := twins()
	for _, fault := range []string{"cut=3", "close-delimited", "http10", "content-length", "trailers", "informational", "encode=gzip", "comment=1", "slow-headers=10ms", "stall=10ms"} {
		asked = append(asked, twin{"the fault " + fault, "POST", chat, `{` + hello + `,"stream":true}`, "Content-Type: application/json\r\n" + sim.FaultHeader + ": " + fault + "\r\n"})
	}
	for _, dialect := range sim.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			addr := simulated(t, dialect)
			for _, usage := range []Usage{UsageObserve, UsageAuto} {
				var made [2][]*record.Record
				var got [2][]string
				for i, loop := range drivers {
					p := start(t, "http://"+addr, func(c *Config) { c.Usage, c.Loop, c.Timeline = usage, loop, true })
					p.knows(t)
					for _, w := range asked {
						got[i] = append(got[i], askedAlone(t, p, w))
						made[i] = append(made[i], p.records.next(t))
					}
				}
				for i, w := range asked {
					if got[0][i] != got[1][i] {
						t.Errorf("%s: through the loop %.300q, through goroutines %.300q", w.name, got[0][i], got[1][i])
					}
					compareRecords(t, w.name, made[0][i:i+1], made[1][i:i+1])
				}
			}
		})
	}
}

// askedAlone has the exchange on a connection of its own, which may break, and
// says what came.
func askedAlone(t *testing.T, p *running, w twin) string {
	t.Helper()
	c := dialRaw(t, p.addr)
	defer c.Close()
	in := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n%s", w.method, w.path, w.lines)
	if w.method == "POST" {
		in = withBody(in, w.body)
	} else {
		in += "\r\n"
	}
	c.send(t, in)
	m, err := c.answer(w.method)
	for err == nil && m.status() < 200 {
		m, err = c.answer(w.method)
	}
	c.ends(t, "the client's connection")
	eventually(t, "the request to be over", func() bool { return p.running.Load() == 0 })
	undated(m)
	return fmt.Sprintf("%s %q %q %q %t", m.start, m.endToEndLines(), m.body, m.trailers, err == nil)
}

// scene is a piece of traffic, of which both sides are played by hand. play
// returns what its client saw.
type scene struct {
	name    string
	edit    func(*Config)
	records int
	stalls  bool // how many bytes pass is up to the kernel
	play    func(t *testing.T, p *running, e *rawEngine) (saw string)
}

// scenes are exchanges that end before they are over.
func scenes() (list []scene) {
	seen := func(t *testing.T, c *rawPeer) string {
		rest, reset := c.ends(t, "the client's connection")
		return fmt.Sprintf("%q, reset %t", rest, reset)
	}
	for _, how := range []string{"FIN", "RST", "half-close"} {
		for _, sent := range []string{"GET /x", jsonHead + "Content-Length: 100\r\n\r\n{", jsonHead + chunked + "\r\n5\r\n{    \r\n"} {
			for _, usage := range []Usage{UsageObserve, UsageFinal} {
				list = append(list, scene{fmt.Sprintf("the client leaves by %s after %.30q, %s", how, sent, usage), func(c *Config) { c.Usage = usage }, 1, false, func(t *testing.T, p *running, e *rawEngine) string {
					c := dialRaw(t, p.addr)
					c.send(t, sent)
					if strings.HasPrefix(sent, "POST") { // else no head would be taken from its socket before a reset
						eventually(t, "the request to have begun", func() bool { return p.live.Active.Load() == 1 })
					} else {
						time.Sleep(20 * time.Millisecond)
					}
					if usage == UsageObserve && strings.Contains(sent, chunked) { // it goes on as it comes
						if _, err := e.accept(t).head(); err != nil {
							t.Error(err)
						}
					}
					c.leave(t, how)
					return ""
				}})
			}
		}
		for _, phase := range phases {
			for _, side := range []string{"client", "engine"} {
				list = append(list, scene{fmt.Sprintf("the %s leaves by %s, %s", side, how, phase.name), nil, 1, false, func(t *testing.T, p *running, e *rawEngine) string {
					c := dialRaw(t, p.addr)
					c.send(t, strings.Replace(withBody(jsonHead, phase.body), "\r\n", "\r\nConnection: close\r\n", 1))
					u := e.accept(t)
					u.wantRequest(t)
					phase.reach(t, c, u)
					if side == "client" {
						c.leave(t, how)
						return ""
					}
					u.leave(t, how)
					return strings.ReplaceAll(seen(t, c), e.addr, "ENGINE")
				}})
			}
		}
		for _, side := range []string{"client", "engine"} {
			list = append(list, scene{"a tunnel ended by its " + side + ", " + how, nil, 1, false, func(t *testing.T, p *running, e *rawEngine) string {
				c, u := upgraded(t, e, p)
				c.send(t, "up")
				u.expect(t, "up")
				u.send(t, "down")
				c.expect(t, "down")
				if side == "client" {
					c.leave(t, how)
					u.ends(t, "the engine's connection")
					return ""
				}
				u.leave(t, how)
				return seen(t, c)
			}})
		}
	}
	return append(list, limitScenes(seen)...)
}

// limitScenes are exchanges that run into a limit, or are ended by the proxy.
func limitScenes(seen func(*testing.T, *rawPeer) string) []scene {
	const limit = 100 * time.Millisecond
	short := func(c *Config) {
		c.HeadTimeout, c.BodyTimeout, c.WriteTimeout, c.MaxInFlight = limit, limit, limit, 1
	}
	sends := func(name string, usage Usage, in string) scene {
		return scene{name, func(c *Config) { short(c); c.Usage = usage }, 1, false, func(t *testing.T, p *running, e *rawEngine) string {
			c := dialRaw(t, p.addr)
			c.send(t, in)
			return seen(t, c)
		}}
	}
	list := []scene{
		sends("a head that stops", UsageObserve, "GET /x HTTP/1.1\r\nHo"),
		sends("a body that stops, streamed", UsageObserve, jsonHead+chunked+"\r\n1\r\n{\r\n"),
		sends("a body that stops, gathered", UsageObserve, jsonHead+"Content-Length: 10\r\n\r\n{"),
		sends("a body that stops, read whole", UsageFinal, jsonHead+chunked+"\r\n1\r\n{\r\n"),
		sends("a malformed head", UsageObserve, "GET /x HTTP/1.1\r\nHost : h\r\n\r\n"),
		sends("a malformed body, streamed", UsageObserve, jsonHead+chunked+"\r\n1\r\n{\r\nzz\r\n"),
		sends("a malformed body, read whole", UsageFinal, jsonHead+chunked+"\r\n1\r\n{\r\nzz\r\n"),
		{"a client that does not read", short, 1, true, func(t *testing.T, p *running, e *rawEngine) string {
			_, u := askedFor(t, p, e, "GET")
			u.send(t, okHead+fmt.Sprintf("Content-Length: %d\r\n\r\n", offered))
			go io.CopyN(struct{ io.Writer }{u}, zeros{}, offered)
			return ""
		}},
		{"an engine that does not read", short, 1, true, func(t *testing.T, p *running, e *rawEngine) string {
			c := dialRaw(t, p.addr)
			c.send(t, fmt.Sprintf("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", offered))
			go io.CopyN(struct{ io.Writer }{c}, zeros{}, offered)
			m := c.wantAnswer(t, "POST")
			return fmt.Sprintf("%s %q", m.start, strings.ReplaceAll(m.body, e.addr, "ENGINE"))
		}},
		{"an early refusal", nil, 1, false, func(t *testing.T, p *running, e *rawEngine) string {
			c := dialRaw(t, p.addr)
			c.send(t, postHead+"Content-Length: 100000\r\n\r\n{")
			u := e.accept(t)
			if _, err := u.head(); err != nil {
				t.Fatal(err)
			}
			u.send(t, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
			return seen(t, c)
		}},
		{"a full house", short, 2, false, func(t *testing.T, p *running, e *rawEngine) string {
			first, u := askedFor(t, p, e, "GET")
			c := dialRaw(t, p.addr)
			c.send(t, getHead+"Connection: close\r\n\r\n")
			saw := seen(t, c)
			p.records.next(t)
			u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
			first.wantAnswer(t, "GET")
			return saw
		}},
		{"a kept connection that is dead", nil, 2, false, func(t *testing.T, p *running, e *rawEngine) string {
			c, u := askedFor(t, p, e, "GET")
			u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
			c.wantAnswer(t, "GET")
			p.records.next(t)
			c.send(t, getHead+"Connection: close\r\n\r\n")
			u.wantRequest(t)
			u.leave(t, "RST")
			u = e.accept(t)
			u.wantRequest(t)
			u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
			return seen(t, c)
		}},
		{"pipelined requests, of which the second is malformed", nil, 2, false, func(t *testing.T, p *running, e *rawEngine) string {
			c := dialRaw(t, p.addr)
			c.send(t, getHead+"\r\nGET /y HTTP/1.1\r\nHost : h\r\n\r\n")
			u := e.accept(t)
			u.wantRequest(t)
			u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
			p.records.next(t)
			return seen(t, c)
		}},
	}
	for _, phase := range phases {
		list = append(list, scene{"cut, " + phase.name, nil, 1, false, func(t *testing.T, p *running, e *rawEngine) string {
			c := dialRaw(t, p.addr)
			c.send(t, withBody(jsonHead, phase.body))
			u := e.accept(t)
			u.wantRequest(t)
			phase.reach(t, c, u)
			if n := p.cutAll(); n != 1 {
				t.Errorf("%d requests were cut", n)
			}
			return seen(t, c)
		}})
	}
	return list
}

// TestBothDriversEndAlike: whatever ends an exchange before it is over, its
// client sees the same and its Records are the same.
func TestBothDriversEndAlike(t *testing.T) {
	drivers := bothDrivers(t)
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var made [2][]*record.Record
			var saw [2]string
			for i, loop := range drivers {
				e := listenRaw(t)
				p := start(t, e.url, func(c *Config) {
					c.Loop = loop
					if s.edit != nil {
						s.edit(c)
					}
				})
				p.knows(t)
				saw[i] = s.play(t, p, e)
				eventually(t, "the Records", func() bool {
					p.records.mu.Lock()
					defer p.records.mu.Unlock()
					return len(p.records.list) >= s.records
				})
				p.records.mu.Lock()
				made[i] = p.records.list
				p.records.mu.Unlock()
				for _, r := range made[i] {
					if s.stalls {
						r.RequestBytes, r.ResponseBytes = 0, 0
					}
				}
			}
			if saw[0] != saw[1] {
				t.Errorf("of the loop the client saw       %s\nof the goroutines the client saw %s", saw[0], saw[1])
			}
			compareRecords(t, s.name, made[0], made[1])
		})
	}
}
