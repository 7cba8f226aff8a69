package sim

import "strconv"

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
		dst = append(dst, `,"prompt_logprobs":null,"prompt_token_ids":null,"prompt_text":null`...)
	}
	return append(dst, `,"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}`...)
}

func (v *vllm) appendChoice(dst []byte, p *plan, i int) []byte {
	c := &p.choices[i]
	dst = appendKey(dst, `{"index":`, i)
	tail := `,"stop_reason":null,"token_ids":null,"routed_experts":null}`
	if p.req.endpoint == completions {
		dst = append(dst, `,"text":`...)
		dst = appendString(dst, c.text(0, len(c.tokens)))
		tail = `,"stop_reason":null,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null,"routed_experts":null}`
	} else {
		dst = append(dst, `,"message":{"role":"assistant","content":`...)
		dst = v.appendMessage(dst, p, i)
	}
	return v.appendFinish(dst, c, emission{last: true}, tail)
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
	case !v.cfg.ReportCached || p.req.endpoint == embeddings:
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

func (v *vllm) appendEmbeddings(dst []byte, p *plan) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, p.id)
	dst = append(dst, `,"object":"list","created":`...)
	dst = strconv.AppendInt(dst, p.created, 10)
	dst = append(dst, `,"model":`...)
	dst = appendString(dst, p.req.model)
	dst = append(dst, `,"data":[`...)
	for i := range p.req.prompts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendKey(dst, `{"index":`, i)
		dst = append(dst, `,"object":"embedding","embedding":`...)
		dst = append(appendVector(dst, p.req, i), '}')
	}
	dst = append(dst, `],"usage":`...)
	dst = v.appendBodyUsage(dst, p, 0)
	return append(dst, '}')
}

func (v *vllm) appendError(dst []byte, e *apiError) []byte {
	if e.status == 401 {
		return append(dst, `{"error":"Unauthorized"}`...)
	}
	dst = append(dst, `{"error":{"message":`...)
	dst = appendString(dst, e.msg)
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, e.kind)
	dst = append(dst, `,"param":`...)
	dst = appendMaybe(dst, e.param)
	dst = appendKey(dst, `,"code":`, e.status)
	return append(dst, `}}`...)
}

// appendStreamError has the shape of an error body.
func (v *vllm) appendStreamError(dst []byte, e *apiError) []byte { return v.appendError(dst, e) }

// queueFull: vLLM itself has no such limit; with one set, refuse by status.
func (v *vllm) queueFull(bool) (*apiError, bool) {
	return &apiError{status: 503, kind: "ServiceUnavailableError", msg: "The simulated queue is full (--max-queued)."}, true
}
