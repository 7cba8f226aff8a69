package sim

// llamaResponses is /v1/responses as llama.cpp has it: events without numbers, and
// the items closed together at the end.
type llamaResponses struct{ *llamacpp }

var _ streamer = llamaResponses{}

func (l llamaResponses) framing(*request) framing { return l.named() }

func (l llamaResponses) schedule(p *plan) []emission {
	pieces := p.parts(p.tokenwise())
	var out []emission
	if len(pieces) > 0 && pieces[0].to == 1 { // it begins with the first token, if that shows anything
		out = with(pieces[0], responsePrelude()...)
	}
	open := noPart
	for _, e := range pieces {
		_, name, _ := responseFrames(e.part)
		if e.part != open {
			out = append(out, with(e, p.frameEvent("response.output_item.added", e.part))...)
			if e.part == partText {
				out = append(out, with(e, p.frameEvent("response.content_part.added", e.part))...)
			}
			open = e.part
		}
		e.name, e.from = name, told(out)
		if p.choices[0].shown(e) != "" {
			out = append(out, e)
		}
	}
	body := len(out)
	for _, of := range p.present() {
		if of == partText {
			out = append(out, p.frameEvent("response.output_text.done", of), p.frameEvent("response.content_part.done", of))
		}
		out = append(out, p.frameEvent("response.output_item.done", of))
	}
	out = append(out, emission{at: p.end(), kind: EventUsage, name: "response.completed", from: told(out), to: len(p.choices[0].tokens), last: true})
	pack(out[:body])
	pack(out[body:])
	return out
}

func (l llamaResponses) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return l.appendError(dst, p.req.endpoint, p.failure)
	}
	c := &p.choices[0]
	dst = append(dst, `{"type":"`+e.name+`"`...)
	switch e.name {
	case "response.created", "response.in_progress":
		dst = appendText(dst, `,"response":{"id":`, p.id)
		dst = append(dst, `,"object":"response","status":"in_progress"}`...)
	case "response.completed":
		dst = appendText(dst, `,"response":{"id":`, p.id)
		dst = appendKey(dst, `,"object":"response","created_at":`, int(p.created))
		dst = appendText(dst, `,"status":"completed","model":`, p.req.model)
		dst = append(l.appendOutput(dst, p), '}')
	case "response.output_item.added", "response.output_item.done":
		dst = l.appendItem(append(dst, `,"item":`...), p, e.part, e.name == "response.output_item.done")
	case "response.content_part.added":
		dst = appendText(dst, `,"item_id":`, p.itemID(e.part))
		dst = append(dst, `,"part":{"type":"output_text","text":""}`...)
	case "response.content_part.done":
		dst = appendText(dst, `,"item_id":`, p.itemID(e.part))
		dst = appendText(dst, `,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":`, c.whole(e.part))
		dst = append(dst, '}')
	case "response.output_text.done":
		dst = appendText(dst, `,"item_id":`, p.itemID(e.part))
		dst = appendText(dst, `,"text":`, c.whole(e.part))
	case "response.output_text.delta":
		dst = appendText(dst, `,"item_id":`, p.itemID(e.part))
		dst = appendText(dst, `,"delta":`, c.shown(e))
	default: // of reasoning, or of a call
		dst = appendText(dst, `,"delta":`, c.shown(e))
		dst = appendText(dst, `,"item_id":`, p.itemID(e.part))
	}
	return append(dst, '}')
}

// appendOutput appends the output and the usage.
func (l llamaResponses) appendOutput(dst []byte, p *plan) []byte {
	items := p.present()
	dst = append(dst, `,"output":`...)
	dst = appendList(dst, len(items), func(dst []byte, i int) []byte { return l.appendItem(dst, p, items[i], true) })
	prompt, completion := p.promptTokens(), p.completionTokens()
	dst = appendKey(dst, `,"usage":{"input_tokens":`, prompt)
	dst = appendKey(dst, `,"output_tokens":`, completion)
	dst = appendKey(dst, `,"total_tokens":`, prompt+completion)
	return append(appendKey(dst, `,"input_tokens_details":{"cached_tokens":`, p.cachedTokens()), `}}`...)
}

func (l llamaResponses) appendItem(dst []byte, p *plan, of part, done bool) []byte {
	status, text := `"in_progress"`, ""
	if done {
		status, text = `"completed"`, p.choices[0].whole(of)
	}
	switch of {
	case partThinking:
		dst = appendText(dst, `{"id":`, p.itemID(of))
		dst = append(dst, `,"summary":[],"type":"reasoning","content":[`...)
		if done {
			dst = append(appendText(dst, `{"text":`, text), `,"type":"reasoning_text"}`...)
		}
		return append(dst, `],"encrypted_content":"","status":`+status+`}`...)
	case partTool:
		dst = appendText(dst, `{"arguments":`, text)
		dst = appendText(dst, `,"call_id":`, p.itemID(of))
		dst = appendText(dst, `,"name":`, p.req.tool.name)
		return append(dst, `,"type":"function_call","status":`+status+`}`...)
	}
	dst = append(dst, `{"content":[`...)
	if done {
		dst = append(appendText(dst, `{"type":"output_text","annotations":[],"logprobs":[],"text":`, text), '}')
	}
	dst = appendText(dst, `],"id":`, p.itemID(of))
	return append(dst, `,"role":"assistant","status":`+status+`,"type":"message"}`...)
}

func (l llamaResponses) appendBody(dst []byte, p *plan) []byte {
	dst = appendKey(dst, `{"completed_at":`, int(p.created))
	dst = appendKey(dst, `,"created_at":`, int(p.created))
	dst = appendText(dst, `,"id":`, p.id)
	dst = appendText(dst, `,"model":`, p.req.model)
	dst = append(dst, `,"object":"response","status":"completed"`...)
	return append(l.appendOutput(dst, p), '}')
}
