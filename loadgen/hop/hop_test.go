package hop

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// pointOf knows ids such as "8/3": request 3 of point 8.
func pointOf(id string) (string, bool) {
	name, _, ok := strings.Cut(id, "/")
	return name, ok
}

func at(ms float64) record.Offset {
	return record.Some(time.Duration(ms * float64(time.Millisecond)))
}

// request left queue ms after it was due; ttft and e2e count from there.
func request(id string, queue, ttft, e2e float64) *record.Record {
	r := &record.Record{RequestID: id, Outcome: record.Complete, Scheduled: at(0), Sent: at(queue), FirstToken: at(queue + ttft), LastToken: at(queue + e2e)}
	r.Stream = true
	return r
}

// proxied is a request as the proxy has it.
func proxied(id string, ttft, e2e, overhead float64) *record.Record {
	r := request(id, 0, ttft, e2e)
	r.Scheduled, r.Overhead = record.Offset{}, at(overhead)
	return r
}

// logOf is how the proxy logs them.
func logOf(t *testing.T, records ...*record.Record) string {
	t.Helper()
	var b bytes.Buffer
	sink := record.NewJSONL(&b)
	for _, r := range records {
		sink.Observe(r)
	}
	if err := sink.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// what is h in a line, to 3 decimals, - for what is absent.
func what(t *testing.T, h *results.Hop) string {
	t.Helper()
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func near(got record.Opt[float64], want float64) bool {
	v, ok := got.Get()
	return ok && math.Abs(v-want) < 1e-6
}

// TestPlantedTimes: whoever tells first, and however the proxy tells it.
func TestPlantedTimes(t *testing.T) {
	failed := request("8/4", 1, 1, 1)
	failed.Outcome = record.Truncated
	ours := []*record.Record{
		request("8/1", 1, 54, 112), request("8/2", 3, 58, 124), // both in both
		request("8/3", 9, 9, 9), // the proxy knows nothing of it
		failed,                  // in no mean, and missed by nobody
		request("warmup", 1, 1, 1),
	}
	refused := proxied("8/1", 1, 1, 1) // "8/1" was sent again without what this one was refused for
	refused.Outcome = record.Error
	theirs := []*record.Record{
		refused,
		proxied("8/1", 50, 100, 2), proxied("8/2", 50, 110, 4),
		proxied("8/9", 7, 7, 7), // nobody told us
		proxied("somebody's", 1, 1, 1),
	}
	path := filepath.Join(t.TempDir(), "log.jsonl")
	if err := os.WriteFile(path, []byte(logOf(t, theirs...)), 0o600); err != nil {
		t.Fatal(err)
	}
	tell := func(s record.Sink, records []*record.Record) {
		for _, r := range records {
			s.Observe(r)
		}
	}
	for name, run := range map[string]func(*Join) error{
		"we first":  func(j *Join) error { tell(j.Client(), ours); tell(j.Proxy(), theirs); return nil },
		"the proxy": func(j *Join) error { tell(j.Proxy(), theirs); tell(j.Client(), ours); return nil },
		"its log":   func(j *Join) error { tell(j.Client(), ours); return (&Lines{path: path}).ReadInto(j) },
	} {
		j := New(pointOf)
		if err := run(j); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		h := j.Of("8")
		if h.Joined != 2 || h.ClientOnly != 1 || h.ProxyOnly != 1 || j.Waiting() != 1 {
			t.Errorf("%s: %s, %d waiting", name, what(t, h), j.Waiting())
		}
		if !near(h.Client, 2) || !near(h.HopTTFT, 6) || !near(h.EngineTTFT, 50) || !near(h.HopE2E, 13) ||
			!near(h.EngineE2E, 105) || !near(h.Proxy, 3) || !near(h.Unattributed, 10) {
			t.Errorf("%s: %s", name, what(t, h))
		}
		if total, parts := (113.0+127)/2, h.Client.Or(0)+h.HopE2E.Or(0)+h.EngineE2E.Or(0); math.Abs(total-parts) > 1e-6 {
			t.Errorf("%s: the parts come to %v, and the whole is %v", name, parts, total)
		}
	}
}

func TestNothingIsNotZero(t *testing.T) {
	j := New(pointOf)
	if h := j.Of("8"); h != nil {
		t.Errorf("nobody told of a request: %s", what(t, h))
	}
	j.Client().Observe(request("8/1", 1, 2, 3))
	if got := what(t, j.Of("8")); got != `{"joined":0,"client_only":1}` {
		t.Errorf("%s", got)
	}
	whole := request("9/1", 1, 2, 3) // an answer in one piece has no TTFT
	whole.Stream, whole.End = false, at(4)
	theirs := proxied("9/1", 2, 3, 0)
	theirs.Stream, theirs.End, theirs.Overhead = false, at(2), record.Offset{}
	j.Client().Observe(whole)
	j.Proxy().Observe(theirs)
	if got := what(t, j.Of("9")); got != `{"joined":1,"client_ms":1,"hop_e2e_ms":1,"engine_e2e_ms":2}` {
		t.Errorf("%s", got)
	}
}

// TestALogThatGrows is read as it comes: what was there before belongs to
// others, and a line that is not whole yet is read when it is.
func TestALogThatGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("what others wrote is not even looked at\n")
	lines, err := OpenLines(path)
	if err != nil {
		t.Fatal(err)
	}
	j := New(pointOf)
	sees := func(want int) {
		t.Helper()
		if err := lines.ReadInto(j); err != nil {
			t.Fatal(err)
		}
		if got := j.Of("8").ProxyOnly; got != want {
			t.Errorf("%d requests are read, want %d", got, want)
		}
	}
	whole := logOf(t, proxied("8/1", 1, 2, 0), proxied("8/2", 1, 2, 0))
	write(whole[:len(whole)-20])
	sees(1)
	sees(1)
	write(whole[len(whole)-20:])
	sees(2)
	if err := os.WriteFile(path, []byte(logOf(t, proxied("8/3", 1, 2, 0))), 0o600); err != nil { // it was put away
		t.Fatal(err)
	}
	sees(3)
	write("no JSON\n")
	if err := lines.ReadInto(j); err == nil || !strings.Contains(err.Error(), "--log-requests") {
		t.Errorf("a line that is no record: %v", err)
	}
}

func TestOpenLines(t *testing.T) {
	if _, err := OpenLines(t.TempDir()); err == nil {
		t.Error("a directory: no error")
	}
	lines, err := OpenLines(filepath.Join(t.TempDir(), "later"))
	if err != nil {
		t.Fatal(err)
	}
	if err := lines.ReadInto(New(pointOf)); err == nil {
		t.Error("a log that never came: no error")
	}
}
