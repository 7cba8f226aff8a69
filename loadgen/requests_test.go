package loadgen

import (
	"fmt"
	"slices"
	"testing"

	"tokenomics/internal/results"
	"tokenomics/loadgen/dataset"
)

func prompts(t *testing.T, n int) *dataset.Dataset {
	t.Helper()
	var list []dataset.Prompt
	for i := range n {
		list = append(list, dataset.Prompt{Text: fmt.Sprintf("prompt %d: is 1 < 2 & why?", i)})
	}
	d, err := dataset.New("test", "made for the test", list)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOrderIsPinned holds the order of a seed: it must be the same in every
// version, or results of the same command no longer compare.
func TestOrderIsPinned(t *testing.T) {
	var got []int
	for i := range 10 {
		got = append(got, NewOrder(42, 10).Row(i))
	}
	if want := []int{8, 1, 2, 5, 0, 6, 9, 4, 7, 3}; !slices.Equal(got, want) {
		t.Errorf("order of seed 42 is %v, was %v", got, want)
	}
	if NewOrder(42, 10).Row(10) != got[0] || NewOrder(42, 10).Row(-1) != got[9] {
		t.Error("the order does not go around")
	}
	if o := NewOrder(43, 1000); slices.Equal(o.rows, NewOrder(42, 1000).rows) {
		t.Error("another seed has the same order")
	}
}

func TestBatchesShareNoPrompts(t *testing.T) {
	seen := map[int]int{}
	for size := 1; size <= 40; size++ {
		for i := range size {
			at := firstOfBatch(size) + i
			if other, ok := seen[at]; ok {
				t.Fatalf("batches of %d and %d share position %d", other, size, at)
			}
			seen[at] = size
		}
	}
}

func TestSaltsDiffer(t *testing.T) {
	base := saltOf("n", 42, "8", 1)
	if base != saltOf("n", 42, "8", 1) {
		t.Error("the salt of a run is not always the same")
	}
	for _, other := range []string{saltOf("o", 42, "8", 1), saltOf("n", 43, "8", 1), saltOf("n", 42, "4", 1), saltOf("n", 42, "8", 2)} {
		if other == base {
			t.Error("two runs have the same salt")
		}
	}
}

// TestPromptsThatRepeat are told of before anything is sent, where it is known
// how many a run has.
func TestPromptsThatRepeat(t *testing.T) {
	for _, tt := range []struct {
		load results.Load
		told bool
	}{
		{results.Load{Shape: ShapeBatch, BatchSize: 10}, false},
		{results.Load{Shape: ShapeBatch, BatchSize: 11}, true},
		{results.Load{Shape: ShapeConcurrency, MaxConcurrency: 1, NumPrompts: 11}, true},
		{results.Load{Shape: ShapeRate, Arrival: Constant, RequestRate: 2, DurationS: 5}, false},
		{results.Load{Shape: ShapeRate, Arrival: Constant, RequestRate: 2, DurationS: 5.5}, true},
	} {
		if _, warnings := (Plan{Loads: []results.Load{tt.load}, Prompts: 10}).Sweep(); (len(warnings) == 1) != tt.told {
			t.Errorf("%+v: warnings %q", tt.load, warnings)
		}
	}
}
