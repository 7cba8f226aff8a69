package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// streams puts very many short streams through the proxy and checks each byte.
type streams struct {
	*options
	findings
	engine *engine
	report *report
	next   atomic.Int64
	good   atomic.Int64
	marks  []atomic.Uint64 // a bit a stream that has a Record
}

const brokenStream = "streams that were broken"

func makeMarks(n int) []atomic.Uint64 { return make([]atomic.Uint64, n/64+1) }

// streamClients is how many connections there are: as many as broke Go's own
// ReverseProxy.
const streamClients = 64

func runStreams(ctx context.Context, o *options) (*report, error) {
	s := &streams{options: o, report: &report{Name: "streams", Started: time.Now()}, marks: makeMarks(o.streams)}
	defer func() { s.report.Seconds = time.Since(s.report.Started).Seconds() }()
	s.engine = newEngine()
	s.engine.wrong = s.add
	if err := s.engine.open(o.listen); err != nil {
		return nil, err
	}
	defer s.engine.stop()
	addr := o.against
	var proxy *process
	if addr == "" {
		records := func(r io.Reader) error { return readIDs(r, s.record) }
		if !o.records {
			records = func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }
		}
		var err error
		if proxy, err = startProxy(o.program, s.engine.addr, records, o.proxyArgs...); err != nil {
			return nil, err
		}
		addr = proxy.addr
	}
	began := time.Now()
	s.run(ctx, addr)
	took := time.Since(began)
	if proxy != nil {
		stopErr := proxy.stop()
		s.report.bar("the proxy's own word at its end", orGood(stopErr), "good", stopErr == nil)
		if cpu := proxy.cmd.ProcessState; cpu != nil {
			s.report.figure("the proxy's CPU time per stream", "%.1f us", float64(cpu.UserTime()+cpu.SystemTime())/float64(max(1, s.done()))/1e3)
		}
	}
	s.account(took, proxy != nil && o.records)
	return s.report, nil
}

func (s *streams) done() int64 { return min(s.next.Load(), int64(s.options.streams)) }

func (s *streams) run(ctx context.Context, addr string) {
	var all sync.WaitGroup
	for range streamClients {
		all.Go(func() {
			c := &caller{addr: addr, patience: patience}
			defer c.close()
			for ctx.Err() == nil {
				id := s.next.Add(1) - 1
				if id >= int64(s.options.streams) {
					return
				}
				s.one(c, id)
			}
		})
	}
	all.Wait()
}

func (s *streams) one(c *caller, id int64) {
	p := &plan{id: id, kind: stream, events: 2 + int(id%4), size: 8 + int(id%13), body: 100 + int(id%97)}
	r := c.call(p)
	if kind, of := verdict(p, r, false); kind != "" {
		s.add(brokenStream, id, kind+": "+of)
		return
	}
	s.good.Add(1)
}

// record counts a Record.
func (s *streams) record(id int64, ok bool) {
	if !ok || id >= int64(s.options.streams) {
		s.add(strangeRecord, id, "")
		return
	}
	bit := uint64(1) << (id % 64)
	if s.marks[id/64].Or(bit)&bit != 0 {
		s.add(extraRecord, id, "")
	}
}

func (s *streams) account(took time.Duration, records bool) {
	r, done := s.report, s.done()
	r.Cut = done < int64(s.options.streams)
	r.figure("streams", "%d over %d connections", done, streamClients)
	r.figure("of them with a question for usage that was taken out again", "%d", s.engine.asked.Load())
	r.figure("streams per second, engine and clients on the same machine", "%.0f", float64(done)/took.Seconds())
	r.none(brokenStream, s.count(brokenStream))
	r.bar("streams that were whole, byte for byte", fmt.Sprint(s.good.Load()), fmt.Sprint(done), s.good.Load() == done)
	for _, kind := range []string{malformedRequest, changedRequest} {
		r.none(kind, s.count(kind))
	}
	if records {
		for id := range done {
			if s.marks[id/64].Load()>>(id%64)&1 == 0 {
				s.add(lostRecord, id, "")
			}
		}
		for _, kind := range []string{lostRecord, extraRecord, strangeRecord} {
			r.none(kind, s.count(kind))
		}
	}
	r.Findings = s.of
}
