package sim

// appendBody: everything vLLM knows is there, as null when it isn't.
func (v *vllm) appendBody(dst []byte, p *plan) []byte {
	dst = appendHead(dst, p.id, p.object(), p.created, p.req.model)
	dst = append(dst, `,"choices":[`...)
	for i := range p.choices {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = v.appendChoice(dst, p, i)
	}
	dst = append(dst, `],"service_tier":null,"system_fingerprint":"`+vllmFingerprint+`","usage":`...)
	dst = v.appendBodyUsage(dst, p, p.completionTokens())
	if p.req.endpoint == chat {
		dst = append(dst, `,"prompt_logprobs":null,"prompt_token_ids":`...)
		dst = append(v.appendPromptIDs(dst, p, emission{}, p.req.tokenIDs), `,"prompt_text":null`...)
	}
	dst = append(dst, `,"kv_transfer_params":null,"ec_transfer_params":null`...)
	if !v.tellsTimes(p) {
		return append(dst, `,"metrics":null}`...)
	}
	return append(v.appendMetrics(dst, p, true), '}')
}

func (v *vllm) appendChoice(dst []byte, p *plan, i int) []byte {
	c := &p.choices[i]
	dst = appendKey(dst, `{"index":`, i)
	whole := emission{choice: i, to: len(c.tokens), last: true}
	if p.req.endpoint == completions {
		dst = appendText(dst, `,"text":`, p.echoed(whole)+c.text(0, len(c.tokens)))
	} else {
		dst = append(dst, `,"message":{"role":"assistant","content":`...)
		dst = v.appendMessage(dst, p, i)
	}
	dst = append(v.appendFinish(dst, p, whole), `,"stop_reason":null,"token_ids":`...)
	dst = v.appendTokenIDs(dst, p, whole)
	if p.req.endpoint == completions {
		dst = append(dst, `,"prompt_logprobs":null,"prompt_token_ids":`...)
		dst = v.appendPromptIDs(dst, p, whole, p.req.tokenIDs)
	}
	return append(dst, `,"routed_experts":null}`...)
}

func (v *vllm) appendMessage(dst []byte, p *plan, i int) []byte {
	const nothing = `,"refusal":null,"annotations":null,"audio":null,"function_call":null`
	c := &p.choices[i]
	if p.req.tool != nil {
		dst = append(dst, `""`+nothing+`,"tool_calls":[{"id":"chatcmpl-tool-`+hexID(chain(hashString(p.id), uint64(i)))+`","type":"function","function":{"name":`...)
		dst = appendString(dst, p.req.tool.name)
		dst = append(dst, `,"arguments":`...)
		dst = appendString(dst, c.text(0, len(c.tokens)))
		return append(dst, `}}],"reasoning":null}`...)
	}
	reasoning, content := c.split(0, len(c.tokens))
	if reasoning != "" && content == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, content)
	}
	dst = append(dst, nothing+`,"reasoning":`...)
	return append(appendMaybe(dst, reasoning), '}')
}

func (v *vllm) appendBodyUsage(dst []byte, p *plan, completion int) []byte {
	dst = v.appendCounts(dst, p.promptTokens(), completion)
	dst = append(dst, `,"prompt_tokens_details":`...)
	switch {
	case !v.cfg.ReportCached || !p.req.generates():
		dst = append(dst, "null"...)
	default:
		dst = appendKey(dst, `{"cached_tokens":`, p.cached[0])
		if p.req.endpoint == chat {
			dst = appendKey(dst, `,"created_cache_tokens":`, v.created(p))
		} else {
			dst = append(dst, `,"created_cache_tokens":null`...)
		}
		dst = append(dst, `,"multimodal_tokens":null}`...)
	}
	if p.req.endpoint == chat {
		dst = v.appendReasoning(dst, p.reasoningTokens())
	} else {
		dst = append(dst, `,"completion_tokens_details":null`...)
	}
	return append(dst, '}')
}

// appendError: Anthropic's endpoint has Anthropic's errors.
func (v *vllm) appendError(dst []byte, ep endpoint, e *apiError) []byte {
	switch {
	case e.kind == noPath:
		return appendDetail(dst, e)
	case e.status == 401:
		return append(dst, `{"error":"Unauthorized"}`...)
	case ep == messages:
		return appendAnthropicError(dst, e)
	}
	dst = appendText(dst, `{"error":{"message":`, e.msg)
	dst = appendText(dst, `,"type":`, e.kind)
	dst = append(dst, `,"param":`...)
	dst = appendMaybe(dst, e.param)
	dst = appendKey(dst, `,"code":`, e.status)
	return append(dst, `}}`...)
}

// appendDetail is FastAPI's answer to a path, or a method, that it has not.
func appendDetail(dst []byte, e *apiError) []byte {
	if e.status == 405 {
		return append(dst, `{"detail":"Method Not Allowed"}`...)
	}
	return append(dst, `{"detail":"Not Found"}`...)
}

// queueFull: vLLM itself has no such limit; with one set, refuse by status.
func (v *vllm) queueFull(endpoint, bool) (*apiError, bool) {
	return &apiError{status: 503, kind: "ServiceUnavailableError", msg: "The simulated queue is full (--max-queued)."}, true
}
