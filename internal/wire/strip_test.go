package wire

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

func events(list ...string) string {
	var b strings.Builder
	for _, e := range list {
		b.WriteString("data: " + e + "\n\n")
	}
	return b.String()
}

// relay passes in through a Relay in pieces and returns what a client gets.
func relay(in string, size int, strip Strip, contentType string) (string, *record.Record) {
	r := NewRelay(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true}`))}, strip, nil)
	r.Head(0, AnswerHead{Status: 200, ContentType: contentType})
	var out bytes.Buffer
	for p := range slices.Chunk([]byte(in), size) {
		out.Write(r.Feed(0, p))
	}
	out.Write(r.Rest())
	rec := new(record.Record)
	r.End(0, record.Complete, rec)
	return out.String(), rec
}

func TestStrip(t *testing.T) {
	const eventStream = "text/event-stream"
	final, both := Strip{Final: true}, Strip{Final: true, PerEvent: true}
	roleEvent, a, b := vllm(0, role, running, ""), vllm(0, `"content":"a \"usage\":{ \"choices\":[]"`, running, ""), vllm(0, `"content":""`, stop, "")
	printed := strings.TrimSuffix(usageEvent(9, 2), "}") + `,"system_fingerprint":"fp"}`
	tests := []struct {
		name, contentType string
		strip             Strip
		in, want          string
	}{
		{"final", eventStream, final, events(roleEvent, a, b, usageEvent(9, 2), "[DONE]"), events(roleEvent, a, b, "[DONE]")},
		{"client asked for the final one", eventStream, Strip{PerEvent: true}, events(vllm(0, role, running, usage(9, 0)), usageEvent(9, 2), "[DONE]"), events(roleEvent, usageEvent(9, 2), "[DONE]")},
		{"nothing asked", eventStream, Strip{}, events(a, usageEvent(9, 2), "[DONE]"), events(a, usageEvent(9, 2), "[DONE]")},
		{"continuous", eventStream, both, events(vllm(0, role, running, usage(9, 0)), vllm(0, `"content":""`, stop, usage(9, 2)), usageEvent(9, 2), "[DONE]"), events(roleEvent, b, "[DONE]")},
		{"usage in front", eventStream, both, events(`{"usage":` + usage(9, 1) + `,"choices":[{"index":0}]}`), events(`{"choices":[{"index":0}]}`)},
		{"usage with white space", eventStream, both, events(`{"id":1, "usage" : ` + usage(9, 1) + ` , "choices":[{"index":0}]}`), events(`{"id":1 , "choices":[{"index":0}]}`)},
		{"usage and keys behind it", eventStream, both, events(`{"choices":[{"index":0}],"usage":` + usage(9, 1) + `,"prompt_token_ids":null}`), events(`{"choices":[{"index":0}],"prompt_token_ids":null}`)},
		{"comments and CRLF", eventStream, final, ": ping\r\n\r\ndata: " + a + "\r\n\r\ndata: " + usageEvent(9, 2) + "\r\n\r\ndata: [DONE]\r\n\r\n", ": ping\r\n\r\ndata: " + a + "\r\n\r\ndata: [DONE]\r\n\r\n"},
		{"empty choices without usage stay (SGLang's sglext)", eventStream, final, events(`{"choices":[],"sglext":{"x":1}}`, "[DONE]"), events(`{"choices":[],"sglext":{"x":1}}`, "[DONE]")},
		{"empty choices with usage null stay", eventStream, final, events(`{"choices":[],"usage":null}`, "[DONE]"), events(`{"choices":[],"usage":null}`, "[DONE]")},
		{"usage beside something else: only the usage goes", eventStream, final, events(`{"choices":[],"sglext":{"x":1},"usage":`+usage(9, 2)+`}`, "[DONE]"), events(`{"choices":[],"sglext":{"x":1}}`, "[DONE]")},
		{"the engine sends usage on its own account", eventStream, final, events(vllm(0, `"content":"a"`, running, usage(9, 1)), usageEvent(9, 2), "[DONE]"), events(vllm(0, `"content":"a"`, running, usage(9, 1)), usageEvent(9, 2), "[DONE]")},
		{"error event", eventStream, final, events(`{"error":{"message":"x"}}`, "[DONE]"), events(`{"error":{"message":"x"}}`, "[DONE]")},
		{"the finish event and what follows keep their order", eventStream, final, events(a, b, "[DONE]"), events(a, b, "[DONE]")},
		{"a comment behind the finish event", eventStream, final, events(a, b) + ": alive {}\n\n" + events(usageEvent(9, 2), "[DONE]"), events(a, b) + ": alive {}\n\n" + events("[DONE]")},
		{"the fingerprint goes back, over a comment too", eventStream, final, events(a, b) + ": {}\n\n" + events(printed, "[DONE]"), events(a, strings.TrimSuffix(b, "}")+`,"system_fingerprint":"fp"}`) + ": {}\n\n" + events("[DONE]")},
		{"not JSON", eventStream, both, events(`{"choices":[`, `usage`, "[DONE]"), events(`{"choices":[`, `usage`, "[DONE]")},
		{"ends inside the usage event", eventStream, final, events(a) + "data: " + usageEvent(9, 2), events(a) + "data: " + usageEvent(9, 2)},
		{"not an event stream", "application/json", both, `{"choices":[],"usage":` + usage(9, 2) + `}`, `{"choices":[],"usage":` + usage(9, 2) + `}`},
	}
	for _, tt := range tests {
		for size := 1; size <= len(tt.in); size++ {
			if got, _ := relay(tt.in, size, tt.strip, tt.contentType); got != tt.want {
				t.Errorf("%s, pieces of %d:\n got %q\nwant %q", tt.name, size, got, tt.want)
				break
			}
		}
	}
}

// TestAnAnswerGoesByWhatWasKnownAtItsStart: the engine is forgotten while a
// stream of several choices runs.
func TestAnAnswerGoesByWhatWasKnownAtItsStart(t *testing.T) {
	print := new(Fingerprint)
	print.learn(`"fp"`)
	r := NewRelay(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true,"n":2}`))}, Strip{Final: true}, print)
	r.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
	var out strings.Builder
	for i := range 2 {
		out.Write(r.Feed(0, []byte(events(vllm(i, `"content":"x"`, stop, "")))))
		print.Forget()
	}
	if n := strings.Count(out.String(), `"system_fingerprint":"fp"`); n != 2 {
		t.Errorf("%d of 2 finish events have their fingerprint: %s", n, out.String())
	}
}

func TestOnlyGoodStreamsAreStripped(t *testing.T) {
	for _, tt := range []struct {
		status          int
		contentEncoding string
		strips, encoded bool
	}{{200, "", true, false}, {200, "gzip", false, true}, {503, "", false, false}} {
		r := NewRelay(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true}`))}, Strip{Final: true}, nil)
		r.Head(0, AnswerHead{Status: tt.status, ContentType: "text/event-stream", ContentEncoding: tt.contentEncoding})
		if r.Strips() != tt.strips || r.Encoded() != tt.encoded {
			t.Errorf("%+v: strips %v, encoded %v", tt, r.Strips(), r.Encoded())
		}
	}
}

func TestStripHoldsBackOnlyWhatItMust(t *testing.T) {
	r := NewRelay(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true}`))}, Strip{Final: true}, nil)
	r.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
	steps := []struct{ in, out string }{
		{`data: {"id":"x",`, ``},
		{`"choices":[`, ``},
		{`{"index":0,`, `data: {"id":"x","choices":[{"index":0,`}, // now it can't be the usage event
		{`"delta":{}}]}`, `"delta":{}}]}`},
		{"\n\nda", "\n\n"},
		{"ta: [", "data: ["}, // [DONE]
		{"DONE]\n\n", "DONE]\n\n"},
		{": comment", ": comment"},
	}
	for _, s := range steps {
		if got := string(r.Feed(0, []byte(s.in))); got != s.out {
			t.Fatalf("after %q: passed on %q, want %q", s.in, got, s.out)
		}
	}
	r = NewRelay(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true}`))}, Strip{Final: true, PerEvent: true}, nil)
	r.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
	huge := `data: {"x":"` + strings.Repeat("y", maxHeld) + `"`
	if got := string(r.Feed(0, []byte(huge))); got != huge {
		t.Errorf("an event over %d bytes is held back: %d bytes passed on", maxHeld, len(got))
	}
	p := []byte("}\n\n" + events(vllm(0, `"content":"a"`, running, "")))
	if got := r.Feed(0, p); &got[0] != &p[0] && !bytes.Equal(got, p) {
		t.Errorf("passed on %q", got)
	}
}

func TestFeedReturnsItsArgumentWhereNothingIsRemoved(t *testing.T) {
	r := NewRelay(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true}`))}, Strip{Final: true}, nil)
	r.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
	p := []byte(events(vllm(0, `"content":"a"`, running, "")))
	if got := r.Feed(0, p); &got[0] != &p[0] || len(got) != len(p) {
		t.Error("an event that is passed on as it is was copied")
	}
}

func TestAPanicInMeasuringCostsOnlyTheMeasurement(t *testing.T) {
	live := new(record.Live)
	r := NewRelay(Config{Query: ReadQuery("POST", "/v1/chat/completions", []byte(`{"stream":true}`)), Live: live}, Strip{Final: true}, nil)
	r.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
	var out bytes.Buffer
	in := events(vllm(0, `"content":"a"`, running, ""))
	out.Write(r.Feed(0, []byte(in+`data: {"id`)))
	r.stream.cfg = nil // as a mistake of ours would leave it
	out.Write(r.Feed(0, []byte(`":1,"choices":[{"index":0,"delta":{"content":"b"}}]}`+"\n\n")))
	out.Write(r.Feed(0, []byte(in)))
	out.Write(r.Rest())
	want := in + `data: {"id":1,"choices":[{"index":0,"delta":{"content":"b"}}]}` + "\n\n" + in
	if out.String() != want {
		t.Errorf("passed on %q", out.String())
	}
	rec := new(record.Record)
	r.End(0, record.Complete, rec)
	if live.Panics.Load() == 0 || len(rec.Warnings) == 0 || rec.Outcome == "" {
		t.Errorf("%d panics counted, warnings %q, outcome %q", live.Panics.Load(), rec.Warnings, rec.Outcome)
	}
}

// FuzzRelay: whatever comes, in whatever pieces, the client gets the same bytes
// and the Record is the same; with nothing to strip, the bytes that came.
func FuzzRelay(f *testing.F) {
	f.Add(events(vllm(0, role, running, usage(9, 0)), vllm(0, `"content":"a"`, stop, usage(9, 1)), usageEvent(9, 1), "[DONE]"), 7, true)
	f.Add(": c\r\n\r\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\r\rdata:", 3, false)
	f.Fuzz(func(t *testing.T, in string, size int, perEvent bool) {
		if size < 1 || len(in) == 0 {
			return
		}
		if got, _ := relay(in, size, Strip{}, "text/event-stream"); got != in {
			t.Fatalf("nothing to strip, but bytes changed: %q", got)
		}
		strip := Strip{Final: true, PerEvent: perEvent}
		whole, one := relay(in, len(in), strip, "text/event-stream")
		pieces, many := relay(in, size, strip, "text/event-stream")
		if whole != pieces {
			t.Fatalf("pieces of %d give %q, the whole %q", size, pieces, whole)
		}
		if one.Outcome != many.Outcome || one.Usage != many.Usage || one.Events != many.Events {
			t.Fatalf("Records differ: %+v and %+v", one, many)
		}
	})
}
