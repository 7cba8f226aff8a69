package calibration

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// levelOf is a level without an error.
func levelOf(streams int, rate float64) Level {
	return Level{
		Streams: streams, EventsPerS: record.Some(rate), Requests: 100, GapRatio: record.Some(1.0),
		TTFTError: &stats.Quantiles{N: 100, P50: 0.1, P99: 1},
	}
}

func TestShortfalls(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Level)
		want   string // "" for none
	}{
		"none":                {func(*Level) {}, ""},
		"at the bars":         {func(l *Level) { l.TTFTError.P50, l.TTFTError.P99, l.GapRatio = 0.5, 5, record.Some(0.9) }, ""},
		"median TTFT":         {func(l *Level) { l.TTFTError.P50 = 0.51 }, "TTFT error p50 0.51 ms (at most 0.5)"},
		"p99 TTFT":            {func(l *Level) { l.TTFTError.P99 = 5.1 }, "TTFT error p99 5.10 ms (at most 5)"},
		"gaps too long":       {func(l *Level) { l.GapRatio = record.Some(1.11) }, "gap p99 1.11 of the true one (within 10 %)"},
		"gaps too short":      {func(l *Level) { l.GapRatio = record.Some(0.89) }, "gap p99 0.89"},
		"failures":            {func(l *Level) { l.Failed = 3 }, "3 of 100 requests failed"},
		"wrong tokens":        {func(l *Level) { l.TokenErrors = 1 }, "1 of 100 requests have a wrong number of tokens"},
		"wrong events":        {func(l *Level) { l.EventErrors = 1 }, "wrong number of events"},
		"not in the truth":    {func(l *Level) { l.Unjoined = 1 }, "not in the truth"},
		"no first tokens":     {func(l *Level) { l.TTFTError = nil }, "no TTFT was measured"},
		"one event an answer": {func(l *Level) { l.GapRatio = record.Opt[float64]{} }, "no gap was measured"},
	} {
		l := levelOf(10, 200)
		tt.change(&l)
		got := strings.Join(l.Shortfalls(), "; ")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) || Well(l) != (tt.want == "") {
			t.Errorf("%s: %q, well %v; want %q", name, got, Well(l), tt.want)
		}
	}
}

func TestAt(t *testing.T) {
	var c Calibration
	for _, l := range []Level{levelOf(1000, 20000), levelOf(1, 20), levelOf(100, 2000)} {
		c.Add(l)
	}
	for _, tt := range []struct {
		streams int
		rate    float64
		want    int
		covered bool
	}{
		{1, 20, 1, true},
		{1, 21, 100, true}, // one stream, but quicker than the smallest level's
		{2, 40, 100, true},
		{100, 2000, 100, true},
		{101, 10, 1000, true},
		{1000, 20001, 1000, false},
		{1001, 10, 1000, false},
	} {
		l, covered := c.At(tt.streams, tt.rate)
		if l.Streams != tt.want || covered != tt.covered {
			t.Errorf("At(%d, %g) is the level of %d streams, covered %v; want %d, %v", tt.streams, tt.rate, l.Streams, covered, tt.want, tt.covered)
		}
	}
	if _, covered := new(Calibration).At(1, 1); covered {
		t.Error("a calibration without levels covers a load")
	}
}

func TestBest(t *testing.T) {
	bad := levelOf(100, 2000)
	bad.Failed = 1
	for name, tt := range map[string]struct {
		levels []Level
		want   int // 0 for none
	}{
		"all":                       {[]Level{levelOf(1, 20), levelOf(100, 2000)}, 100},
		"below the one that is not": {[]Level{levelOf(1, 20), bad, levelOf(1000, 20000)}, 1},
		"none":                      {[]Level{bad}, 0},
	} {
		c := Calibration{Levels: tt.levels}
		if best, ok := c.Best(); best.Streams != tt.want || ok != (tt.want > 0) {
			t.Errorf("%s: %d streams, %v; want %d", name, best.Streams, ok, tt.want)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	c := New(epoch, "v1")
	c.DurationS, c.EventsPerS = 10, 20
	l := levelOf(100, 2000)
	l.Gap, l.TrueGap, l.OtherCPU = &stats.Quantiles{N: 1, P99: 50}, &stats.Quantiles{N: 1, P99: 50}, record.Some(0.0)
	c.Add(l)
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		b.String(): "", "{": "calibrate anew", "{}": "calibrate anew", `{"schema_version":1,"levels":[]}`: "calibrate anew",
		strings.Replace(b.String(), `"schema_version": 1`, `"schema_version": 2`, 1): "calibrate anew",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		switch {
		case want == "" && (err != nil || !reflect.DeepEqual(got, c)):
			t.Errorf("read %+v, %v; want what was written", got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if c.Machine != ThisMachine() {
		t.Error("a calibration made here is not of this machine")
	}
}
