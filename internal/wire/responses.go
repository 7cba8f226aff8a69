package wire

import (
	"bytes"
	"time"

	"tokenomics/internal/record"
)

// responses reads the events of OpenAI's Responses (WIRE.md 3.5, 9), and those
// of its transcriptions, which go by the same plan. An event's tokens are not
// told: each delta with text counts as one.
type responses struct{ name string }

var _ grammar = (*responses)(nil)

func (g *responses) dialect() string { return g.name }

func (g *responses) terminator() string {
	if g.name == dialectTranscript {
		return "transcript.text.done"
	}
	return "response.completed"
}

var deltaSuffix = []byte(".delta")

func (g *responses) event(s *stream, at time.Duration, name, data []byte) bool {
	if bytes.HasSuffix(name, deltaSuffix) {
		return g.delta(s, at, name, data)
	}
	if len(name) == 0 {
		name = typeOf(data)
	}
	switch string(name) {
	case "response.created", "response.in_progress", "response.queued":
		// They echo the request, and come before it is worked on.
		if s.model == "" {
			s.seeID(raw(data, "response", "id"))
			s.named(raw(data, "response", "model"))
		}
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
		return g.end(s, at, data)
	case "transcript.text.done":
		s.finalAnswer(raw(data, "usage"))
		s.finish(at, s.choiceOf(0), "stop")
		s.done = true
	case "error", "": // llama.cpp gives its errors no name
		if isObject(data) && (len(name) > 0 || isObject(raw(data, "error"))) {
			s.fail(readError(errorOf(data)))
		}
	default:
		if bytes.HasSuffix(name, deltaSuffix) {
			return g.delta(s, at, name, data)
		}
	}
	return isObject(data)
}

// delta reads an event with a piece of the output.
func (g *responses) delta(s *stream, at time.Duration, name, data []byte) bool {
	is, logprobs := false, int64(0)
	if !members(data, func(m member) bool {
		switch string(m.key) {
		case "delta":
			is = hasText(m.value)
		case "logprobs":
			logprobs = length(m.value)
		}
		return true
	}) {
		return false
	}
	c := s.choiceOf(0)
	if logprobs > 0 {
		s.trust(record.SourceLogprobs)
		s.token(at, c, logprobs, true)
	} else if is {
		s.token(at, c, 1, false)
	}
	if is && !bytes.Contains(name, []byte("reasoning")) {
		s.output(at)
	}
	return true
}

// end reads the event that ends the response, with all of it inside.
func (g *responses) end(s *stream, at time.Duration, data []byte) bool {
	response := raw(data, "response")
	if !isObject(response) {
		return false
	}
	a := readResponse(response)
	s.seeID(a.id)
	s.named(a.model)
	s.finalAnswer(a.usage)
	s.account(took(a.took))
	s.account(took(raw(data, "timings"))) // llama.cpp's stand beside the response
	if a.failed != nil {
		s.fail(readError(a.failed))
	}
	s.finish(at, s.choiceOf(0), a.reason())
	s.done = true
	return true
}

// finalAnswer takes the usage of the whole answer.
func (s *stream) finalAnswer(usage []byte) {
	var u record.Usage
	if readUsage(usage, &u) {
		s.setFinal(u)
	}
}

// response is a Responses object.
type response struct {
	id, model, usage, failed []byte // as they stand
	took                     []byte // vLLM's metrics
	status, incomplete       string
}

func readResponse(v []byte) (r response) {
	members(v, func(m member) bool {
		switch string(m.key) {
		case "id":
			r.id = m.value
		case "model":
			r.model = m.value
		case "usage":
			r.usage = m.value
		case "metrics":
			r.took = m.value
		case "error":
			if !isNull(m.value) {
				r.failed = m.value
			}
		case "status":
			r.status = clip(text(m.value), 32)
		case "incomplete_details":
			r.incomplete = clip(kept(get(m.value, "reason")), 32)
		}
		return true
	})
	if r.status == "failed" && r.failed == nil {
		r.failed = []byte(`"failed"`)
	}
	return r
}

// reason is why the response ended: what cut it short, else its status. vLLM
// ends one that ran into its limit with response.completed.
func (r *response) reason() string {
	switch {
	case r.status == "cancelled":
		return "abort"
	case r.incomplete != "":
		return r.incomplete
	}
	return r.status
}

// typeOf is the type that data itself names.
func typeOf(data []byte) []byte {
	return bytes.Trim(raw(data, "type"), `"`)
}

// errorOf is the error in an error event: a member of its own, or, as
// llama.cpp and OpenAI's Responses have it, the event itself.
func errorOf(data []byte) []byte {
	if e := raw(data, "error"); len(e) > 0 && !isNull(e) {
		return e
	}
	return data
}
