package sim

func (s *sglang) appendBody(dst []byte, p *plan) []byte {
	dst = appendHead(dst, p.id, p.object(), p.created, p.req.model)
	dst = append(dst, `,"choices":[`...)
	for i := range p.choices {
		c := &p.choices[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendKey(dst, `{"index":`, i)
		if p.req.endpoint == completions {
			dst = appendText(dst, `,"text":`, p.echoed(emission{choice: i})+c.text(0, len(c.tokens)))
		} else {
			dst = append(dst, `,"message":{"role":"assistant","content":`...)
			dst = append(s.appendMessage(dst, p, i), '}')
		}
		dst = append(s.appendFinish(dst, c, true), '}')
	}
	dst = append(dst, `],"usage":`...)
	dst = s.appendUsage(dst, p.promptTokens(), p.completionTokens(), p.reasoningTokens(), s.reported(p), false)
	return append(dst, `,"metadata":{"weight_version":"default"}}`...)
}

func (s *sglang) appendMessage(dst []byte, p *plan, i int) []byte {
	c := &p.choices[i]
	if p.req.tool != nil {
		dst = append(dst, `null,"reasoning_content":null,"tool_calls":[{"id":"call_`+hexID(hashString(p.ids[i]))+`","index":0,"type":"function","function":{"name":`...)
		dst = appendString(dst, p.req.tool.name)
		dst = append(dst, `,"arguments":`...)
		dst = appendString(dst, c.text(0, len(c.tokens)))
		return append(dst, `}}]`...)
	}
	reasoning, content := c.split(0, len(c.tokens))
	dst = appendString(dst, content)
	dst = append(dst, `,"reasoning_content":`...)
	dst = appendMaybe(dst, reasoning)
	return append(dst, `,"tool_calls":null`...)
}

// appendError: the OpenAI endpoints' errors are flat, with no `error` around them.
func (s *sglang) appendError(dst []byte, ep endpoint, e *apiError) []byte {
	switch {
	case e.kind == noPath:
		return appendDetail(dst, e)
	case e.status == 401:
		return append(dst, `{"error":"Unauthorized"}`...)
	case ep == messages:
		return appendAnthropicError(dst, e)
	case ep == generate:
		return append(appendText(dst, `{"error":{"message":`, e.msg), `}}`...)
	case ep == responses:
		return append(s.appendFlat(append(dst, `{"error":`...), e), '}')
	default:
		return s.appendFlat(dst, e)
	}
}

func (s *sglang) appendFlat(dst []byte, e *apiError) []byte {
	dst = appendText(dst, `{"object":"error","message":`, e.msg)
	dst = appendText(dst, `,"type":`, e.kind)
	dst = append(dst, `,"param":`...)
	dst = appendMaybe(dst, e.param)
	return append(appendKey(dst, `,"code":`, e.status), '}')
}

// queueFull: a real 503, but inside a 200 when streaming.
func (s *sglang) queueFull(_ endpoint, stream bool) (*apiError, bool) {
	return &apiError{status: 503, kind: "SERVICE_UNAVAILABLE", msg: "The request queue is full."}, !stream
}
