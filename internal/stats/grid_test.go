package stats

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestGridKeepsCounts: however moments come, each is counted once and lies in
// the cell it is told to lie in, and there are never too many cells.
func TestGridKeepsCounts(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(5, seed))
		g := grid[int]{fold: func(into, from *int) { *into += *from }, most: 8, width: time.Second}
		n := 1 + rng.IntN(50)
		for range n {
			at := epoch.Add(time.Duration(rng.IntN(1+rng.IntN(100))-20) * 700 * time.Millisecond)
			i := g.at(at)
			g.cells[i]++
			if at.Before(g.begins(i)) || !at.Before(g.begins(i+1)) {
				t.Fatalf("seed %d: %v is put to the cell of %v", seed, at, g.begins(i))
			}
		}
		sum := 0
		for _, c := range g.cells {
			sum += c
		}
		if sum != n || len(g.cells) > 8 {
			t.Errorf("seed %d: %d of %d are counted, in %d cells", seed, sum, n, len(g.cells))
		}
	}
}

// TestGridBelievesNoOtherAge: a moment that can't be is put to the first one.
func TestGridBelievesNoOtherAge(t *testing.T) {
	g := grid[int]{fold: func(into, from *int) { *into += *from }, most: 8, width: time.Second}
	g.at(epoch)
	for _, other := range []time.Time{{}, epoch.AddDate(200, 0, 0)} {
		if i := g.at(other); i != 0 || len(g.cells) != 1 {
			t.Errorf("%v is in cell %d of %d", other, i, len(g.cells))
		}
	}
}
