package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// relay passes bytes on, as the simplest proxy there is. tamper may change what
// the engine answers; deaf keeps the engine from learning of clients that leave.
type relay struct {
	addr   string
	tamper func(b []byte) []byte
	deaf   bool
}

func startRelay(t *testing.T, to string, tamper func([]byte) []byte, deaf bool) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: ln.Addr().String(), tamper: tamper, deaf: deaf}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go r.serve(c, to)
		}
	}()
	return r
}

func (r *relay) serve(client net.Conn, to string) {
	engine, err := net.Dial("tcp", to)
	if err != nil {
		client.Close()
		return
	}
	go func() {
		io.Copy(engine, client)
		if !r.deaf {
			engine.Close()
			client.Close()
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := engine.Read(buf)
		b := buf[:n]
		if r.tamper != nil && n > 0 {
			b = r.tamper(b)
		}
		if b == nil && n > 0 {
			break
		}
		if _, werr := client.Write(b); err != nil || werr != nil {
			break
		}
	}
	client.Close()
	engine.Close()
}

func openEngine(t *testing.T, e *engine) {
	t.Helper()
	if err := e.open(loopback); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.stop)
}

// once applies f to the nth read that holds what.
func once(n int, what string, f func([]byte) []byte) func([]byte) []byte {
	var mu sync.Mutex
	return func(b []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		if !bytes.Contains(b, []byte(what)) {
			return b
		}
		if n--; n != 0 {
			return b
		}
		return f(b)
	}
}

func TestStreamsNoticeABrokenOne(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tamper func([]byte) []byte
		want   int
	}{
		{"an honest relay", nil, 0},
		{"one byte changed", once(40, "[DONE]", func(b []byte) []byte {
			return bytes.Replace(b, []byte("stop"), []byte("stpo"), 1)
		}), 1},
		{"one stream cut", once(40, "[DONE]", func([]byte) []byte { return nil }), 1},
		{"another's bytes", once(40, "[DONE]", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"id":"q0`), []byte(`"id":"q9`), 1)
		}), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &streams{options: &options{streams: 600}, report: new(report)}
			s.engine = newEngine()
			s.engine.wrong = s.add
			openEngine(t, s.engine)
			s.run(context.Background(), startRelay(t, s.engine.addr, tc.tamper, false).addr)
			s.account(time.Second, false)
			if got := s.count(brokenStream); got != tc.want || s.report.met() != (tc.want == 0) {
				t.Errorf("%d broken, want %d: %q", got, tc.want, s.examples())
			}
		})
	}
}

func TestStreamsNoticeTheirRecords(t *testing.T) {
	s := &streams{options: &options{streams: 100}, report: new(report)}
	s.options.records = true
	s.marks = makeMarks(100)
	s.next.Store(100)
	s.good.Store(100)
	s.engine = newEngine()
	var log bytes.Buffer
	for id := range int64(100) {
		if id != 70 {
			fmt.Fprintf(&log, `{"request_id":"%s","start":""}`+"\n", appendID(nil, id))
		}
	}
	fmt.Fprintf(&log, `{"request_id":"%s"}`+"\n", appendID(nil, 3))
	fmt.Fprintln(&log, `{"request_id":"0123456789abcdef01234567"}`)
	if err := readIDs(&log, s.record); err != nil {
		t.Fatal(err)
	}
	s.account(time.Second, true)
	if s.count(lostRecord) != 1 || s.count(extraRecord) != 1 || s.count(strangeRecord) != 1 || s.report.met() {
		t.Errorf("%q", s.examples())
	}
}

// TestFaultsAreWhatTheySay: straight to the engine, every answer that is to
// arrive whole does, and every one that is cut is seen as cut.
func TestFaultsAreWhatTheySay(t *testing.T) {
	var bad findings
	e := newEngine()
	e.wrong = bad.add
	openEngine(t, e)
	id := int64(0)
	for _, name := range append(faultNames, "") {
		rule := faults[name]
		if rule.fate == refused || rule.held || name == pause {
			continue // for a proxy to refuse; for clients that leave; for who has time
		}
		for _, k := range []kind{stream, completions, whole, embeddings, get, headOnly} {
			if !rule.fits(k) || name == early413 && !k.hasBody() {
				continue
			}
			for range 3 {
				id++
				p := &plan{id: id, kind: k, events: 4, size: 300, body: 200, usage: id%2 == 0, fault: name, at: 2}
				c := &caller{addr: e.addr, patience: patience}
				r := c.call(p)
				c.close()
				if kind, of := verdict(p, r, false); kind != "" {
					t.Errorf("%s, %s: %s: %s", name, k, kind, of)
				}
				if cutShort := rule.fate == cut; r.complete == cutShort {
					t.Errorf("%s, %s: complete %t", name, k, r.complete)
				}
			}
		}
	}
	for _, line := range bad.examples() {
		t.Error(line)
	}
}

// TestManners: every way to send a request arrives as it is meant.
func TestManners(t *testing.T) {
	var bad findings
	e := newEngine()
	e.wrong = bad.add
	openEngine(t, e)
	for i, way := range []client{{}, {send: "chunked"}, {send: "expect"}, {send: "close"}, {send: "slow"}} {
		p := &plan{id: int64(i), kind: whole, size: 100, body: 30_000, client: way}
		if way.send == "slow" {
			p.body = 100
		}
		c := &caller{addr: e.addr, patience: patience}
		if r := c.call(p); !r.exact {
			t.Errorf("%+v: %+v", way, r)
		}
		c.close()
	}
	plans := []*plan{{id: 10, kind: whole, size: 10, body: 10}, {id: 11, kind: get, size: 100}, {id: 12, kind: stream, events: 3, size: 5}}
	c := &caller{addr: e.addr, patience: patience}
	defer c.close()
	for i, r := range c.callAll(plans) {
		if !r.exact {
			t.Errorf("pipelined %d: %+v", i, r)
		}
	}
	for _, line := range bad.examples() {
		t.Error(line)
	}
}

func TestAbortsAreNoticed(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		a := &aborts{options: &options{}, limit: 200 * time.Millisecond, watch: map[int64]*abort{}}
		a.engine = newEngine()
		a.engine.arrived, a.engine.gone = a.seen, a.gone
		openEngine(t, a.engine)
		to := startRelay(t, a.engine.addr, nil, deaf)
		c := &caller{addr: to.addr, patience: patience, linger: 100 * time.Millisecond}
		r := rand.New(rand.NewPCG(1, 1))
		for i := range phases {
			for range 3 {
				if _, ok := a.one(c, r, i, false); !ok {
					t.Errorf("deaf %t, %s: %q", deaf, phases[i].name, a.examples())
				}
			}
		}
		if told := a.count(neverTold) == 0; told == deaf {
			t.Errorf("deaf %t: %d never told", deaf, a.count(neverTold))
		}
	}
}

// TestEngineDiesAndComesBack: what is in flight is reset, and what follows is
// served.
func TestEngineDiesAndComesBack(t *testing.T) {
	var bad findings
	e := newEngine()
	e.wrong = bad.add
	openEngine(t, e)
	c := &caller{addr: e.addr, patience: patience}
	defer c.close()
	p := &plan{id: 1, kind: whole, size: 10}
	if r := c.call(p); !r.exact {
		t.Fatalf("before: %+v", r)
	}
	e.kill()
	if r := c.call(p); r.complete || r.hung {
		t.Errorf("dead: %+v", r)
	}
	if err := reopen(e); err != nil {
		t.Fatal(err)
	}
	if r := c.call(p); !r.exact {
		t.Errorf("after: %+v", r)
	}
	e.drain()
	if r := c.call(p); r.complete {
		t.Errorf("drained: %+v", r)
	}
}
