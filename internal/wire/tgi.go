package wire

import (
	"time"

	"tokenomics/internal/record"
)

// tgi reads the events of TGI's own /generate_stream (WIRE.md 8): one event is
// one token, always.
type tgi struct{}

var _ grammar = (*tgi)(nil)

func (*tgi) dialect() string    { return dialectTGI }
func (*tgi) terminator() string { return "" }

func (*tgi) event(s *stream, at time.Duration, _, data []byte) bool {
	var token, generated, details, failed, kind []byte
	whole := members(data, func(m member) bool {
		switch string(m.key) {
		case "token":
			token = m.value
		case "generated_text":
			generated = m.value
		case "details":
			details = m.value
		case "error":
			failed = m.value
		case "error_type":
			kind = m.value
		}
		return true
	})
	if !whole {
		return false
	}
	if len(failed) > 0 && !isNull(failed) {
		s.fail(tgiError(failed, kind))
		return true
	}
	c := s.choiceOf(0)
	if isObject(token) {
		s.trust(record.SourceTokenIDs)
		s.token(at, c, 1, true)
		if hasText(raw(token, "text")) && !get(token, "special").Bool() {
			s.output(at)
		}
	}
	if len(generated) > 0 && !isNull(generated) {
		u, reason := tgiDetails(details)
		if u.Completion.Ok() {
			s.setFinal(u)
		}
		s.finish(at, c, reason)
	}
	return true
}

// tgiDetails reads the details that a request may ask for.
func tgiDetails(v []byte) (u record.Usage, reason string) {
	if !isObject(v) {
		return u, ""
	}
	members(v, func(m member) bool {
		switch string(m.key) {
		case "input_length":
			count(m.value, &u.Prompt)
		case "prefill":
			if n := length(m.value); n > 0 {
				u.Prompt = record.Some(n)
			}
		case "generated_tokens":
			count(m.value, &u.Completion)
		case "finish_reason":
			reason = clip(text(m.value), 32)
		}
		return true
	})
	if u.Completion.Ok() {
		u.Source = record.SourceEngineCounter
	}
	return u, reason
}

// tgiError reads an error that is text, with its kind beside it.
func tgiError(v, kind []byte) engineError {
	e := readError(v)
	if k := text(kind); k != "" {
		e.kind = clip(k, 64)
	}
	return e
}
