package report

import (
	"slices"
	"testing"

	"tokenomics/internal/results"
)

// TestWarnings: each thing is told once, the worst first.
func TestWarnings(t *testing.T) {
	r := &results.Results{
		Partial: true,
		Results: results.Points{
			{Name: "1", Figures: results.Figures{Requests: 3, Failed: 1, FirstError: "engine on fire"}, Partial: true},
			{Name: "2", Sustainable: &results.Sustainable{Reason: "the queue grew"}, Instrument: &results.Instrument{Invalid: []string{"timers fired late"}}},
		},
		Warnings: []string{"batch 2: the load can't be sustained: the queue grew", "batch 2 is INVALID: timers fired late", "usage was refused"},
	}
	want := []string{
		"the sweep was stopped before its end",
		"batch size 1: 1 of 3 requests failed and are in no average, the first with: engine on fire",
		"batch size 1: fewer runs than were asked for",
		"batch size 2: invalid: timers fired late",
		"batch size 2: unsustainable: the queue grew",
		"usage was refused",
	}
	if got := warnings(r); !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

func TestByLoad(t *testing.T) {
	searched := &results.Results{Results: results.Points{{Name: "8"}, {Name: "16"}, {Name: "12"}}}
	sorted := byLoad([]Named{{"r", searched}})[0].Results.Results
	if sorted[1].Name != "12" || sorted[2].Name != "16" || searched.Results[1].Name != "16" {
		t.Errorf("sorted %v, and the file %v", sorted, searched.Results)
	}
}
