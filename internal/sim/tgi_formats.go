package sim

import "strconv"

// tgiGenerate is /generate and /generate_stream.
type tgiGenerate struct{ *tgi }

var (
	_ streamer = tgiGenerate{}
	_ headed   = tgiGenerate{}
)

func (t tgiGenerate) framing(*request) framing { return t.streaming("") }

func (t tgiGenerate) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return t.appendError(dst, p.req.endpoint, p.failure)
	}
	c := &p.choices[0]
	dst = appendKey(dst, `{"index":`, e.to)
	if e.kind == EventToken {
		dst = t.appendToken(append(dst, `,"token":`...), c, e.from)
	}
	dst = append(dst, `,"generated_text":`...)
	if !e.last {
		return append(dst, `null,"details":null}`...)
	}
	dst = appendText(dst, "", c.text(0, len(c.tokens)))
	if !p.req.details {
		return append(dst, `,"details":null}`...)
	}
	dst = append(dst, `,"details":{"finish_reason":"`+t.reason(c)+`","generated_tokens":`...)
	dst = strconv.AppendInt(dst, int64(len(c.tokens)), 10)
	return append(appendKey(dst, `,"seed":null,"input_length":`, len(p.req.prompts[0].ids)), `}}`...)
}

func (t tgiGenerate) appendToken(dst []byte, c *choice, k int) []byte {
	special := k >= c.spoken()
	text := c.tokens[k]
	if special {
		text = "</s>"
	}
	dst = strconv.AppendUint(append(dst, `{"id":`...), c.tokenID(k), 10)
	dst = appendText(dst, `,"text":`, text)
	return append(dst, `,"logprob":`+logprob+`,"special":`+strconv.FormatBool(special)+`}`...)
}

func (t tgiGenerate) appendBody(dst []byte, p *plan) []byte {
	c := &p.choices[0]
	dst = appendText(dst, `{"generated_text":`, c.text(0, len(c.tokens)))
	if !p.req.details {
		return append(dst, '}')
	}
	dst = append(dst, `,"details":{"finish_reason":"`+t.reason(c)+`","generated_tokens":`...)
	dst = strconv.AppendInt(dst, int64(len(c.tokens)), 10)
	dst = append(dst, `,"seed":null,"prefill":[],"tokens":`...)
	dst = appendList(dst, len(c.tokens), func(dst []byte, i int) []byte { return t.appendToken(dst, c, i) })
	return append(dst, `}}`...)
}

// tgiChat is /v1/chat/completions and /v1/completions.
type tgiChat struct{ *tgi }

var (
	_ streamer = tgiChat{}
	_ headed   = tgiChat{}
)

func (t tgiChat) framing(*request) framing { return t.streaming("[DONE]") }

func (t tgiChat) schedule(p *plan) []emission {
	out := t.tgi.schedule(p)
	if p.req.includeUsage && p.req.endpoint == chat {
		out = append(out, emission{at: p.end(), kind: EventUsage})
	}
	return out
}

const tgiFingerprint = `"system_fingerprint":"0.0.0-simulated"`

func (t tgiChat) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		dst = appendText(dst, `{"error":{"message":`, p.failure.msg)
		return append(dst, `,"http_status_code":422}}`...)
	}
	if p.req.endpoint == completions {
		return t.appendText(dst, p, e)
	}
	dst = t.appendOpening(dst, p, "chat.completion.chunk")
	if e.kind == EventUsage {
		return append(t.appendUsage(append(dst, `,"choices":[],"usage":`...), p), '}')
	}
	dst = t.appendDelta(append(dst, `,"choices":[{"index":0,"delta":{"role":"assistant",`...), p, e)
	dst = append(dst, `},"logprobs":null,"finish_reason":`...)
	if e.last {
		dst = append(dst, `"`+t.openReason(p)+`"`...)
	} else {
		dst = append(dst, "null"...)
	}
	return append(dst, `}],"usage":null}`...)
}

// openReason is the reason in OpenAI's words.
func (t tgiChat) openReason(p *plan) string {
	if p.choices[0].finish == "length" {
		return "length"
	}
	return "stop"
}

func (t tgiChat) appendOpening(dst []byte, p *plan, object string) []byte {
	dst = appendKey(dst, `{"object":"`+object+`","id":"","created":`, int(p.created))
	dst = appendText(dst, `,"model":`, p.req.model)
	return append(dst, `,`+tgiFingerprint...)
}

func (t tgiChat) appendDelta(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[0]
	if p.req.tool == nil || e.from >= c.spoken() {
		return appendText(dst, `"content":`, c.text(e.from, e.to))
	}
	name := "null"
	if e.from == 0 {
		name = string(appendString(nil, p.req.tool.name))
	}
	dst = append(dst, `"tool_calls":[{"index":0,"id":"0","type":"function","function":{"name":`+name+`,"arguments":`...)
	return append(appendString(dst, c.text(e.from, e.to)), `}}]`...)
}

// appendText appends an event of a completion: before the last, a reason that is
// an empty string; the last has the usage.
func (t tgiChat) appendText(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[0]
	if !e.last {
		dst = appendKey(dst, `{"object":"text_completion","id":"","created":`, int(p.created))
		dst = appendText(dst, `,"choices":[{"index":0,"text":`, c.text(e.from, e.to))
		dst = appendText(dst, `,"logprobs":null,"finish_reason":""}],"model":`, p.req.model)
		return append(dst, `,`+tgiFingerprint+`}`...)
	}
	dst = t.appendOpening(dst, p, "text_completion")
	dst = appendText(dst, `,"choices":[{"index":0,"text":`, c.text(e.from, e.to))
	dst = append(dst, `,"logprobs":null,"finish_reason":"`+t.reason(c)+`"}],"usage":`...)
	return append(t.appendUsage(dst, p), '}')
}

func (t tgiChat) appendUsage(dst []byte, p *plan) []byte {
	prompt, completion := p.promptTokens(), p.completionTokens()
	dst = appendKey(dst, `{"prompt_tokens":`, prompt)
	dst = appendKey(dst, `,"completion_tokens":`, completion)
	return append(appendKey(dst, `,"total_tokens":`, prompt+completion), '}')
}

func (t tgiChat) appendBody(dst []byte, p *plan) []byte {
	c := &p.choices[0]
	if p.req.endpoint == completions {
		return t.appendText(dst, p, emission{to: len(c.tokens), last: true})
	}
	dst = t.appendOpening(dst, p, "chat.completion")
	dst = append(dst, `,"choices":[{"index":0,"message":{"role":"assistant",`...)
	if p.req.tool != nil {
		dst = appendText(dst, `"tool_calls":[{"id":"0","type":"function","function":{"description":null,"name":`, p.req.tool.name)
		dst = append(appendText(dst, `,"arguments":`, c.whole(partTool)), `}}]`...)
	} else {
		dst = appendText(dst, `"content":`, c.text(0, len(c.tokens)))
	}
	dst = append(dst, `},"logprobs":null,"finish_reason":"`+t.openReason(p)+`"}],"usage":`...)
	return append(t.appendUsage(dst, p), '}')
}
