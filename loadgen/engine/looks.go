package engine

// mostLooks bounds what is kept of a gauge over a run: enough for the hour that
// one look a second makes, and for any trend after it.
const mostLooks = 4096

// looks are the values of a gauge at equal intervals. When there are too many,
// every second one goes, and from then on every second one is not kept.
type looks struct {
	kept   []float64
	stride int // one of so many is kept; 0 is 1
	seen   int
}

func (l *looks) add(v float64) {
	l.stride = max(l.stride, 1)
	if l.seen++; (l.seen-1)%l.stride != 0 {
		return
	}
	if len(l.kept) == mostLooks {
		half := l.kept[:0]
		for i := 0; i < mostLooks; i += 2 {
			half = append(half, l.kept[i])
		}
		l.kept, l.stride = half, l.stride*2
	}
	l.kept = append(l.kept, v)
}
