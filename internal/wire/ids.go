package wire

import "slices"

// maxIDs bounds the ids kept of one answer, and maxID the length of one.
const (
	maxIDs = 16
	maxID  = 256
)

// answerIDs are the ids that the events of one answer carry.
type answerIDs struct {
	list []string
	last int // the one of the event before, most often this one's too
}

// seeID takes the id of an event, as it is written, quotes included.
func (s *stream) seeID(v []byte) {
	if !s.cfg.KeepIDs || !hasText(v) || len(v) > maxID {
		return
	}
	if s.ids == nil {
		s.ids = new(answerIDs)
	}
	s.ids.see(v)
}

// see takes an id, in quotes.
func (a *answerIDs) see(v []byte) {
	if id := v[1 : len(v)-1]; a.last < len(a.list) && string(id) == a.list[a.last] {
		return
	}
	id := text(v)
	at := slices.Index(a.list, id)
	if at < 0 {
		if len(a.list) == maxIDs {
			return
		}
		at = len(a.list)
		a.list = append(a.list, id)
	}
	a.last = at
}

// RequestID is the id that a request's body gives it (SGLang's rid), "" where it
// gives none.
func RequestID(body []byte) string {
	v := raw(body, "rid")
	if !hasText(v) || len(v) > maxID {
		return ""
	}
	return text(v)
}

// AnswerIDs are the ids that the answer's events have carried so far, in the
// order in which they came, at most 16; none without Config.KeepIDs. Where an
// engine can be told to abort a request, it goes by one of them (SGLang: one for
// each choice). The result is the caller's.
func (o *Observer) AnswerIDs() []string {
	if o.stream.ids == nil {
		return nil
	}
	return slices.Clone(o.stream.ids.list)
}
