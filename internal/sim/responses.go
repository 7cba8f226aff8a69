package sim

// openResponses is /v1/responses as vLLM and SGLang stream it, with the objects
// of OpenAI's own library. They end with response.completed whatever happened.
type openResponses struct {
	frames framing
	name   func(p *plan, key uint64)
	ready  func(sent, made int) bool

	truthful bool // an answer cut off by its length has the status incomplete
	full     bool // the response object has everything vLLM knows
	errors   func(dst []byte, p *plan) []byte
	metrics  func(dst []byte, p *plan) []byte // appends what is told of the request's times; nil: nothing
}

var _ streamer = (*openResponses)(nil)

func (o *openResponses) framing(*request) framing {
	f := o.frames
	f.prelude = responsePrelude()
	return f
}

func (o *openResponses) identify(p *plan, key uint64) { o.name(p, key) }

func (o *openResponses) failing(*plan, []emission) []emission {
	if o.errors == nil {
		return nil
	}
	return []emission{{kind: EventError, name: "response.failed"}}
}

// responseFrames are the events around the pieces of a part: before, for one
// piece, and after.
func responseFrames(of part) (before []string, piece string, after []string) {
	switch of {
	case partThinking:
		return []string{"response.output_item.added", "response.reasoning_part.added"}, "response.reasoning_text.delta",
			[]string{"response.reasoning_text.done", "response.reasoning_part.done", "response.output_item.done"}
	case partTool:
		return []string{"response.output_item.added"}, "response.function_call_arguments.delta",
			[]string{"response.function_call_arguments.done", "response.output_item.done"}
	default:
		return []string{"response.output_item.added", "response.content_part.added"}, "response.output_text.delta",
			[]string{"response.output_text.done", "response.content_part.done", "response.output_item.done"}
	}
}

// responsePrelude leaves before prefill.
func responsePrelude() []emission {
	return []emission{{kind: EventFrame, name: "response.created"}, {kind: EventFrame, name: "response.in_progress", seq: 1}}
}

func (o *openResponses) schedule(p *plan) []emission {
	out := responsePrelude()
	open, after := noPart, []string(nil)
	shut := func(e emission) {
		for _, name := range after {
			out = append(out, emission{at: e.at, kind: EventFrame, name: name, part: open})
		}
	}
	for _, e := range p.parts(p.outputs(o.ready, always)) {
		before, name, then := responseFrames(e.part)
		if e.part != open {
			shut(e)
			for _, b := range before {
				out = append(out, emission{at: e.at, kind: EventFrame, name: b, part: e.part})
			}
			open, after = e.part, then
		}
		e.name, e.from = name, told(out)
		if p.choices[0].shown(e) != "" {
			out = append(out, e)
		}
	}
	end := emission{at: p.end()}
	shut(end)
	out = append(out, emission{at: end.at, kind: EventUsage, name: "response.completed", from: told(out), to: len(p.choices[0].tokens), last: true})
	for i := range out {
		out[i].seq = i
	}
	return out
}

func (o *openResponses) appendEvent(dst []byte, p *plan, e emission) []byte {
	switch e.name {
	case "response.failed":
		return o.errors(dst, p)
	case "response.created", "response.in_progress":
		dst = append(dst, `{"response":`...)
		dst = o.appendResponse(dst, p, "in_progress")
	case "response.completed":
		dst = append(dst, `{"response":`...)
		dst = o.appendResponse(dst, p, o.status(p))
	case "response.output_item.added", "response.output_item.done":
		dst = append(dst, `{"item":`...)
		dst = o.appendItem(dst, p, e.part, e.name == "response.output_item.done")
		dst = appendKey(dst, `,"output_index":`, p.indexOf(e.part))
	default:
		dst = o.appendPiece(dst, p, e)
	}
	dst = appendKey(dst, `,"sequence_number":`, e.seq)
	if e.name == "response.output_text.done" || e.name == "response.reasoning_text.done" {
		dst = appendText(dst, `,"text":`, p.choices[0].whole(e.part))
	}
	return append(dst, `,"type":"`+e.name+`"}`...)
}

// appendPiece appends a piece of a part, or all of its text.
func (o *openResponses) appendPiece(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[0]
	index := `,"output_index":`
	switch e.name {
	case "response.output_text.delta", "response.reasoning_text.delta", "response.function_call_arguments.delta":
		dst = append(dst, '{')
		if e.part != partTool {
			dst = append(dst, `"content_index":0,`...)
		}
		dst = appendText(dst, `"delta":`, c.shown(e))
		dst = appendText(dst, `,"item_id":`, p.itemID(e.part))
		if e.part == partText {
			dst = append(dst, `,"logprobs":[]`...)
		}
		return appendKey(dst, index, p.indexOf(e.part))
	case "response.function_call_arguments.done":
		dst = appendText(dst, `{"arguments":`, c.whole(partTool))
		dst = appendText(dst, `,"item_id":`, p.itemID(e.part))
		dst = appendText(dst, `,"name":`, p.req.tool.name)
		return appendKey(dst, index, p.indexOf(e.part))
	case "response.output_text.done", "response.reasoning_text.done":
		dst = appendText(dst, `{"content_index":0,"item_id":`, p.itemID(e.part))
		if e.part == partText {
			dst = append(dst, `,"logprobs":[]`...)
		}
		return appendKey(dst, index, p.indexOf(e.part))
	}
	dst = appendText(dst, `{"content_index":0,"item_id":`, p.itemID(e.part)) // a content or reasoning part
	dst = appendKey(dst, index, p.indexOf(e.part))
	done := e.name == "response.content_part.done" || e.name == "response.reasoning_part.done"
	return o.appendContent(append(dst, `,"part":`...), p, e.part, done)
}

func (p *plan) itemID(of part) string {
	prefix := map[part]string{partText: "msg_", partThinking: "rs_", partTool: "fc_"}[of]
	return prefix + hexID(chain(hashString(p.id), uint64(of)))
}

// appendContent appends what an item holds, whole or as it begins.
func (o *openResponses) appendContent(dst []byte, p *plan, of part, done bool) []byte {
	text, logprobs := "", "[]"
	if done {
		text, logprobs = p.choices[0].whole(of), "null"
	}
	if of == partThinking {
		return append(appendText(dst, `{"text":`, text), `,"type":"reasoning_text"}`...)
	}
	dst = appendText(dst, `{"annotations":[],"text":`, text)
	return append(dst, `,"type":"output_text","logprobs":`+logprobs+`}`...)
}

// appendItem appends an item of the output, whole or as it begins.
func (o *openResponses) appendItem(dst []byte, p *plan, of part, done bool) []byte {
	status := `"in_progress"`
	if done {
		status = `"completed"`
	}
	if of == partTool {
		arguments := ""
		if done {
			arguments = p.choices[0].whole(of)
		}
		dst = appendText(dst, `{"arguments":`, arguments)
		dst = appendText(dst, `,"call_id":`, p.callID())
		dst = appendText(dst, `,"name":`, p.req.tool.name)
		dst = appendText(dst, `,"type":"function_call","id":`, p.itemID(of))
		return append(dst, `,"status":`+status+`}`...)
	}
	dst = appendText(dst, `{"id":`, p.itemID(of))
	if of == partThinking {
		dst = append(dst, `,"summary":[],"type":"reasoning","content":`...)
		if done {
			dst = append(o.appendContent(append(dst, '['), p, of, true), ']')
		} else {
			dst = append(dst, "null"...)
		}
		return append(dst, `,"encrypted_content":null,"status":`+status+`}`...)
	}
	dst = append(dst, `,"content":[`...)
	if done {
		dst = o.appendContent(dst, p, of, true)
	}
	return append(dst, `],"role":"assistant","status":`+status+`,"type":"message","phase":null}`...)
}

func (o *openResponses) status(p *plan) string {
	if o.truthful && p.choices[0].finish == "length" {
		return "incomplete"
	}
	return "completed"
}

func (o *openResponses) appendBody(dst []byte, p *plan) []byte {
	return o.appendResponse(dst, p, o.status(p))
}

func (o *openResponses) appendResponse(dst []byte, p *plan, status string) []byte {
	dst = appendText(dst, `{"id":`, p.id)
	dst = appendKey(dst, `,"created_at":`, int(p.created))
	switch status {
	case "incomplete":
		dst = append(dst, `,"incomplete_details":{"reason":"max_output_tokens"}`...)
	default:
		dst = append(dst, `,"incomplete_details":null`...)
	}
	dst = appendText(dst, `,"instructions":null,"metadata":null,"model":`, p.req.model)
	dst = append(dst, `,"object":"response","output":`...)
	items := p.present()
	if status == "in_progress" {
		items = nil
	}
	dst = appendList(dst, len(items), func(dst []byte, i int) []byte { return o.appendItem(dst, p, items[i], true) })
	dst = append(dst, `,"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"none","tools":[],"top_p":1.0,"background":false,"max_output_tokens":`...)
	if p.req.maxTokens > 0 {
		dst = appendKey(dst, "", p.req.maxTokens)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"max_tool_calls":null,"previous_response_id":null,"prompt":null,"reasoning":null,"service_tier":"auto","status":"`+status+
		`","text":null,"top_logprobs":null,"truncation":"disabled","usage":`...)
	if status == "in_progress" {
		dst = append(dst, "null"...)
	} else {
		dst = o.appendUsage(dst, p)
	}
	dst = append(dst, `,"user":null`...)
	if o.metrics != nil && status != "in_progress" {
		dst = o.metrics(dst, p)
	}
	if o.full {
		dst = append(dst, `,"presence_penalty":0.0,"frequency_penalty":0.0,"kv_transfer_params":null,"ec_transfer_params":null,"input_messages":null,"output_messages":null`...)
	}
	return append(dst, '}')
}

func (o *openResponses) appendUsage(dst []byte, p *plan) []byte {
	prompt, completion := p.promptTokens(), p.completionTokens()
	dst = appendKey(dst, `{"input_tokens":`, prompt)
	dst = appendKey(dst, `,"input_tokens_details":{"cached_tokens":`, p.cachedTokens())
	if o.full {
		dst = append(dst, `,"cache_write_tokens":0,"input_tokens_per_turn":[],"cached_tokens_per_turn":[]`...)
	}
	dst = appendKey(dst, `},"output_tokens":`, completion)
	dst = appendKey(dst, `,"output_tokens_details":{"reasoning_tokens":`, p.reasoningTokens())
	if o.full {
		dst = append(dst, `,"tool_output_tokens":0,"output_tokens_per_turn":[],"tool_output_tokens_per_turn":[]`...)
	}
	return append(appendKey(dst, `},"total_tokens":`, prompt+completion), '}')
}
