package wire

import (
	"time"

	"tokenomics/internal/record"
)

// llamaCPP reads the events of llama.cpp's own /completion (WIRE.md 6.2).
type llamaCPP struct{}

var _ grammar = (*llamaCPP)(nil)

func (*llamaCPP) dialect() string    { return dialectLlamaCPP }
func (*llamaCPP) terminator() string { return "" }

// completion is one event, or one element of an answer.
type completion struct {
	index         int64
	text, stop    bool
	reason        string
	usage         record.Usage
	timings       timings
	failed, model []byte
	took          []byte // its timings as they stand
	whole         bool
}

func readCompletion(data []byte) (c completion) {
	c.whole = members(data, func(m member) bool {
		switch string(m.key) {
		case "index":
			var index record.Count
			count(m.value, &index)
			c.index = index.Or(0)
		case "content":
			c.text = hasText(m.value)
		case "stop":
			c.stop = string(m.value) == "true"
		case "stop_type":
			c.reason = text(m.value)
		case "tokens_predicted":
			count(m.value, &c.usage.Completion)
		case "tokens_evaluated":
			count(m.value, &c.usage.Prompt)
		case "timings":
			c.timings, c.took = readTimings(m.value), m.value
		case "model":
			c.model = m.value
		case "error":
			if !isNull(m.value) {
				c.failed = m.value
			}
		}
		return true
	})
	// response_fields may have taken any of them out.
	c.usage.Completion = firstOf(c.usage.Completion, c.timings.predicted)
	c.usage.Prompt = firstOf(c.usage.Prompt, c.timings.prompt())
	c.usage.Cached = c.timings.cached
	return c
}

func (*llamaCPP) event(s *stream, at time.Duration, _, data []byte) bool {
	e := readCompletion(data)
	if !e.whole {
		return false
	}
	if e.failed != nil {
		s.fail(readError(e.failed))
		return true
	}
	s.named(e.model)
	c := s.choiceOf(int(e.index))
	if c == nil {
		return true
	}
	c.hear(&e.usage)
	n, exact := s.running(c, e.usage.Completion.Or(0), e.stop, record.SourceEngineCounter)
	if !exact {
		n = one(e.text)
	}
	if n > 0 {
		s.token(at, c, n, exact)
	}
	if e.text {
		s.output(at)
	}
	if e.stop {
		s.account(took(e.took))
		s.finish(at, c, e.reason)
	}
	return true
}
