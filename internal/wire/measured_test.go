package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// TestMeasured: what is measured of every capture of a real engine stands in
// testdata/measured.txt, a line each, for people to hold against the capture.
func TestMeasured(t *testing.T) {
	const file = "testdata/measured.txt"
	names, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, name := range names {
		name = strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(name), "testdata/"), ".txtar")
		if strings.HasPrefix(name, "dialects/") {
			continue // these have their Records with them
		}
		c := readCapture(t, name)
		if r := c.measure(t); r.Endpoint != "" {
			fmt.Fprintf(&got, "%s: %s\n", name, measured(r))
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Fatalf("line %d\n got %s\nwant %s", i+1, line, lines[min(i, len(lines)-1)])
		}
	}
}

// measured is a Record in a line. What is absent is a dash.
func measured(r *record.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s/%s, %s: prompt %s cached %s completion %s reasoning %s", r.Outcome, r.Dialect, r.Endpoint, r.Usage.Source,
		dash(r.Usage.Prompt), dash(r.Usage.Cached), dash(r.Usage.Completion), dash(r.Usage.Reasoning))
	if len(r.FinishReasons) > 0 {
		fmt.Fprintf(&b, ", %s", strings.Join(r.FinishReasons, " "))
	}
	if r.Stream {
		fmt.Fprintf(&b, "; %d events, head %s first %s token %s output %s last %s", r.Events, ms(r.Headers), ms(r.FirstEvent), ms(r.FirstToken), ms(r.FirstOutput), ms(r.LastToken))
		fmt.Fprintf(&b, ", %v gaps, %v ITL", r.Gaps.Count(), r.ITL.Count())
	}
	if e := r.Engine; e != nil {
		fmt.Fprintf(&b, "; engine: queue %s load %s prefill %s decode %s compute %s total %s", ms(e.Queue), ms(e.Load), ms(e.Prefill), ms(e.Decode), ms(e.Compute), ms(e.Total))
		if d, ok := r.OutsideEngine(); ok {
			fmt.Fprintf(&b, ", outside %s", ms(record.Some(d)))
		}
	}
	if len(r.Choices) > 1 {
		for _, c := range r.Choices {
			fmt.Fprintf(&b, "; choice %d %s from %s to %s", c.Index, dash(c.Completion), ms(c.FirstToken), ms(c.LastToken))
		}
	}
	if r.Buffered {
		b.WriteString("; buffered")
	}
	if r.ErrorType != "" {
		fmt.Fprintf(&b, "; %s", r.ErrorType)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "; %s", w)
	}
	return b.String()
}

func dash(c record.Count) string {
	if n, ok := c.Get(); ok {
		return fmt.Sprint(n)
	}
	return "-"
}

func ms(o record.Offset) string {
	if d, ok := o.Get(); ok {
		return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
	}
	return "-"
}
