package sim

// ollamaOpenAI is /v1/chat/completions and /v1/completions, which Ollama makes
// from its own lines.
type ollamaOpenAI struct{ *ollama }

var (
	_ streamer = ollamaOpenAI{}
	_ headed   = ollamaOpenAI{}
)

func (o ollamaOpenAI) framing(*request) framing {
	return framing{contentType: typePlain, done: "[DONE]", quietError: true, head: headAtFirst}
}

func (o ollamaOpenAI) head(*plan) (string, []header, bool) { return typeJSON, nil, true }

// schedule: the role is in the first event, the end has one of its own, and what
// comes at the end leaves in one write.
func (o ollamaOpenAI) schedule(p *plan) []emission {
	out := o.pieces(p)
	out = append(out, emission{at: p.end(), kind: EventFinish, from: told(out), to: len(p.choices[0].tokens), last: true, joined: true})
	if p.req.includeUsage {
		out = append(out, emission{at: p.end(), kind: EventUsage, joined: true})
	}
	return out
}

// failing: the error is read as an answer with nothing in it, and lost.
func (o ollamaOpenAI) failing(*plan, []emission) []emission { return []emission{{kind: EventError}} }

func (o ollamaOpenAI) appendEvent(dst []byte, p *plan, e emission) []byte {
	dst = appendHead(dst, p.id, p.object(), p.created, p.req.model)
	dst = append(dst, `,"system_fingerprint":"fp_ollama","choices":[`...)
	switch {
	case e.kind == EventUsage:
		return append(o.appendUsage(append(dst, `],"usage":`...), p), '}')
	case p.req.endpoint == completions:
		text := ""
		if e.kind == EventToken {
			text = p.choices[0].shown(e)
		}
		dst = appendText(dst, `{"text":`, text)
		dst = append(dst, `,"index":0`...)
	default:
		dst = append(dst, `{"index":0,"delta":`...)
		dst = o.appendDelta(dst, p, e)
	}
	dst = append(dst, `,"finish_reason":`...)
	if e.kind == EventFinish {
		dst = appendString(dst, o.openReason(p))
	} else {
		dst = append(dst, "null"...)
	}
	if p.req.logprobs && e.kind == EventToken && p.req.endpoint == chat {
		dst = append(o.appendLogprobs(append(dst, `,"logprobs":{"content":`...), &p.choices[0], e.from, e.to), '}')
	}
	dst = append(dst, `}]`...)
	if p.req.endpoint == completions && p.req.includeUsage {
		dst = append(dst, `,"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`...)
	}
	return append(dst, '}')
}

// openReason is the reason in OpenAI's words.
func (o *ollama) openReason(p *plan) string {
	if p.req.tool != nil && p.choices[0].finish != "length" {
		return "tool_calls"
	}
	return o.reason(p)
}

func (o ollamaOpenAI) appendDelta(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventFinish {
		return append(dst, `{}`...)
	}
	dst = append(dst, '{')
	if e.from == 0 {
		dst = append(dst, `"role":"assistant",`...)
	}
	switch {
	case e.kind == EventError:
		return append(dst, `"content":""}`...)
	case e.part == partThinking:
		dst = appendText(dst, `"content":"","reasoning":`, p.choices[0].shown(e))
	case e.part == partTool:
		dst = o.appendCalls(append(dst, `"content":"",`...), p)
	default:
		dst = appendText(dst, `"content":`, p.choices[0].shown(e))
	}
	return append(dst, '}')
}

func (o ollamaOpenAI) appendCalls(dst []byte, p *plan) []byte {
	dst = append(dst, `"tool_calls":[{"id":"`+p.callID()+`","index":0,"type":"function","function":{"name":`...)
	dst = appendString(dst, p.req.tool.name)
	dst = appendText(dst, `,"arguments":`, p.arguments())
	return append(dst, `}}]`...)
}

func (o ollamaOpenAI) appendUsage(dst []byte, p *plan) []byte {
	prompt, completion := p.promptTokens(), p.completionTokens()
	dst = appendKey(dst, `{"prompt_tokens":`, prompt)
	dst = appendKey(dst, `,"completion_tokens":`, completion)
	return append(appendKey(dst, `,"total_tokens":`, prompt+completion), '}')
}

func (o ollamaOpenAI) appendBody(dst []byte, p *plan) []byte {
	c := &p.choices[0]
	reasoning, content := c.split(0, len(c.tokens))
	dst = appendHead(dst, p.id, p.object(), p.created, p.req.model)
	dst = append(dst, `,"system_fingerprint":"fp_ollama","choices":[`...)
	if p.req.endpoint == completions {
		dst = append(appendText(dst, `{"text":`, content), `,"index":0`...)
	} else {
		dst = append(dst, `{"index":0,"message":{"role":"assistant","content":`...)
		if p.req.tool != nil {
			dst = o.appendCalls(append(dst, `"",`...), p)
		} else {
			dst = appendString(dst, content)
		}
		if reasoning != "" {
			dst = appendText(dst, `,"reasoning":`, reasoning)
		}
		dst = append(dst, '}')
	}
	dst = appendText(dst, `,"finish_reason":`, o.openReason(p))
	dst = append(dst, `}],"usage":`...)
	return append(o.appendUsage(dst, p), "}\n"...)
}

// ollamaVectors is /v1/embeddings.
type ollamaVectors struct{ *ollama }

var _ headed = ollamaVectors{}

func (o ollamaVectors) head(*plan) (string, []header, bool) { return typeJSON, nil, true }

func (o ollamaVectors) appendBody(dst []byte, p *plan) []byte {
	dst = append(dst, `{"object":"list","data":`...)
	dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = appendVector(append(dst, `{"object":"embedding","embedding":`...), p.req, i)
		return append(appendKey(dst, `,"index":`, i), '}')
	})
	dst = appendText(dst, `,"model":`, p.req.model)
	return append(appendCounted(append(dst, `,"usage":`...), p), "}\n"...)
}

// messages is /v1/messages. The input tokens it begins with are an estimate.
func (o *ollama) messages() *anthropic {
	usage := func(dst []byte, p *plan) []byte {
		return append(appendAnthropicUsage(dst, p.promptTokens(), p.completionTokens()), '}')
	}
	return &anthropic{
		frames: framing{contentType: typePlain, head: headAtFirst},
		name:   o.identify, outputs: (*plan).tokenwise, errors: appendAnthropicError,
		indexFirst: true, modelFirst: true, packed: true, wholeTool: true,
		start: func(dst []byte, p *plan) []byte {
			estimate := max(len(p.req.prompts[0].text)/4, 1)
			return append(appendAnthropicUsage(dst, estimate, 0), '}')
		},
		delta: usage, body: usage,
	}
}
