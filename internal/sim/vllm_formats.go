package sim

import (
	"strings"

	"github.com/tidwall/gjson"
)

// ready says when vLLM sends: the first token alone, then every so many.
func (v *vllm) ready(r *request) func(sent, made int) bool {
	interval := max(v.cfg.StreamInterval, r.interval)
	return func(sent, made int) bool { return sent == 0 || made-sent >= interval }
}

// everyInterval is ready for requests that can't ask for an interval of their own.
func (v *vllm) everyInterval(sent, made int) bool {
	return sent == 0 || made-sent >= v.cfg.StreamInterval
}

// responses is /v1/responses. An error there fails its own schema: the stream
// breaks off.
func (v *vllm) responses() *openResponses {
	return &openResponses{
		frames: framing{contentType: typeSSE, head: headAtOnce},
		name:   v.identify, ready: v.everyInterval, truthful: true, full: true,
		metrics: func(dst []byte, p *plan) []byte { return v.appendMetrics(dst, p, true) },
	}
}

// messages is /v1/messages, which vLLM makes from a chat stream.
func (v *vllm) messages() *anthropic {
	usage := func(dst []byte, p *plan) []byte {
		if !v.cfg.ReportCached {
			return append(appendAnthropicUsage(dst, p.promptTokens(), p.completionTokens()), '}')
		}
		dst = appendAnthropicUsage(dst, p.promptTokens()-p.cachedTokens(), p.completionTokens())
		return append(appendKey(dst, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":`, p.cachedTokens()), '}')
	}
	return &anthropic{
		frames: framing{contentType: typeSSE, head: headAtOnce},
		name:   v.identify, outputs: func(p *plan) []emission { return p.outputs(v.everyInterval, always) }, errors: appendAnthropicError, nulls: true, signed: true,
		start: func(dst []byte, p *plan) []byte { return append(appendAnthropicUsage(dst, p.promptTokens(), 0), '}') },
		delta: usage, body: usage,
	}
}

// vllmTokens is /inference/v1/generate: token ids in, token ids out.
type vllmTokens struct{ *vllm }

var _ streamer = vllmTokens{}

func readTokens(r *request, root gjson.Result) *apiError {
	ids := root.Get("token_ids")
	if !ids.IsArray() {
		return missing("token_ids")
	}
	params := root.Get("sampling_params")
	r.ignoreEOS, r.minTokens = params.Get("ignore_eos").Bool(), int(params.Get("min_tokens").Int())
	if id := root.Get("request_id").String(); id != "" {
		r.rid = strings.Clone(id)
	}
	r.prompts = []prompt{idPrompt(ids.Array())}
	if err := r.readChoices(params); err != nil {
		return err
	}
	r.usual = 16
	return r.readMax(params, "max_tokens")
}

func (t vllmTokens) identify(p *plan, key uint64) {
	t.vllm.identify(p, key)
	if p.req.rid != "" {
		p.id = p.req.rid
	}
}

func (t vllmTokens) schedule(p *plan) []emission {
	out := p.outputs(t.ready(p.req), always)
	if p.req.includeUsage {
		out = append(out, emission{at: p.end(), kind: EventUsage})
	}
	return out
}

func (t vllmTokens) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return t.appendError(dst, p.req.endpoint, p.failure)
	}
	dst = appendText(dst, `{"request_id":`, p.id)
	if e.kind == EventUsage {
		dst = append(dst, `,"choices":[],"usage":`...)
		return append(t.appendUsage(dst, p), '}')
	}
	dst = append(dst, `,"choices":[`...)
	dst = t.appendTokens(dst, p, e)
	dst = append(dst, `],"usage":`...)
	if p.req.continuous {
		c := &p.choices[e.choice]
		dst = append(t.appendCounts(dst, len(p.req.prompts[c.prompt].ids), e.to), '}')
	} else {
		dst = append(dst, "null"...)
	}
	return append(dst, '}')
}

func (t vllmTokens) appendTokens(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[e.choice]
	dst = appendKey(dst, `{"index":`, e.choice)
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	if e.last {
		dst = appendString(dst, c.finish)
	} else {
		dst = append(dst, "null"...)
	}
	dst = c.appendTokenIDs(append(dst, `,"token_ids":`...), e.from, e.to)
	return append(dst, '}')
}

func (t vllmTokens) appendBody(dst []byte, p *plan) []byte {
	dst = appendText(dst, `{"request_id":`, p.id)
	dst = append(dst, `,"choices":`...)
	dst = appendList(dst, len(p.choices), func(dst []byte, i int) []byte {
		return t.appendTokens(dst, p, emission{choice: i, to: len(p.choices[i].tokens), last: true})
	})
	dst = append(dst, `,"usage":`...)
	dst = t.appendBodyUsage(dst, p, p.completionTokens())
	return append(dst, `,"prompt_logprobs":null,"kv_transfer_params":null}`...)
}
