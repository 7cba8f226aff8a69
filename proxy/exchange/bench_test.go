package exchange

import (
	"strconv"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// BenchmarkExchange is what a whole small exchange costs without its sockets,
// from the request's bytes to the Record; BenchmarkEvent what each event of its
// answer does.
func BenchmarkExchange(b *testing.B) {
	for name, ask := range map[string]wire.Ask{"observe": wire.AskNothing, "final": wire.AskFinal} {
		b.Run(name, func(b *testing.B) {
			s := newScript(b, ask, nil)
			request := []byte(posted(`{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hello there"}]}`))
			answer := []byte(okChunked + chunk(token) + chunk(finish+usage+done) + "0\r\n\r\n")
			b.ReportAllocs()
			for b.Loop() {
				x := New(s.x.env, Peer{Addr: "1.2.3.4:5"})
				x.Client(s.now, request)
				x.Connected(true, 0)
				x.ToEngine()
				x.Flushed(s.now)
				x.Engine(s.now, answer)
				x.ToClient()
				if !x.KeepClient() || x.Record().Outcome != record.Complete {
					b.Fatalf("%+v", x.Record())
				}
				x.Release()
			}
		})
	}
}

func BenchmarkEvent(b *testing.B) {
	for name, ask := range map[string]wire.Ask{"observe": wire.AskNothing, "final": wire.AskFinal, "continuous": wire.AskContinuous} {
		b.Run(name, func(b *testing.B) {
			s := newScript(b, ask, nil)
			s.x.Client(s.now, []byte(posted(streamBody)))
			s.x.Connected(true, 0)
			s.x.ToEngine()
			s.x.Flushed(s.now)
			s.x.Engine(s.now, []byte(okChunked))
			s.x.ToClient()
			now, n := s.now, 0
			event := []byte(chunk(token))
			if ask == wire.AskContinuous {
				event = []byte(chunk(`data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":100000,"total_tokens":100005}}` + "\n\n"))
			}
			at := len(event) - len(`100000,"total_tokens":100005}}`) - 4
			b.SetBytes(int64(len(event)))
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(10 * time.Millisecond)
				if ask == wire.AskContinuous {
					n++
					strconv.AppendInt(event[at:at], int64(100000+n%800000), 10)
				}
				s.x.Engine(now, event)
				s.x.ToClient()
				s.x.Measure()
				s.x.Idle()
			}
		})
	}
}
