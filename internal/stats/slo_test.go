package stats

import (
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

func TestParseSLO(t *testing.T) {
	for text, want := range map[string]SLO{
		"":                       {},
		"ttft:500 tpot:50":       {TTFT: 500 * time.Millisecond, TPOT: 50 * time.Millisecond},
		"ttft=500ms,tpot=50ms":   {TTFT: 500 * time.Millisecond, TPOT: 50 * time.Millisecond},
		"e2el:1.5s, TTFO=2e3":    {E2E: 1500 * time.Millisecond, TTFO: 2 * time.Second},
		" tpot=0.5 ,\te2e:1m30s": {TPOT: 500 * time.Microsecond, E2E: 90 * time.Second},
	} {
		if got, err := ParseSLO(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"ttft":             "is no bound",
		"itl:50":           "is no bound",
		"ttft_p99=500ms":   "is no bound",
		"ttft:fast":        "is no time",
		"ttft:0":           "is no time",
		"ttft:-5":          "is no time",
		"ttft:NaN":         "is no time",
		"ttft:1e300":       "is no time",
		"e2e:1s,e2el=2000": "bounded twice",
	} {
		if _, err := ParseSLO(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestGoodput: the denominator is all that was issued, what the tool's user
// stopped excepted, and what the tool broke off included.
func TestGoodput(t *testing.T) {
	slo := SLO{TTFT: 150 * time.Millisecond, TPOT: 100 * time.Millisecond, E2E: 1200 * time.Millisecond}
	late := stream(0, 100, 1100, 10, 11) // good by its sending, 401 ms late
	late.Start = late.Start.Add(-400 * time.Millisecond)
	for _, o := range []*record.Offset{&late.Sent, &late.FirstToken, &late.FirstOutput, &late.LastToken, &late.End} {
		*o = record.Some(o.Or(0) + 400*time.Millisecond)
	}
	lumpy := stream(0, 100, 1100, 10, 11)
	lumpy.Buffered = true
	failed, stopped := stream(0, 100, 1100, 10, 11), stream(0, 100, 1100, 10, 11)
	failed.Outcome, stopped.Outcome = record.Timeout, record.ClientAbort
	slow := stream(0, 100, 1100, 10, 11)
	slow.Outcome, slow.ErrorType = record.ClientAbort, record.BrokenOff
	single := stream(0, 100, 100, 10, 1)
	records := []*record.Record{
		stream(0, 100, 1100, 10, 11), // good
		stream(0, 151, 1100, 10, 11), // TTFT
		stream(0, 100, 1101, 10, 11), // TPOT
		stream(0, 100, 1250, 10, 21), // E2E
		single,                       // good: it had nothing to decode
		late, lumpy, failed, stopped, slow,
	}
	for _, c := range []struct {
		name string
		open bool
		good float64
	}{
		{"from the sending", false, 3},
		{"from when it was due", true, 2},
	} {
		w := Window{SLO: slo, Open: c.open}
		for _, r := range records {
			w.Observe(r)
		}
		s := w.Summary()
		wantOpt(t, c.name+": ratio", s.GoodRatio, c.good/9)
		failures, err := FigureNamed("failed_ratio")
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := failures.Of(&s); !ok || v != 1.0/9 {
			t.Errorf("%s: failed_ratio %v, want 1 of the 9 that goodput_ratio is of", c.name, v)
		}
		wantOpt(t, c.name+": rps", s.GoodputRPS, c.good/1.25)
		if s.Aborted != 2 || s.BrokenOff != 1 {
			t.Errorf("%s: %d aborted, %d of them broken off", c.name, s.Aborted, s.BrokenOff)
		}
		if s.Unjudged != 1 {
			t.Errorf("%s: %d are not judged, want the one that came in lumps", c.name, s.Unjudged)
		}
		if pool := Pool(&w, &w).Summary(); pool.GoodRatio != s.GoodRatio || pool.GoodputRPS != s.GoodputRPS || pool.Unjudged != 2 || pool.BrokenOff != 2 {
			t.Errorf("%s: pooled with itself it differs: %+v", c.name, pool)
		}
	}
}

func TestNoGoodputWithoutJudgement(t *testing.T) {
	none, blind := Window{}, Window{SLO: SLO{TTFT: time.Second}}
	whole := stream(0, 100, 1100, 10, 11)
	whole.Stream = false
	none.Observe(stream(0, 100, 1100, 10, 11))
	blind.Observe(whole)
	for name, w := range map[string]*Window{"no SLO": &none, "answers in one piece have no TTFT": &blind} {
		if s := w.Summary(); s.GoodRatio.Ok() || s.GoodputRPS.Ok() {
			t.Errorf("%s: goodput %v", name, s.GoodRatio)
		}
	}
}

// TestFromScheduled: figures of an open loop count the wait before the sending.
func TestFromScheduled(t *testing.T) {
	r := stream(0, 100, 1100, 10, 11) // sent 1 ms after it was due
	open, closed := Window{Open: true}, Window{}
	open.Observe(r)
	closed.Observe(r)
	if s := open.Summary(); s.TTFTSched.P50 != 101 || s.TTFOSched.P50 != 101 || s.E2ESched.P50 != 1101 || s.TTFT.P50 != 100 {
		t.Errorf("TTFT %v, from the moment it was due %v, %v, %v", s.TTFT.P50, s.TTFTSched.P50, s.TTFOSched.P50, s.E2ESched.P50)
	}
	if s := closed.Summary(); s.TTFTSched != nil || s.E2ESched != nil {
		t.Error("a closed loop has figures from the moment a request was due")
	}
}
