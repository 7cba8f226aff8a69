package sim

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// TestStreamFaults: a table of faults and what a client sees of them.
func TestStreamFaults(t *testing.T) {
	const tokens = 6 // so a whole stream has a role event, 6 token events and [DONE]
	for _, c := range []struct {
		fault  string
		events int   // received
		err    error // of reading the body
		truth  TruthOutcome
		check  func(t *testing.T, raw string, got []string)
	}{
		{"stall=30ms", tokens + 2, nil, TruthComplete, nil},
		{"slow-headers=30ms", tokens + 2, nil, TruthComplete, nil},
		{"split=5", tokens + 2, nil, TruthComplete, nil},
		{"coalesce=4", tokens + 2, nil, TruthComplete, nil},
		{"no-done", tokens + 1, nil, TruthComplete, func(t *testing.T, raw string, _ []string) {
			if strings.Contains(raw, "[DONE]") {
				t.Error("there is a [DONE]")
			}
		}},
		{"crlf", tokens + 2, nil, TruthComplete, func(t *testing.T, raw string, _ []string) {
			if strings.Count(raw, "\r\n\r\n") != tokens+2 {
				t.Errorf("events do not end with CRLF: %q", raw)
			}
		}},
		{"big-event=5000", tokens + 2, nil, TruthComplete, func(t *testing.T, _ string, got []string) {
			if len(got[1]) != 5000 || !gjson.Valid(got[1]) || len(got[2]) > 1000 {
				t.Errorf("event sizes %d %d", len(got[1]), len(got[2]))
			}
		}},
		{"garbage=2", tokens + 3, nil, TruthComplete, func(t *testing.T, _ string, got []string) {
			if gjson.Valid(got[2]) || !gjson.Valid(got[3]) {
				t.Errorf("the third event is %q, the fourth %q", got[2], got[3])
			}
		}},
		{"abort=2", 4, nil, TruthComplete, func(t *testing.T, _ string, got []string) {
			if gjson.Get(got[2], "choices.0.finish_reason").String() != "abort" {
				t.Errorf("the last token's event is %s", got[2])
			}
		}},
		{"error-event=3", 5, nil, TruthBroken, nil},
		{"cut=3", 3, io.ErrUnexpectedEOF, TruthBroken, nil},
		{"cut=1000", tokens, io.ErrUnexpectedEOF, TruthBroken, nil},
		{"reset=2", -1, syscall.ECONNRESET, TruthBroken, nil},
	} {
		t.Run(c.fault, func(t *testing.T) {
			e := start(t, fast("vllm"))
			_, body, err := e.ask(t, "/v1/chat/completions", chatBody(`,"stream":true`), "X-Sim-Fault: "+c.fault)
			if !errors.Is(err, c.err) {
				t.Fatalf("reading: %v, want %v", err, c.err)
			}
			if got := events(body); c.events >= 0 && len(got) != c.events {
				t.Errorf("%d events, want %d: %q", len(got), c.events, body)
			} else if c.check != nil {
				c.check(t, body, got)
			}
			tr := e.truths(t)[0]
			if tr.Outcome != c.truth || len(tr.Faults) != 1 || tr.Faults[0] != c.fault {
				t.Errorf("truth %+v", tr)
			}
			if n := len(tr.Events); c.events >= 0 && n != c.events {
				t.Errorf("%d events in the truth log, want %d", n, c.events)
			}
			if d := c.fault; strings.HasPrefix(d, "stall") && tr.Events[0].AtNS < int64(30*time.Millisecond) {
				t.Errorf("a stalled stream begins at %d ns", tr.Events[0].AtNS)
			}
			if c.fault == "coalesce=4" && (tr.Events[0].AtNS != tr.Events[3].AtNS || tr.Events[3].AtNS == tr.Events[4].AtNS) {
				t.Errorf("events at %+v", tr.Events)
			}
		})
	}
}

func TestBodyFaults(t *testing.T) {
	for _, c := range []struct {
		fault  string
		status int
		err    error
		valid  bool
	}{
		{"status=418", 418, nil, true},
		{"error-event", 500, nil, true},
		{"garbage", 200, nil, false},
		{"abort=2", 200, nil, true},
		{"cut", 200, io.ErrUnexpectedEOF, false},
		{"reset", 200, syscall.ECONNRESET, false},
		{"no-such-fault", 400, nil, true},
	} {
		e := start(t, fast("sglang"))
		resp, body, err := e.ask(t, "/v1/chat/completions", chatBody(``), "X-Sim-Fault: "+c.fault)
		if !errors.Is(err, c.err) || resp != nil && resp.StatusCode != c.status || c.err == nil && gjson.Valid(body) != c.valid {
			t.Errorf("%s: %v %q %v", c.fault, resp, body, err)
		}
	}
}

func TestFaultByChanceIsRepeatable(t *testing.T) {
	f, err := ParseFault("status=500@0.3")
	if err != nil {
		t.Fatal(err)
	}
	count := func(seed uint64) (n int) {
		cfg := Config{Seed: seed, Faults: []Fault{f}}
		for i := range uint64(1000) {
			fs, err := cfg.rollFaults("", i)
			if err != nil {
				t.Fatal(err)
			}
			n += len(fs)
		}
		return n
	}
	if a, b := count(1), count(1); a != b || a < 250 || a > 350 {
		t.Errorf("%d and %d of 1000 requests failed, want the same and about 300", a, b)
	}
}

func TestParseFault(t *testing.T) {
	for text, want := range map[string]string{
		"cut": "cut=3", "cut=0": "cut=0", "stall=2s@0.5": "stall=2s", "hang": "hang", " crlf": "crlf",
		"encode": "encode=auto", "encode=br@0.1": "encode=br", "informational": "informational=103",
	} {
		if f, err := ParseFault(text); err != nil || f.String() != want {
			t.Errorf("%q: %s %v, want %s", text, f, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "unknown", "boom": "want one of status", "cut=x": "not a number", "cut=-1": "not a number", "status=200": "from 400 to 599",
		"stall=5": "not a duration", "hang=1": "takes no argument", "cut@2": "probability", "cut@x": "probability", "cut@NaN": "probability",
		"split=0": "from 1", "encode=lzw": "not one of auto, gzip", "informational=101": "from 102 to 199", "http10=1": "takes no argument", "big-event=999999999999": "not a number",
	} {
		if _, err := ParseFault(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want something about %q", text, err, want)
		}
	}
}
