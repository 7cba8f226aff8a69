package wire

import (
	"time"

	"tokenomics/internal/record"
)

// sglang reads the events of SGLang's own /generate (WIRE.md 5.4). Its text is
// cumulative by default and a delta by option; completion_tokens is cumulative
// in both, so the mode is of no matter.
type sglang struct{}

var _ grammar = (*sglang)(nil)

func (*sglang) dialect() string    { return dialectSGLang }
func (*sglang) terminator() string { return "[DONE]" }

// generated is one event, or one element of an answer.
type generated struct {
	index         int64
	text, worded  bool
	failed        []byte
	usage         record.Usage
	id, finish    []byte
	meta          []byte // all of its meta_info
	reason        string // finish_reason's type
	refused       bool   // it was aborted with a status, which is an error
	hasFinish, ok bool
}

func readGenerated(data []byte) (g generated) {
	g.ok = members(data, func(m member) bool {
		switch string(m.key) {
		case "text":
			g.text, g.worded = hasText(m.value), true
		case "index":
			var index record.Count
			count(m.value, &index)
			g.index = index.Or(0)
		case "error":
			if !isNull(m.value) {
				g.failed = m.value
			}
		case "meta_info":
			g.meta = m.value
			g.metaInfo(m.value)
		}
		return true
	})
	return g
}

func (g *generated) metaInfo(v []byte) {
	members(v, func(m member) bool {
		switch string(m.key) {
		case "id":
			g.id = m.value
		case "prompt_tokens":
			count(m.value, &g.usage.Prompt)
		case "completion_tokens":
			count(m.value, &g.usage.Completion)
		case "cached_tokens":
			count(m.value, &g.usage.Cached)
		case "reasoning_tokens":
			count(m.value, &g.usage.Reasoning)
		case "finish_reason":
			if g.hasFinish = !isNull(m.value); g.hasFinish {
				g.finish = m.value
				g.reason = clip(kept(get(m.value, "type")), 32)
				g.refused = g.reason == "abort" && get(m.value, "status_code").Int() >= 400
			}
		}
		return true
	})
}

func (*sglang) event(s *stream, at time.Duration, _, data []byte) bool {
	g := readGenerated(data)
	if !g.ok {
		return false
	}
	if g.failed != nil {
		s.fail(readError(g.failed))
		return true
	}
	s.seeID(g.id)
	if g.refused {
		s.fail(g.refusal())
	}
	c := s.choiceOf(int(g.index))
	if c == nil {
		return true
	}
	c.hear(&g.usage)
	n, exact := s.running(c, g.usage.Completion.Or(0), g.hasFinish, record.SourceEngineCounter)
	if !exact {
		n = one(g.text)
	}
	if n > 0 {
		s.token(at, c, n, exact)
	}
	if g.text || n > 0 && !g.worded {
		s.output(at)
	}
	if g.hasFinish {
		s.account(sglangTook(g.meta))
		s.finish(at, c, g.reason)
	}
	return true
}

// refusal is the error of a request that the engine aborted on its own account.
func (g *generated) refusal() engineError {
	e := readError(g.finish)
	e.kind = clip(kept(get(g.finish, "err_type")), 64)
	if e.kind == "" {
		e.kind = clip(kept(get(g.finish, "status_code")), 64)
	}
	return e
}
