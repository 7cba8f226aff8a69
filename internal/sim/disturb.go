package sim

import "slices"

// disturb applies the faults that are due before the next event. The last event
// is late enough for all of them.
func (s *stream) disturb(last bool) (step, error) {
	due := func(name string) bool {
		f, ok := s.x.faults.get(name)
		return ok && (s.events >= f.N || last)
	}
	if !s.dry && (due("cut") || due("reset")) {
		err := s.shut()
		if err == nil {
			err = s.flush()
		}
		s.x.breakOff(due("reset"))
		return stopHere, err
	}
	if due("error-event") {
		if !s.dry {
			s.x.truth.Outcome = TruthBroken
		}
		return stopHere, s.fail(simulatedFailure())
	}
	if due("comment") && !s.noted && !s.fr.lines {
		s.noted = true
		if err := s.comment(); err != nil {
			return goOn, err
		}
	}
	if due("garbage") && !s.garbled {
		s.garbled = true
		s.payload = append(s.payload[:0], `{"simulated garbage": [`...)
		return goOn, s.send(emission{kind: EventBroken}, note{})
	}
	return goOn, nil
}

// fail tells an error inside the stream and ends it as the dialect does.
func (s *stream) fail(e *apiError) error {
	if err := s.head(); err != nil {
		return err
	}
	s.p.failure = e
	events := s.f.failing(s.p, s.plan[:s.next])
	if len(events) == 0 && !s.dry {
		err := s.flush()
		s.x.breakOff(false)
		return err
	}
	for _, ev := range events {
		if err := s.emit(ev); err != nil {
			return err
		}
	}
	return s.finish(false)
}

// cutShort ends every choice where it is, as an engine that is told to does.
func (s *stream) cutShort() error {
	told := s.plan[:s.next]
	sent, ended := make([]int, len(s.p.choices)), make([]bool, len(s.p.choices))
	for _, e := range told {
		sent[e.choice] = max(sent[e.choice], e.to)
		ended[e.choice] = ended[e.choice] || e.last
	}
	for i := range s.p.choices {
		if !ended[i] {
			s.p.choices[i].cut(sent[i])
		}
	}
	if len(s.p.times) == 0 {
		s.p.times = append(s.p.times, 0)
	}
	s.plan, s.next = slices.Clone(told), len(told)
	for _, e := range s.f.schedule(s.p) {
		said := slices.ContainsFunc(told, func(t emission) bool {
			return t.kind == e.kind && t.name == e.name && t.part == e.part && t.choice == e.choice && t.from == e.from && t.to == e.to
		})
		if said && (!e.last || ended[e.choice]) {
			continue
		}
		if said {
			e.from = e.to // its tokens are out; that they are the last is news
		}
		e.at = 0 // now
		s.plan = append(s.plan, e)
	}
	return s.run()
}
