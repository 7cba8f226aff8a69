package wire

import (
	"time"

	"tokenomics/internal/record"
)

// ollama reads the lines of Ollama's own endpoints (WIRE.md 7), and of those
// that imitate it.
type ollama struct{}

var _ grammar = (*ollama)(nil)

func (*ollama) dialect() string    { return dialectOllama }
func (*ollama) terminator() string { return "" }

// ollamaLine is one line, or an answer that has but one.
type ollamaLine struct {
	text, visible bool
	logprobs      int64
	done, whole   bool
	timed         bool // it tells the times of a generation
	reason        string
	usage         record.Usage
	failed, model []byte
}

func readOllamaLine(data []byte) (l ollamaLine) {
	l.whole = members(data, func(m member) bool {
		switch string(m.key) {
		case "message":
			l.message(m.value)
		case "response":
			l.show(m.value, true)
		case "thinking":
			l.show(m.value, false)
		case "logprobs":
			l.logprobs = length(m.value)
		case "done":
			l.done = string(m.value) == "true"
		case "done_reason":
			l.reason = text(m.value)
		case "prompt_eval_count":
			count(m.value, &l.usage.Prompt)
		case "eval_count":
			count(m.value, &l.usage.Completion)
		case "total_duration":
			l.timed = true
		case "model":
			l.model = m.value
		case "error":
			if !isNull(m.value) {
				l.failed = m.value
			}
		}
		return true
	})
	if l.done && !l.usage.Completion.Ok() && (l.timed && l.usage.Prompt.Ok() || l.reason == "load" || l.reason == "unload") {
		l.usage.Completion = record.Some(int64(0)) // zeros are left out
	}
	if l.usage.Completion.Ok() || l.usage.Prompt.Ok() {
		l.usage.Source = record.SourceEngineCounter
	}
	return l
}

func (l *ollamaLine) message(v []byte) {
	members(v, func(m member) bool {
		switch string(m.key) {
		case "content":
			l.show(m.value, true)
		case "thinking":
			l.show(m.value, false)
		case "tool_calls":
			if length(m.value) > 0 {
				l.text, l.visible = true, true
			}
		}
		return true
	})
}

func (l *ollamaLine) show(v []byte, visible bool) {
	is := hasText(v)
	l.text = l.text || is
	l.visible = l.visible || is && visible
}

func (*ollama) event(s *stream, at time.Duration, _, data []byte) bool {
	l := readOllamaLine(data)
	if !l.whole {
		return false
	}
	if l.failed != nil {
		s.fail(readError(l.failed))
		return true
	}
	s.named(l.model)
	c := s.choiceOf(0)
	switch {
	case l.logprobs > 0:
		s.trust(record.SourceLogprobs)
		s.token(at, c, l.logprobs, true)
	case l.text:
		s.token(at, c, 1, false)
	}
	if l.visible {
		s.output(at)
	}
	if l.done {
		if l.usage.Source != "" {
			s.setFinal(l.usage)
		}
		s.account(ollamaTook(data))
		s.finish(at, c, l.reason)
	}
	return true
}
