package loadgen

import (
	"slices"
	"testing"
)

// TestAlternate: each run of the one beside the same of the other, in an order
// that turns around.
func TestAlternate(t *testing.T) {
	var order []string
	var sweeps []*Sweep
	for _, name := range []string{"A", "B"} {
		e := newEngine(t)
		s, _ := e.batches(t, []int{1, 2}, 3, 1)
		s.Progress = &noter{name: name, order: &order}
		sweeps = append(sweeps, s)
	}
	done, err := Alternate(t.Context(), sweeps...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A warmup", "B warmup", "A 1", "B 1", "B 1", "A 1", "A 1", "B 1", "A 2", "B 2", "B 2", "A 2", "A 2", "B 2"}
	if !slices.Equal(order, want) {
		t.Errorf("runs %q", order)
	}
	for k := range done {
		if len(done[k]) != 2 || len(done[k][1].Runs) != 3 || done[k][1].Summary().Succeeded != 6 {
			t.Errorf("side %d: %+v", k, done[k])
		}
	}
}

type noter struct {
	quiet
	name  string
	order *[]string
}

func (n *noter) Begin(point string, _, _ int) { *n.order = append(*n.order, n.name+" "+point) }
