package otel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// Every metric that there is stands in docs/results.md. Of names that begin
// alike the table gives the later ones by their ends.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	live := new(record.Live)
	r := newRig(t, Config{
		Live: live, EngineView: true, SinkPanics: func() int64 { return 0 },
		Drops: func() map[string]int64 { return map[string]int64{"log": 0} },
	}, always)
	r.problems.report(kindTraces, "exporting traces failed", errNotTaken)
	r.window.add(time.Now().Add(-time.Minute), 0)
	rec := streamed()
	rec.Outcome, rec.Buffered = record.ClientAbort, true
	r.Observe(rec)
	r.Observe(streamed())
	names := map[string]bool{}
	for _, line := range r.dump(t) {
		name, _, _ := strings.Cut(line, " ")
		names[name] = true
	}
	if len(names) < 40 {
		t.Errorf("only %d metrics seen", len(names))
	}
	for name := range names {
		found := false
		for row := range strings.Lines(string(page)) {
			if !strings.HasPrefix(row, "| `") {
				continue
			}
			cell, _, _ := strings.Cut(row[2:], " |")
			first := ""
			for item := range strings.SplitSeq(cell, ", ") {
				item = strings.Trim(item, "`")
				if first == "" {
					first = item
				}
				found = found || item == name || strings.HasPrefix(item, ".") && strings.HasSuffix(name, item) && strings.HasPrefix(name, first[:strings.LastIndexByte(first, '.')])
			}
		}
		if !found {
			t.Errorf("%s is not in the table of docs/results.md", name)
		}
	}
}
