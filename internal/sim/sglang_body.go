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
			dst = append(dst, `,"text":`...)
			dst = appendString(dst, c.text(0, len(c.tokens)))
		} else {
			dst = append(dst, `,"message":{"role":"assistant","content":`...)
			dst = append(s.appendMessage(dst, p, i), '}')
		}
		dst = append(s.appendFinish(dst, c, true), '}')
	}
	dst = append(dst, `],"usage":`...)
	dst = s.appendUsage(dst, p, p.promptTokens(), p.completionTokens(), p.reasoningTokens(), s.reported(p), false)
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

func (s *sglang) appendEmbeddings(dst []byte, p *plan) []byte {
	dst = append(dst, `{"data":[`...)
	for i := range p.req.prompts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"embedding":`...)
		dst = appendVector(dst, p.req, i)
		dst = appendKey(dst, `,"index":`, i)
		dst = append(dst, `,"object":"embedding"}`...)
	}
	dst = append(dst, `],"model":`...)
	dst = appendString(dst, p.req.model)
	dst = append(dst, `,"object":"list","usage":`...)
	dst = s.appendUsage(dst, p, p.promptTokens(), 0, 0, 0, false)
	return append(dst, '}')
}

// appendError is flat: no `error` around it.
func (s *sglang) appendError(dst []byte, e *apiError) []byte {
	if e.status == 401 {
		return append(dst, `{"error":"Unauthorized"}`...)
	}
	dst = append(dst, `{"object":"error","message":`...)
	dst = appendString(dst, e.msg)
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, e.kind)
	dst = append(dst, `,"param":`...)
	dst = appendMaybe(dst, e.param)
	dst = appendKey(dst, `,"code":`, e.status)
	return append(dst, '}')
}

// appendStreamError wraps the flat error, as only streams do.
func (s *sglang) appendStreamError(dst []byte, e *apiError) []byte {
	dst = append(dst, `{"error":`...)
	return append(s.appendError(dst, e), '}')
}

// queueFull: a real 503, but inside a 200 when streaming.
func (s *sglang) queueFull(stream bool) (*apiError, bool) {
	return &apiError{status: 503, kind: "SERVICE_UNAVAILABLE", msg: "The request queue is full."}, !stream
}
