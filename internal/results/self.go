package results

import (
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// Self is what the tool itself was at during a run.
type Self struct {
	Wall time.Duration
	CPU  time.Duration // of this process; 0 where the system does not tell
	Lag  sketch.Sketch // ms by which timers fired late

	Events   int // of all answers
	InFlight int // requests at a time, at the most
	Due      Span
	Sent     Span
}

// Span is the first and the last of a run's moments of one kind.
type Span struct{ First, Last time.Time }

func (s *Span) add(at time.Time) {
	if s.First.IsZero() || at.Before(s.First) {
		s.First = at
	}
	if at.After(s.Last) {
		s.Last = at
	}
}

// Length is from the first to the last.
func (s Span) Length() time.Duration { return s.Last.Sub(s.First) }

// Observe counts one request.
func (s *Self) Observe(r *record.Record) {
	s.Events += r.Events
	s.InFlight = max(s.InFlight, r.InFlight)
	if sent, ok := r.Sent.Get(); ok {
		s.Due.add(r.Start.Add(r.Scheduled.Or(0)))
		s.Sent.add(r.Start.Add(sent))
	}
}
