package sim

import (
	"strings"
	"time"
)

// sglang speaks as SGLang does (0.5.x, 2026-07).
type sglang struct{ cfg *Config }

var (
	_ dialect  = (*sglang)(nil)
	_ streamer = (*sglang)(nil)
)

// sglangEOS is the token id told as `matched_stop` at a natural end.
const sglangEOS = "2"

func (s *sglang) traits() traits {
	return traits{name: "sglang", jsonType: typeJSON, wantsJSON: true, keepAlive: 5 * time.Second, cacheBlock: 1, guarded: func(path string) bool {
		return !strings.HasPrefix(path, "/health") && !strings.HasPrefix(path, "/metrics")
	}}
}

func (s *sglang) appendHead(dst []byte, h head) []byte { return appendUvicorn(dst, h) }

// framing: a stream's head waits for the first event, since 2026-04.
func (s *sglang) framing(*request) framing {
	return framing{contentType: typeSSE, done: "[DONE]", head: headAtFirst}
}

func (s *sglang) failing(*plan, []emission) []emission { return []emission{{kind: EventError}} }

// check: SGLang validates neither the model nor stray stream_options; the answer
// names the model the client asked for.
func (s *sglang) check(r *request) *apiError {
	if r.model == "" {
		r.model = s.cfg.Model
	}
	r.includeUsage = r.includeUsage || s.cfg.ForceUsage && r.stream
	return nil
}

// identify gives each choice an id of its own when there are several.
func (s *sglang) identify(p *plan, key uint64) {
	for i := range max(len(p.choices), 1) {
		h := chain(key, uint64(i))
		p.ids = append(p.ids, hexID(h)+hexID(mix(h)))
	}
	if p.req.rid != "" && len(p.ids) == 1 {
		p.ids[0] = p.req.rid
	}
	p.id = p.ids[0]
}

// schedule: in chat, a role event before each choice's first output, no event
// for a step that shows nothing, and the finish events after every choice has
// ended. In completions, an event for every step, the last with the reason.
func (s *sglang) schedule(p *plan) []emission {
	if p.req.endpoint == completions {
		return s.close(p, p.outputs(s.ready, always))
	}
	var out []emission
	sent := make([]int, len(p.choices))
	begun := make([]bool, len(p.choices))
	for _, e := range p.outputs(s.ready, s.shows(p)) {
		c := &p.choices[e.choice]
		if !begun[e.choice] {
			begun[e.choice] = true
			out = append(out, emission{at: e.at, kind: EventRole, choice: e.choice})
		}
		sent[e.choice] = e.to
		e.last = false // the finish event is
		if e.from < c.reasoning && c.reasoning < e.to && c.text(c.reasoning, e.to) != "" {
			head := e
			head.to, e.from = c.reasoning, c.reasoning
			out = append(out, head) // one step, two events
		}
		out = append(out, e)
	}
	for i := range p.choices {
		if !begun[i] {
			out = append(out, emission{at: p.end(), kind: EventRole, choice: i})
		}
	}
	for i := range p.choices {
		out = append(out, emission{at: p.end(), kind: EventFinish, choice: i, from: sent[i], to: len(p.choices[i].tokens), last: true})
	}
	return s.close(p, out)
}

// ready says when SGLang sends: after the first token of every so many.
func (s *sglang) ready(_, made int) bool {
	return s.cfg.StreamInterval == 1 || made%s.cfg.StreamInterval == 1
}

func (s *sglang) shows(p *plan) func(c *choice, from, to int, last bool) bool {
	return func(c *choice, from, to int, _ bool) bool {
		return c.text(from, to) != "" || (p.req.tool != nil && from == 0 && to > 0)
	}
}

func (s *sglang) close(p *plan, out []emission) []emission {
	if p.req.includeUsage {
		out = append(out, emission{at: p.end(), kind: EventUsage})
	}
	return out
}

func (s *sglang) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return append(s.appendFlat(append(dst, `{"error":`...), p.failure), '}')
	}
	if e.kind == EventUsage {
		// The final event bears the id of whichever choice came last.
		dst = appendHead(dst, p.ids[len(p.ids)-1], p.object(), p.created, p.req.model)
		dst = append(dst, `,"choices":[],"usage":`...)
		dst = s.appendUsage(dst, p.promptTokens(), p.completionTokens(), p.reasoningTokens(), s.reported(p), true)
		return append(dst, '}')
	}
	c := &p.choices[e.choice]
	dst = appendHead(dst, p.ids[e.choice], p.object(), p.created, p.req.model)
	dst = appendKey(dst, `,"choices":[{"index":`, e.choice)
	if p.req.endpoint == completions {
		dst = appendText(dst, `,"text":`, p.echoed(e)+c.text(e.from, e.to))
		dst = s.appendFinish(dst, c, e.last)
		dst = append(dst, `}],"usage":`...)
		if p.req.continuous {
			dst = s.appendRunning(dst, p, c, e, 0)
		} else {
			dst = append(dst, "null"...)
		}
		return append(dst, '}')
	}
	dst = append(dst, `,"delta":{`...)
	dst = s.appendDelta(dst, p, c, e)
	dst = append(dst, '}')
	dst = s.appendFinish(dst, c, e.last)
	dst = append(dst, `}]`...)
	isTool := p.req.tool != nil && e.kind == EventToken
	switch {
	case p.req.continuous && e.kind == EventToken:
		dst = append(dst, `,"usage":`...)
		dst = s.appendRunning(dst, p, c, e, s.reported(p))
	case isTool: // tool events come from another encoder, which writes its nulls
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, '}')
}

func (s *sglang) appendFinish(dst []byte, c *choice, last bool) []byte {
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	if !last {
		return append(dst, `null,"matched_stop":null`...)
	}
	dst = appendString(dst, c.finish)
	if c.finish == "stop" || c.finish == "tool_calls" {
		return append(dst, `,"matched_stop":`+sglangEOS...)
	}
	return append(dst, `,"matched_stop":null`...)
}

func (s *sglang) appendDelta(dst []byte, p *plan, c *choice, e emission) []byte {
	switch {
	case e.kind == EventRole:
		return append(dst, `"reasoning_content":null,"role":"assistant","content":""`...)
	case e.kind == EventFinish:
		return append(dst, `"reasoning_content":null`...)
	case p.req.tool != nil:
		return s.appendToolDelta(dst, p, c, e)
	}
	reasoning, content := c.split(e.from, e.to)
	if reasoning != "" {
		dst = append(dst, `"reasoning_content":`...)
		return appendString(dst, reasoning)
	}
	dst = append(dst, `"reasoning_content":null,"content":`...)
	return appendString(dst, content)
}

func (s *sglang) appendToolDelta(dst []byte, p *plan, c *choice, e emission) []byte {
	dst = append(dst, `"role":null,"content":null,"reasoning_content":null,"tool_calls":[{"id":`...)
	if e.from == 0 {
		dst = append(dst, `"call_`+hexID(hashString(p.ids[e.choice]))+`","index":0,"type":"function","function":{"name":`...)
		dst = appendString(dst, p.req.tool.name)
	} else {
		dst = append(dst, `null,"index":0,"type":"function","function":{"name":null`...)
	}
	dst = append(dst, `,"arguments":`...)
	dst = appendString(dst, c.text(e.from, e.to))
	return append(dst, `}}]`...)
}

func (s *sglang) appendRunning(dst []byte, p *plan, c *choice, e emission, cached int) []byte {
	return s.appendUsage(dst, len(p.req.prompts[c.prompt].ids), e.to, min(e.to, c.reasoning), cached, false)
}

// appendUsage: reasoning_tokens is a key of usage itself; details are null when
// nothing is cached or not reported, and left out of the final event then.
func (s *sglang) appendUsage(dst []byte, prompt, completion, reasoning, cached int, dropNull bool) []byte {
	dst = appendKey(dst, `{"prompt_tokens":`, prompt)
	dst = appendKey(dst, `,"total_tokens":`, prompt+completion)
	dst = appendKey(dst, `,"completion_tokens":`, completion)
	switch {
	case cached > 0:
		dst = appendKey(dst, `,"prompt_tokens_details":{"cached_tokens":`, cached)
		dst = append(dst, '}')
	case !dropNull:
		dst = append(dst, `,"prompt_tokens_details":null`...)
	}
	dst = appendKey(dst, `,"reasoning_tokens":`, reasoning)
	return append(dst, '}')
}

// reported is the cached tokens of all prompts, 0 where they are not told.
func (s *sglang) reported(p *plan) int {
	if !s.cfg.ReportCached {
		return 0
	}
	return p.cachedTokens()
}
