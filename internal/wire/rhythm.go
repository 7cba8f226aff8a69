package wire

import (
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// maxTimeline bounds the events kept of one answer: 64 k are hours of decoding.
const maxTimeline = 1 << 16

// rhythm is what is kept of the times between the token events of one answer.
type rhythm struct {
	gaps     sketch.Sketch
	itl      *sketch.Sketch // nil while each gap has been one token's, and so the same
	timeline []record.Event
}

// pace is the stream's rhythm, which most streams have only from their second
// token event on.
func (s *stream) pace() *rhythm {
	if s.rhythm == nil {
		s.rhythm = new(rhythm)
	}
	return s.rhythm
}

// gap takes the gap in front of an event; where all counts are exact, also as
// what lies between its tokens.
func (r *rhythm) gap(ms float64, tokens int64, exact bool) {
	if exact && (tokens != 1 || r.itl != nil) {
		if r.itl == nil {
			r.itl = new(sketch.Sketch)
			r.itl.Merge(&r.gaps)
		}
		r.itl.AddN(ms/float64(tokens), float64(tokens))
	}
	r.gaps.Add(ms)
}

// event adds a token event to the timeline.
func (r *rhythm) event(at time.Duration, tokens int64, exact bool) {
	if len(r.timeline) == maxTimeline {
		return
	}
	told := 0
	if exact {
		told = int(tokens)
	}
	r.timeline = append(r.timeline, record.Event{At: at, Tokens: told})
}

// write writes it into rec. exact says whether all counts were.
func (r *rhythm) write(rec *record.Record, exact bool) {
	if r.gaps.Count() > 0 {
		r.gaps.Sort()
		rec.Gaps, rec.ITL = &r.gaps, &r.gaps
	}
	if r.itl != nil {
		r.itl.Sort()
		rec.ITL = r.itl
	}
	if !exact {
		rec.ITL = nil
	}
	rec.Timeline = r.timeline
	if len(r.timeline) == maxTimeline {
		rec.Warn("the timeline ends early: more token events than are kept")
	}
}
