package sim

import (
	"strings"
	"time"
)

// vllm speaks as vLLM's Python front end does (0.32 and what is like it).
type vllm struct{ cfg *Config }

var (
	_ dialect  = (*vllm)(nil)
	_ streamer = (*vllm)(nil)
)

// vllmFingerprint is in every answer where vLLM puts its own, and tells who
// answered.
const vllmFingerprint = "vllm-tokenomics-sim"

func (v *vllm) traits() traits {
	return traits{name: "vllm", jsonType: typeJSON, wantsJSON: true, keepAlive: 5 * time.Second, cacheBlock: 16, guarded: func(path string) bool {
		return strings.HasPrefix(path, "/v1") || strings.HasPrefix(path, "/v2") || strings.HasPrefix(path, "/inference")
	}}
}

func (v *vllm) appendHead(dst []byte, h head) []byte {
	return appendUvicorn(dst, h, header{"vary", "Origin"})
}

func (v *vllm) framing(*request) framing {
	return framing{contentType: typeSSE, done: "[DONE]", head: headAtOnce}
}

func (v *vllm) failing(*plan, []emission) []emission { return []emission{{kind: EventError}} }

func (v *vllm) check(r *request) *apiError {
	if r.streamOptions && !r.stream {
		return badRequest("stream_options", "Stream options can only be defined when `stream=True`. (parameter=stream_options)")
	}
	if r.model != "" && r.model != v.cfg.Model {
		return &apiError{status: 404, kind: "NotFoundError", param: "model",
			msg: "The model `" + r.model + "` does not exist. Valid aliases: " + v.cfg.Model + "."}
	}
	if v.cfg.ForceUsage && r.stream && (r.endpoint == chat || r.endpoint == completions) {
		r.includeUsage, r.continuous = true, true
	}
	// Only together: continuous_usage_stats alone is accepted and does nothing.
	r.continuous = r.continuous && r.includeUsage
	r.model = v.cfg.Model
	return nil
}

func (v *vllm) identify(p *plan, key uint64) {
	id := p.req.id
	if id == "" {
		id = hexID(key)
	}
	p.id = vllmPrefixes()[p.req.endpoint] + id
}

// vllmPrefixes begin the ids of answers.
func vllmPrefixes() map[endpoint]string {
	return map[endpoint]string{
		chat: "chatcmpl-", messages: "chatcmpl-", completions: "cmpl-", responses: "resp_", generate: "generate-tokens-",
		embeddings: "embd-", rerank: "rerank-", score: "score-", pooling: "pool-", classify: "classify-", audio: "trsc-",
	}
}

// schedule: all role events with the first output, then tokens, the finish
// reason in each choice's last event, then usage if asked.
func (v *vllm) schedule(p *plan) []emission {
	show := always
	if p.req.endpoint == chat && !p.req.tokenIDs && (p.req.tool != nil || v.cfg.ReasoningTokens.IsSet()) {
		// With a parser at work, a step that parses to nothing has no event.
		show = func(c *choice, from, to int, last bool) bool {
			return last || c.text(from, to) != "" || (p.req.tool != nil && from == 0)
		}
	}
	out := p.outputs(v.ready(p.req), show)
	if p.req.endpoint == chat {
		roles := make([]emission, len(p.choices), len(p.choices)+len(out)+1)
		for i := range roles {
			roles[i] = emission{at: out[0].at, kind: EventRole, choice: i}
		}
		out = append(roles, out...)
	}
	if p.req.includeUsage {
		out = append(out, emission{at: p.end(), kind: EventUsage})
	}
	return out
}

func (v *vllm) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return v.appendError(dst, p.req.endpoint, p.failure)
	}
	dst = appendHead(dst, p.id, p.object(), p.created, p.req.model)
	if e.kind == EventUsage {
		dst = append(dst, `,"choices":[],"usage":`...)
		dst = v.appendFingerprint(v.appendUsage(dst, p), true)
		return append(v.appendMetrics(dst, p, false), '}')
	}
	c := &p.choices[e.choice]
	dst = appendKey(dst, `,"choices":[{"index":`, e.choice)
	switch {
	case p.req.endpoint == completions:
		dst = append(dst, `,"text":`...)
		dst = appendString(dst, p.echoed(e)+c.text(e.from, e.to))
		dst = v.appendFinish(dst, p, e)
		dst = append(dst, `,"stop_reason":null,"prompt_token_ids":`...)
		dst = append(v.appendPromptIDs(dst, p, e, p.req.tokenIDs || p.req.echo), `,"token_ids":`...)
		dst = append(v.appendTokenIDs(dst, p, e), `}]`...)
	case e.kind == EventRole:
		dst = append(dst, `,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`...)
	default:
		dst = append(dst, `,"delta":`...)
		dst = v.appendDelta(dst, p, c, e)
		dst = v.appendFinish(dst, p, e)
		if e.last {
			dst = append(dst, `,"stop_reason":null`...)
		}
		dst = append(dst, `,"token_ids":`...)
		dst = append(v.appendTokenIDs(dst, p, e), `}]`...)
	}
	if p.req.continuous {
		dst = v.appendRunning(dst, p, c, e)
	}
	if e.kind == EventRole {
		dst = append(dst, `,"prompt_token_ids":`...)
		dst = append(v.appendPromptIDs(dst, p, e, p.req.tokenIDs && e.choice == 0), `,"prompt_text":null`...)
	}
	// The fingerprint is on the terminal event, which is the usage event where one follows.
	return append(v.appendFingerprint(dst, e.last && !p.req.includeUsage), '}')
}

func (v *vllm) appendFingerprint(dst []byte, terminal bool) []byte {
	if terminal {
		dst = append(dst, `,"system_fingerprint":"`+vllmFingerprint+`"`...)
	}
	return dst
}

// appendFinish appends the logprobs, if they are asked for, and the finish reason.
func (v *vllm) appendFinish(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[e.choice]
	dst = append(dst, `,"logprobs":`...)
	switch {
	case !p.req.logprobs:
		dst = append(dst, "null"...)
	case p.req.endpoint == chat:
		dst = appendChatLogprobs(dst, c, e.from, e.to)
	default:
		dst = appendTextLogprobs(dst, c, e.from, e.to)
	}
	dst = append(dst, `,"finish_reason":`...)
	if e.last {
		return appendString(dst, c.finish)
	}
	return append(dst, "null"...)
}

// appendTokenIDs appends the ids of an event's tokens, if they are asked for.
func (v *vllm) appendTokenIDs(dst []byte, p *plan, e emission) []byte {
	if !p.req.tokenIDs {
		return append(dst, "null"...)
	}
	return p.choices[e.choice].appendTokenIDs(dst, e.from, e.to)
}

// appendPromptIDs appends the ids of a choice's prompt on its first event.
func (v *vllm) appendPromptIDs(dst []byte, p *plan, e emission, wanted bool) []byte {
	if !wanted || e.from > 0 {
		return append(dst, "null"...)
	}
	return appendIDs(dst, p.req.prompts[p.choices[e.choice].prompt].ids)
}

func (v *vllm) appendDelta(dst []byte, p *plan, c *choice, e emission) []byte {
	if p.req.tool != nil {
		return v.appendToolDelta(dst, p, c, e)
	}
	reasoning, content := c.split(e.from, e.to)
	dst = append(dst, '{')
	if reasoning != "" {
		dst = append(dst, `"reasoning":`...)
		dst = appendString(dst, reasoning)
		if content == "" {
			return append(dst, '}')
		}
		dst = append(dst, ',') // the step that ends the reasoning carries both
	}
	dst = append(dst, `"content":`...)
	dst = appendString(dst, content)
	return append(dst, '}')
}

func (v *vllm) appendToolDelta(dst []byte, p *plan, c *choice, e emission) []byte {
	args := c.text(e.from, e.to)
	if args == "" && e.from > 0 {
		return append(dst, "{}"...)
	}
	dst = append(dst, `{"content":null,"tool_calls":[{`...)
	if e.from == 0 {
		dst = append(dst, `"id":"chatcmpl-tool-`+hexID(chain(hashString(p.id), uint64(e.choice)))+`","type":"function",`...)
	}
	dst = append(dst, `"index":0,"function":{`...)
	if e.from == 0 {
		dst = append(dst, `"name":`...)
		dst = appendString(dst, p.req.tool.name)
		if args != "" {
			dst = append(dst, ',')
		}
	}
	if args != "" {
		dst = append(dst, `"arguments":`...)
		dst = appendString(dst, args)
	}
	return append(dst, `}}]}`...)
}

// appendRunning is the continuous usage: of this choice so far, and its prompt.
func (v *vllm) appendRunning(dst []byte, p *plan, c *choice, e emission) []byte {
	n := len(p.req.prompts[c.prompt].ids)
	dst = append(dst, `,"usage":`...)
	dst = v.appendCounts(dst, n, e.to)
	if p.req.endpoint == chat {
		dst = v.appendReasoning(dst, min(e.to, c.reasoning))
	}
	return append(dst, '}')
}

func (v *vllm) appendCounts(dst []byte, prompt, completion int) []byte {
	dst = appendKey(dst, `{"prompt_tokens":`, prompt)
	dst = appendKey(dst, `,"total_tokens":`, prompt+completion)
	return appendKey(dst, `,"completion_tokens":`, completion)
}

func (v *vllm) appendReasoning(dst []byte, n int) []byte {
	if !v.cfg.ReasoningTokens.IsSet() {
		return append(dst, `,"completion_tokens_details":null`...)
	}
	dst = appendKey(dst, `,"completion_tokens_details":{"reasoning_tokens":`, n)
	return append(dst, '}')
}

// appendUsage is the usage of the event at a stream's end: null fields are left out.
func (v *vllm) appendUsage(dst []byte, p *plan) []byte {
	dst = v.appendCounts(dst, p.promptTokens(), p.completionTokens())
	if v.cfg.ReportCached {
		dst = appendKey(dst, `,"prompt_tokens_details":{"cached_tokens":`, p.cached[0])
		if p.req.endpoint == chat {
			dst = appendKey(dst, `,"created_cache_tokens":`, v.created(p))
		}
		dst = append(dst, '}')
	}
	if p.req.endpoint == chat && v.cfg.ReasoningTokens.IsSet() {
		dst = v.appendReasoning(dst, p.reasoningTokens())
	}
	return append(dst, '}')
}

// created is how many tokens the request added to the prefix cache.
func (v *vllm) created(p *plan) int {
	n := len(p.req.prompts[0].ids)
	if v.cfg.CacheTokens < 0 {
		return 0
	}
	return n - n%v.cfg.CacheBlock - p.cached[0]
}
