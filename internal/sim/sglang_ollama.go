package sim

// sglangOllama is SGLang's shim: its last line has no counts when streaming, and
// says nothing of the last token's text.
type sglangOllama struct{ *sglang }

var _ streamer = sglangOllama{}

func (s sglangOllama) framing(*request) framing {
	return framing{contentType: typeLines, lines: true, head: headAtOnce}
}

func (s sglangOllama) schedule(p *plan) []emission {
	out := p.outputs(s.ready, always)
	out[len(out)-1].kind = EventFinish
	return out
}

func (s sglangOllama) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return append(appendText(dst, `{"error":`, p.failure.msg), '}')
	}
	text := ""
	if !e.last {
		text = p.choices[0].text(e.from, e.to)
	}
	dst = s.appendLine(dst, p, e, text)
	if e.last {
		return append(dst, `true,"done_reason":"stop"}`...)
	}
	return append(dst, `false,"done_reason":null}`...)
}

func (s sglangOllama) appendLine(dst []byte, p *plan, e emission, text string) []byte {
	dst = appendText(dst, `{"model":`, s.cfg.Model)
	dst = appendText(dst, `,"created_at":`, ollamaTime(p.created, p.toldAt(&p.choices[0], e.to)))
	if p.req.endpoint == ollamaGenerate {
		dst = appendText(dst, `,"response":`, text)
	} else {
		dst = append(appendText(dst, `,"message":{"role":"assistant","content":`, text), `,"images":null}`...)
	}
	return append(dst, `,"done":`...)
}

func (s sglangOllama) appendBody(dst []byte, p *plan) []byte {
	c := &p.choices[0]
	dst = s.appendLine(dst, p, emission{to: len(c.tokens)}, c.text(0, len(c.tokens)))
	dst = appendKey(dst, `true,"done_reason":"stop","total_duration":`, int(p.queued+p.toldEnd(c)))
	dst = appendKey(dst, `,"prompt_eval_count":`, p.promptTokens())
	return append(appendKey(dst, `,"eval_count":`, len(c.tokens)), '}')
}
