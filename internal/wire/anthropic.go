package wire

import (
	"time"

	"tokenomics/internal/record"
)

// anthropic reads the events of Anthropic's Messages (WIRE.md 3.6, 9). An
// event's tokens are not told: each delta with text counts as one.
type anthropic struct{ usage anthropicUsage }

var _ grammar = (*anthropic)(nil)

func (*anthropic) dialect() string    { return dialectAnthropic }
func (*anthropic) terminator() string { return "message_stop" }

func (g *anthropic) event(s *stream, at time.Duration, name, data []byte) bool {
	if !isObject(data) {
		return false
	}
	if len(name) == 0 {
		name = typeOf(data)
	}
	switch string(name) {
	case "content_block_delta":
		return g.delta(s, at, data)
	case "content_block_start":
		g.block(s, at, raw(data, "content_block"))
	case "message_start":
		message := raw(data, "message")
		s.seeID(raw(message, "id"))
		s.named(raw(message, "model"))
		// The prompt may yet be too much or too little: vLLM doesn't know the
		// cache here, and Ollama guesses from the request's size.
		g.usage.see(raw(message, "usage"))
		g.usage.output = record.Count{} // a token or two that came to be before the stream
		g.prompt(s)
		s.provisional = g.usage.input.Ok()
	case "message_delta":
		g.messageDelta(s, at, data)
	case "message_stop":
		s.done = true
	case "error":
		s.fail(readError(errorOf(data)))
	case "":
		if isObject(raw(data, "error")) {
			s.fail(readError(errorOf(data)))
		}
	}
	return true
}

// block reads the start of a content block. A tool's name is output already.
func (g *anthropic) block(s *stream, at time.Duration, v []byte) {
	switch kind := get(v, "type").String(); {
	case hasText(raw(v, "name")), kind == "text" && hasText(raw(v, "text")):
		s.token(at, s.choiceOf(0), 1, false)
		s.output(at)
	case hasText(raw(v, "thinking")), hasText(raw(v, "data")): // redacted thinking
		s.token(at, s.choiceOf(0), 1, false)
	}
}

// delta reads a piece of a content block. A signature is the server's, not the
// model's.
func (g *anthropic) delta(s *stream, at time.Duration, data []byte) bool {
	text, thinking := false, false
	whole := members(data, func(m member) bool {
		if string(m.key) == "delta" {
			members(m.value, func(m member) bool {
				switch string(m.key) {
				case "text", "partial_json":
					text = text || hasText(m.value)
				case "thinking":
					thinking = hasText(m.value)
				}
				return true
			})
		}
		return true
	})
	if text || thinking {
		s.token(at, s.choiceOf(0), 1, false)
	}
	if text {
		s.output(at)
	}
	return whole
}

// messageDelta reads the end of the message. There may be several, and the
// last counts.
func (g *anthropic) messageDelta(s *stream, at time.Duration, data []byte) {
	if usage := raw(data, "usage"); isObject(usage) {
		g.usage.see(usage)
		g.prompt(s)
		s.provisional = false
		if u := g.usage.usage(); u.Completion.Ok() {
			s.setFinal(u)
		}
	}
	if reason := text(raw(data, "delta", "stop_reason")); reason != "" {
		s.finish(at, s.choiceOf(0), reason)
	}
}

// prompt tells what is known of the prompt.
func (g *anthropic) prompt(s *stream) {
	u, w := g.usage.usage(), s.say()
	if w.told == nil {
		w.told = new(record.Usage)
	}
	w.told.Prompt, w.told.Cached = u.Prompt, u.Cached
}
