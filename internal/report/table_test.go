package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

func TestTable(t *testing.T) {
	var w stats.Window
	r := &record.Record{Start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Outcome: record.Complete}
	r.Stream = true
	ms := func(n int) record.Offset { return record.Some(time.Duration(n) * time.Millisecond) }
	r.Sent, r.FirstToken, r.LastToken, r.End = ms(0), ms(150), ms(2150), ms(2151)
	r.Usage = record.Usage{Prompt: record.Some(int64(42)), Completion: record.Some(int64(101)), Source: record.SourceUsage}
	w.Observe(r)
	var failed stats.Window
	failed.Observe(&record.Record{Outcome: record.Unreachable})

	var out strings.Builder
	if err := Table(&out, "batch", []Row{{Label: "1", Summary: w.Summary()}, {Label: "256", Summary: failed.Summary()}}); err != nil {
		t.Fatal(err)
	}
	want := `
  batch  requests  failed   input  output  system  request    TTFT    TTFT    TPOT     E2E     E2E
                           tokens  tokens   tok/s    tok/s  p50 ms  p99 ms  p50 ms  p50 ms  p99 ms
      1         1       0      42     101    47.0     47.0     150     150    20.0    2150    2150
    256         1       1       -       -       -        -       -       -       -       -       -
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
}

// TestTableOfWhatMakesNoTokens has their rate in place of columns of nothing, and
// an open loop has its own rate beside the tokens.
func TestTableOfWhatMakesNoTokens(t *testing.T) {
	var w stats.Window
	r := &record.Record{Start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Outcome: record.Complete, Sent: record.Some(time.Duration(0)), End: record.Some(2 * time.Second)}
	r.Endpoint = "embeddings"
	r.Usage = record.Usage{Prompt: record.Some(int64(42)), Source: record.SourceUsage}
	w.Observe(r)
	var out strings.Builder
	if err := Table(&out, "batch", []Row{{Label: "1", Summary: w.Summary()}}); err != nil {
		t.Fatal(err)
	}
	want := `
  batch  requests  failed   input  requests  input     E2E     E2E
                           tokens     per s  tok/s  p50 ms  p99 ms
      1         1       0      42     0.500   21.0    2000    2000
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
	out.Reset()
	r.Endpoint, r.Usage.Completion = "chat", record.Some(int64(5))
	var spoken stats.Window
	spoken.Observe(r)
	if err := Table(&out, "rate", []Row{{Label: "1", Summary: spoken.Summary()}}); err != nil || !strings.Contains(out.String(), "system") || !strings.Contains(out.String(), "per s") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0.000", 0.1234: "0.123", 1.234: "1.23", 12.345: "12.3", 123.4: "123", 12345.6: "12346"} {
		if got := number(v, true); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
	if got := number(0, false); got != "-" {
		t.Errorf("absent number = %q", got)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTableSaysWhenItCouldNotBeWritten(t *testing.T) {
	if err := Table(brokenWriter{}, "batch", nil); err == nil {
		t.Error("no error")
	}
}
