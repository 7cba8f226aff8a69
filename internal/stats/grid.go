package stats

import "time"

// grid is a row of cells over time, each width long, in bounded memory: it
// grows to either side, and once it had more than most cells, each two become
// one and the width doubles. Records come when requests end, so the first one
// need not be the earliest.
type grid[T any] struct {
	fold   func(into, from *T) // adds a cell to the one before it
	most   int                 // cells, even
	width  time.Duration
	origin time.Time // when cells[0] begins; set before the first moment or taken from it
	cells  []T
}

// farthest is how far from the first moment another is believed: longer than
// any run, and short enough to be computed with.
const farthest = 1000 * 24 * time.Hour

// at is the index of the cell that t lies in.
func (g *grid[T]) at(t time.Time) int {
	if len(g.cells) == 0 && g.origin.IsZero() {
		g.origin = t
	}
	if off := t.Sub(g.origin); off.Abs() > farthest {
		t = g.origin
	}
	for t.Sub(g.origin) >= time.Duration(g.most)*g.width || g.origin.Sub(t) > time.Duration(g.most-len(g.cells))*g.width {
		g.halve()
	}
	if before := g.origin.Sub(t); before > 0 {
		n := int((before + g.width - 1) / g.width)
		g.cells = append(make([]T, n, n+len(g.cells)), g.cells...)
		g.origin = g.origin.Add(-time.Duration(n) * g.width)
	}
	i := int(t.Sub(g.origin) / g.width)
	for len(g.cells) <= i {
		var none T
		g.cells = append(g.cells, none)
	}
	return i
}

func (g *grid[T]) halve() {
	for i := 1; i < len(g.cells); i += 2 {
		g.fold(&g.cells[i-1], &g.cells[i])
	}
	for i := 2; i < len(g.cells); i += 2 {
		g.cells[i/2] = g.cells[i]
	}
	half := (len(g.cells) + 1) / 2
	clear(g.cells[half:])
	g.cells = g.cells[:half]
	g.width *= 2
}

// begins is the moment that cell i begins.
func (g *grid[T]) begins(i int) time.Time { return g.origin.Add(time.Duration(i) * g.width) }
