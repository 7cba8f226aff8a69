package loadgen

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
)

// replying is a server that has the same stream of events for everybody, each
// in a write of its own. It keeps off the heap, so that allocations are the
// client's.
func replying(b *testing.B, events int) upstream.Target {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	pieces := [][]byte{[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n")}
	chunk := func(data string) { pieces = append(pieces, fmt.Appendf(nil, "%x\r\n%s\r\n", len(data), data)) }
	const event = `data: {"id":"chatcmpl-2a","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{%s},"logprobs":null,"finish_reason":%s}]}` + "\n\n"
	for range events {
		chunk(fmt.Sprintf(event, `"content":" word"`, "null"))
	}
	chunk(fmt.Sprintf(event, "", `"stop"`) + "data: [DONE]\n\n")
	pieces = append(pieces, []byte("0\r\n\r\n"))
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go reply(conn, pieces)
		}
	}()
	target, err := upstream.ParseTarget("http://" + ln.Addr().String() + "/v1")
	if err != nil {
		b.Fatal(err)
	}
	return target
}

// reply answers every request of a connection.
func reply(conn net.Conn, pieces [][]byte) {
	defer conn.Close()
	for br := bufio.NewReader(conn); ; {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		for _, p := range pieces {
			if _, err := conn.Write(p); err != nil {
				return
			}
		}
	}
}

// BenchmarkClient is what an event costs, from the socket to the Record, the
// server's write of it included. One op is a whole answer.
func BenchmarkClient(b *testing.B) {
	for _, events := range []int{1, 1000} {
		for _, timeline := range []bool{false, true} {
			b.Run(fmt.Sprintf("loop=%s/events=%d/timeline=%v", driver, events, timeline), func(b *testing.B) {
				c := newClient(b, ClientConfig{Target: replying(b, events), Timeline: timeline, Timeout: time.Minute})
				seen, failed := 0, ""
				run := Run{
					Client: c, Pacer: Steady{N: b.N}, MaxInFlight: 1, Workload: hello{}, ID: "b",
					Sink: record.SinkFunc(func(r *record.Record) {
						seen += r.Events
						failed += r.Error
					}),
				}
				b.ReportAllocs()
				b.ResetTimer()
				if err := run.Do(b.Context()); err != nil || failed != "" || seen < b.N*events {
					b.Fatal(err, failed, seen)
				}
				b.ReportMetric(float64(seen)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
