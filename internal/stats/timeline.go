package stats

import (
	"time"

	"tokenomics/internal/record"
)

// A timeline starts with cells of an eighth of a second, of which there are
// at most 2^15: 68 minutes, and 9 hours of cells of a second, in 2 MB.
const (
	cellWidth = time.Second / 8
	maxCells  = 1 << 15
)

// timeline counts what happened when, by the time of the events themselves.
type timeline struct{ grid[cell] }

type cell struct {
	due, over   int32 // requests that were to be sent, and those of them that ended
	sent, ended int32 // requests that were sent, and those of them that ended
	done        int32 // that ended well
	failed      int32 // that ended neither well nor by the tool's user
	inFlight    int32 // most requests in flight as one of them was sent, as far as Records say it
	firsts      int32 // first tokens
	ttft        float64
	tokens      float64
}

func (c *cell) add(o *cell) {
	c.due, c.over = c.due+o.due, c.over+o.over
	c.sent, c.ended = c.sent+o.sent, c.ended+o.ended
	c.done, c.failed = c.done+o.done, c.failed+o.failed
	c.inFlight = max(c.inFlight, o.inFlight)
	c.firsts, c.ttft, c.tokens = c.firsts+o.firsts, c.ttft+o.ttft, c.tokens+o.tokens
}

func (l *timeline) observe(r *record.Record, begin time.Time) {
	if l.fold == nil {
		l.grid = grid[cell]{fold: (*cell).add, most: maxCells, width: cellWidth, origin: begin}
	}
	end := l.cell(r.Start.Add(r.End.Or(r.Sent.Or(0))))
	end.over++
	switch r.Outcome {
	case record.Complete:
		end.done++
	case record.ClientAbort:
	default:
		end.failed++
	}
	sent, wasSent := r.Sent.Get()
	if wasSent {
		end.ended++
		c := l.cell(r.Start.Add(sent))
		c.sent++
		c.inFlight = max(c.inFlight, int32(r.InFlight), 1)
	}
	l.cell(r.Start.Add(r.Scheduled.Or(sent))).due++
	if d, ok := r.TTFT(); ok {
		c := l.cell(r.Start.Add(r.FirstToken.Or(0)))
		c.firsts++
		c.ttft += ms(d)
	}
	l.arrive(r)
}

func (l *timeline) cell(t time.Time) *cell { return &l.cells[l.at(t)] }

// arrive puts the output tokens where they arrived: by the Record's timeline
// where it has one, scaled to the engine's count. Without it those after the
// first event are spread evenly over FirstToken to LastToken, and an answer in
// one piece arrives at its end.
func (l *timeline) arrive(r *record.Record) {
	n, known := r.Usage.Completion.Get()
	if len(r.Timeline) > 0 {
		l.arriveByEvents(r, float64(n), known)
		return
	}
	first, streamed := r.FirstToken.Get()
	switch {
	case !known || n <= 0:
	case !r.Stream || !streamed:
		l.cell(r.Start.Add(r.End.Or(0))).tokens += float64(n)
	default:
		at := min(n, max(1, r.FirstTokens.Or(1)))
		l.cell(r.Start.Add(first)).tokens += float64(at)
		l.spread(r.Start.Add(first), r.Start.Add(r.LastToken.Or(first)), float64(n-at))
	}
}

func (l *timeline) arriveByEvents(r *record.Record, n float64, known bool) {
	counted, sum := true, 0.0
	for _, e := range r.Timeline {
		counted = counted && e.Tokens > 0
		sum += float64(e.Tokens)
	}
	if !counted {
		sum = float64(len(r.Timeline))
	}
	scale := 1.0
	if known {
		scale = n / sum
	}
	// The cells of both ends come first: they may move and widen all others.
	l.at(r.Start.Add(r.Timeline[len(r.Timeline)-1].At))
	l.at(r.Start.Add(r.Timeline[0].At))
	start, last := r.Start.Sub(l.origin), len(l.cells)-1
	for _, e := range r.Timeline {
		tokens := 1.0
		if counted {
			tokens = float64(e.Tokens)
		}
		i := int((start + e.At) / l.width)
		l.cells[max(0, min(i, last))].tokens += tokens * scale
	}
}

// spread puts n tokens evenly between two moments.
func (l *timeline) spread(from, to time.Time, n float64) {
	last := l.at(to) // may move and widen the cells, so it comes first
	first := l.at(from)
	begin, end := from.Sub(l.origin), to.Sub(l.origin)
	if end <= begin {
		l.cells[first].tokens += n
		return
	}
	for i := first; n > 0 && i <= last; i++ {
		l.cells[i].tokens += n * l.overlap(i, begin, end)
	}
}

// overlap is the share of a span, given from the origin, that lies in cell i.
func (l *timeline) overlap(i int, from, to time.Duration) float64 {
	begin := time.Duration(i) * l.width
	in := min(to, begin+l.width) - max(from, begin)
	return float64(max(0, in)) / float64(to-from)
}

// tokensBetween are the tokens that arrived in a span; of the cells at its
// edges, in proportion.
func (l *timeline) tokensBetween(from, to time.Time) (tokens float64) {
	begin, end := from.Sub(l.origin), to.Sub(l.origin)
	for i := range l.cells {
		tokens += l.cells[i].tokens * l.overlap(i, begin, end) * float64(end-begin) / float64(l.width)
	}
	return tokens
}

// peak is the most requests that were in flight.
func (l *timeline) peak() (most int) {
	flying := 0
	for _, c := range l.cells {
		flying += int(c.sent - c.ended)
		most = max(most, flying, int(c.inFlight))
	}
	return most
}

// maxTokensPerSecond are the most tokens that arrived in one second.
func (l *timeline) maxTokensPerSecond() (most float64) {
	n := max(1, int(time.Second/max(1, l.width)))
	sum := 0.0
	for i, c := range l.cells {
		sum += c.tokens
		if i >= n {
			sum -= l.cells[i-n].tokens
		}
		most = max(most, sum)
	}
	if l.width > time.Second {
		return most / l.width.Seconds()
	}
	return most
}
