package sim

// llamaNative is llama.cpp's own /completion.
type llamaNative struct{ *llamacpp }

var _ streamer = llamaNative{}

func (l llamaNative) framing(*request) framing { return l.named() }

func (l llamaNative) schedule(p *plan) []emission {
	out := l.llamacpp.schedule(p)
	kept := out[:0]
	for _, e := range out {
		if e.kind != EventRole && e.kind != EventUsage {
			e.joined = false
			kept = append(kept, e)
		}
	}
	return kept
}

func (l llamaNative) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return l.appendError(dst, p.req.endpoint, p.failure)
	}
	if e.kind == EventFinish {
		return l.appendFinal(dst, p, e)
	}
	c := &p.choices[e.choice]
	dst = appendKey(dst, `{"index":`, e.choice)
	if e.kind == EventWait {
		dst = append(dst, `,"content":"","tokens":[]`...)
	} else {
		dst = appendText(dst, `,"content":`, c.text(e.from, e.to))
		dst = c.appendTokenIDs(append(dst, `,"tokens":`...), e.to-1, e.to) // its own last id alone
	}
	dst = appendKey(dst, `,"stop":false,"id_slot":-1,"tokens_predicted":`, e.to)
	dst = appendKey(dst, `,"tokens_evaluated":`, len(p.req.prompts[c.prompt].ids))
	switch {
	case e.kind == EventWait:
		dst = l.appendProgress(dst, p, e)
	case p.req.timings:
		dst = l.appendTimings(dst, p, c, e.to)
	}
	return append(dst, '}')
}

// appendFinal is the last event of a choice, or its body.
func (l llamaNative) appendFinal(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[e.choice]
	prompt, content := p.req.prompts[c.prompt], ""
	dst = appendKey(dst, `{"index":`, e.choice)
	if !p.req.stream {
		content = c.text(0, len(c.tokens))
	}
	dst = appendText(dst, `,"content":`, content)
	dst = append(dst, `,"tokens":[]`...)
	dst = appendKey(dst, `,"id_slot":`, e.choice)
	dst = appendText(dst, `,"stop":true,"model":`, p.req.model)
	dst = appendKey(dst, `,"tokens_predicted":`, len(c.tokens))
	dst = appendKey(dst, `,"tokens_evaluated":`, len(prompt.ids))
	dst = appendText(dst, `,"generation_settings":`+llamaSettings+`,"prompt":`, prompt.text)
	stop := map[string]string{"length": "limit", "stop": "eos"}[c.finish]
	if stop == "" {
		stop = "none"
	}
	dst = append(dst, `,"has_new_line":false,"truncated":false,"stop_type":"`+stop+`","stopping_word":""`...)
	dst = appendKey(dst, `,"tokens_cached":`, len(prompt.ids)+max(len(c.tokens)-1, 0))
	return append(l.appendTimings(dst, p, c, len(c.tokens)), '}')
}

func (l llamaNative) appendBody(dst []byte, p *plan) []byte {
	if !p.req.several() {
		return l.appendFinal(dst, p, emission{})
	}
	return appendList(dst, len(p.choices), func(dst []byte, i int) []byte { return l.appendFinal(dst, p, emission{choice: i}) })
}

// messages is /v1/messages.
func (l *llamacpp) messages() *anthropic {
	usage := func(dst []byte, p *plan, output int) []byte {
		dst = appendKey(dst, `{"cache_read_input_tokens":`, p.cachedTokens())
		dst = appendKey(dst, `,"input_tokens":`, p.promptTokens()-p.cachedTokens())
		return append(appendKey(dst, `,"output_tokens":`, output), '}')
	}
	return &anthropic{
		frames: l.named(), name: l.identify, outputs: (*plan).tokenwise, errors: l.appendBareError,
		indexFirst: true, nulls: true, signed: true, packed: true, noInput: true, late: true, withFirst: true,
		start: func(dst []byte, p *plan) []byte { return usage(dst, p, 0) },
		delta: func(dst []byte, p *plan) []byte {
			return append(appendKey(dst, `{"output_tokens":`, p.completionTokens()), '}')
		},
		body: func(dst []byte, p *plan) []byte { return usage(dst, p, p.completionTokens()) },
	}
}

// llamaPooling is what generates nothing, as OpenAI and Jina have it.
type llamaPooling struct{ *llamacpp }

func (l llamaPooling) appendBody(dst []byte, p *plan) []byte {
	if p.req.bare { // as text-embeddings-inference has it: a list, and no usage
		return appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
			return append(appendScore(appendKey(dst, `{"index":`, i), `,"score":`, p.req, i), '}')
		})
	}
	dst = appendText(dst, `{"model":`, p.req.model)
	dst = appendCounted(append(dst, `,"object":"list","usage":`...), p)
	if p.req.endpoint == rerank {
		dst = appendList(append(dst, `,"results":`...), len(p.req.prompts), func(dst []byte, i int) []byte {
			return append(appendScore(appendKey(dst, `{"index":`, i), `,"relevance_score":`, p.req, i), '}')
		})
		return append(dst, '}')
	}
	dst = appendList(append(dst, `,"data":`...), len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = appendVector(append(dst, `{"embedding":`...), p.req, i)
		return append(appendKey(dst, `,"index":`, i), `,"object":"embedding"}`...)
	})
	return append(dst, '}')
}

// llamaVectors is llama.cpp's own /embedding: a list, and no usage.
type llamaVectors struct{ *llamacpp }

func (l llamaVectors) appendBody(dst []byte, p *plan) []byte {
	return appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = append(appendKey(dst, `{"index":`, i), `,"embedding":[`...)
		return append(appendNumbers(dst, vector(p.req, i)), `]}`...)
	})
}
