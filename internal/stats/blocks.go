package stats

import (
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// A run is cut into stretches of equal length, 16 to 32 of them once it has
// lasted for half a second: enough for an interval, and each long enough for
// its neighbours to tell it little new.
const (
	blockWidth = time.Second / 64
	maxBlocks  = 32
)

// blocks are the latencies of one stretch of a run after the other, by the
// moment that requests were sent.
type blocks struct{ grid[block] }

// block has the sketches of blockFigures, in their order.
type block struct {
	figures [len(blockFigures)]sketch.Sketch
}

// blockFigures are the figures that have an interval within one run.
var blockFigures = [...]struct {
	name   string
	open   bool // of open loops alone
	figure func(*record.Record) (time.Duration, bool)
}{
	{"ttft", false, (*record.Record).TTFT},
	{"tpot", false, successful((*record.Record).TPOT)},
	{"e2e", false, successful((*record.Record).E2E)},
	{"ttft_sched", true, (*record.Record).TTFTSched},
	{"e2e_sched", true, successful((*record.Record).E2ESched)},
}

func successful(figure func(*record.Record) (time.Duration, bool)) func(*record.Record) (time.Duration, bool) {
	return func(r *record.Record) (time.Duration, bool) {
		if r.Outcome != record.Complete {
			return 0, false
		}
		return figure(r)
	}
}

func (b *block) add(o *block) {
	for i := range b.figures {
		b.figures[i].Merge(&o.figures[i])
	}
	*o = block{}
}

func (b *blocks) observe(r *record.Record, open bool) {
	if b.fold == nil {
		b.grid = grid[block]{fold: (*block).add, most: maxBlocks, width: blockWidth}
	}
	sent, ok := r.Sent.Get()
	if !ok {
		return
	}
	at := b.at(r.Start.Add(sent))
	for i, f := range blockFigures {
		if f.open && !open {
			continue
		}
		if d, ok := f.figure(r); ok {
			b.cells[at].figures[i].Add(ms(d))
		}
	}
}

// of are the sketches of a figure, of the blocks that have any.
func (b *blocks) of(name string) (list []*sketch.Sketch) {
	for i, f := range blockFigures {
		if f.name != name {
			continue
		}
		for k := range b.cells {
			if s := &b.cells[k].figures[i]; s.Count() > 0 {
				list = append(list, s)
			}
		}
	}
	return list
}
