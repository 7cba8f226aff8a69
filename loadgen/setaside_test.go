package loadgen

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// TestSetAside: a run that this machine was too late for is done again, but not
// for ever, and is in no figure where another is.
func TestSetAside(t *testing.T) {
	for _, tt := range []struct {
		name     string
		late     []int // runs
		setAside []int
		counted  int // runs
	}{
		{"none late", nil, nil, 1},
		{"the first", []int{1}, []int{1}, 1},
		{"not the third", []int{1, 2, 3}, []int{1, 2}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t)
			s, sink := e.batches(t, []int{2}, 1, 0)
			find := Find{Runs: 1}
			s.Enough = find.Enough
			w := &watcher{e: e, runs: map[string][]chatBody{}}
			s.Progress = w
			s.Late = func(m results.Measured) []string {
				if len(m.Runs) != 1 {
					t.Errorf("%d runs are judged at once", len(m.Runs))
				}
				if slices.Contains(tt.late, m.Runs[0].Number) {
					return []string{"the tool was late"}
				}
				return nil
			}
			done, err := s.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var aside []int
			for _, r := range done[0].Runs {
				if r.SetAside != nil {
					aside = append(aside, r.Number)
				}
			}
			runs := len(tt.setAside) + tt.counted
			if !slices.Equal(aside, tt.setAside) || len(done[0].Runs) != runs || sink.count() != 2*runs {
				t.Errorf("set aside %v of %d runs, %d records", aside, len(done[0].Runs), sink.count())
			}
			if n := done[0].Summary().Requests; n != 2*tt.counted {
				t.Errorf("the point is of %d requests", n)
			}
			if len(w.warnings) != len(tt.setAside) || len(w.warnings) > 0 && !strings.HasPrefix(w.warnings[0], "run 1 of 2 is set aside") {
				t.Errorf("warnings %q", w.warnings)
			}
		})
	}
}

// TestFindCountsNoRunSetAside, nor judges a load by one.
func TestFindCountsNoRunSetAside(t *testing.T) {
	bounds, err := stats.ParseBounds("ttft_p99=500ms")
	if err != nil {
		t.Fatal(err)
	}
	f := Find{Bounds: bounds, Runs: 2}
	m := planted(results.Load{}, 100*time.Millisecond)
	m.Runs[0].SetAside = []string{"the tool was late"}
	if f.Enough(m) {
		t.Error("a run that was set aside is enough")
	}
	for range 2 {
		near := planted(results.Load{}, 490*time.Millisecond)
		if m.Runs = append(m.Runs, near.Runs[0]); f.Enough(m) != (len(m.Runs) == 3) {
			t.Errorf("enough after %d runs, one of them set aside: %v", len(m.Runs), f.Enough(m))
		}
	}
	if got := m.Summary().TTFT.Max; got != 490 {
		t.Errorf("TTFT up to %v ms: the run that was set aside is among the figures", got)
	}
}
