package sim

// anthropic is /v1/messages. The engines agree on the order of events, and on
// little else.
type anthropic struct {
	frames  framing
	name    func(p *plan, key uint64)
	outputs func(p *plan) []emission
	errors  func(dst []byte, e *apiError) []byte

	indexFirst bool // `index` comes before what it is the index of
	modelFirst bool // `model` comes before `content`
	packed     bool // the events of one engine step leave in one write
	signed     bool // thinking ends with a signature
	nulls      bool // what is not known yet is null rather than absent
	wholeTool  bool // a tool's arguments come in one event
	noInput    bool // a tool's block begins without `input`
	tidy       bool // an error closes what is open
	withFirst  bool // message_start comes with the first token, if that shows anything
	late       bool // blocks are closed at the end, all of them

	// start, delta and body are `usage` of message_start, message_delta and a body.
	start, delta, body func(dst []byte, p *plan) []byte
}

var _ streamer = (*anthropic)(nil)

func (a *anthropic) framing(*request) framing     { return a.frames }
func (a *anthropic) identify(p *plan, key uint64) { a.name(p, key) }
func (p *plan) frameEvent(name string, of part) emission {
	return emission{at: p.end(), kind: EventFrame, name: name, part: of}
}

func (a *anthropic) schedule(p *plan) []emission {
	pieces := p.parts(a.outputs(p))
	if a.wholeTool && p.req.tool != nil {
		pieces = []emission{{at: p.end(), kind: EventToken, part: partTool, to: p.choices[0].spoken()}}
	}
	out := []emission{{at: p.end(), kind: EventFrame, name: "message_start"}}
	switch {
	case len(pieces) > 0 && (!a.withFirst || pieces[0].to == 1):
		out = with(pieces[0], out...)
	case a.withFirst:
		out = nil
	}
	open, left := noPart, []emission(nil)
	for _, e := range pieces {
		if e.part != open {
			if a.late {
				left = append(left, a.closing(p, open)...)
			} else {
				out = append(out, with(e, a.closing(p, open)...)...)
			}
			out = append(out, with(e, p.frameEvent("content_block_start", e.part))...)
			open = e.part
		}
		e.name, e.from = "content_block_delta", told(out)
		if p.choices[0].shown(e) != "" {
			out = append(out, e)
		} // else it is a tool's name, which the block's start tells
	}
	body := len(out)
	out = append(append(out, left...), a.closing(p, open)...)
	out = append(out, emission{at: p.end(), kind: EventFinish, name: "message_delta", from: told(out), to: len(p.choices[0].tokens), last: true})
	out = append(out, emission{at: p.end(), kind: EventDone, name: "message_stop"})
	if a.packed {
		pack(out[:body])
		pack(out[body:])
	}
	return out
}

// told is how many tokens the events tell of.
func told(events []emission) (n int) {
	for _, e := range events {
		n = max(n, e.to)
	}
	return n
}

func (a *anthropic) closing(p *plan, open part) []emission {
	switch {
	case open == noPart:
		return nil
	case open == partThinking && a.signed:
		return []emission{p.frameEvent("content_block_delta", open), p.frameEvent("content_block_stop", open)}
	default:
		return []emission{p.frameEvent("content_block_stop", open)}
	}
}

func (a *anthropic) failing(p *plan, told []emission) []emission {
	fail := emission{kind: EventError, name: "error"}
	if !a.tidy {
		return []emission{fail}
	}
	var out []emission
	if len(told) == 0 {
		out = append(out, emission{kind: EventFrame, name: "message_start"})
	}
	open := noPart
	for _, e := range told {
		switch e.name {
		case "content_block_start":
			open = e.part
		case "content_block_stop":
			open = noPart
		}
	}
	if open != noPart {
		out = append(out, emission{kind: EventFrame, name: "content_block_stop", part: open})
	}
	return append(out, fail, emission{kind: EventDone, name: "message_stop"})
}

func (a *anthropic) appendEvent(dst []byte, p *plan, e emission) []byte {
	switch e.name {
	case "error":
		return a.errors(dst, p.failure)
	case "message_start":
		dst = append(dst, `{"type":"message_start","message":`...)
		return append(a.appendMessage(dst, p, true), '}')
	case "message_delta":
		dst = append(dst, `{"type":"message_delta","delta":`...)
		dst = append(a.appendReason(dst, p, `{`), `},"usage":`...)
		return append(a.delta(dst, p), '}')
	case "message_stop":
		return append(dst, `{"type":"message_stop"}`...)
	}
	dst = append(dst, `{"type":"`+e.name+`"`...)
	if a.indexFirst || e.name == "content_block_stop" {
		dst = appendKey(dst, `,"index":`, p.indexOf(e.part))
	}
	switch e.name {
	case "content_block_start":
		dst = a.appendBlock(append(dst, `,"content_block":`...), p, e.part, false)
	case "content_block_delta":
		dst = a.appendDelta(append(dst, `,"delta":`...), p, e)
	}
	if !a.indexFirst && e.name != "content_block_stop" {
		dst = appendKey(dst, `,"index":`, p.indexOf(e.part))
	}
	return append(dst, '}')
}

func (a *anthropic) appendDelta(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventFrame {
		return append(dst, `{"type":"signature_delta","signature":""}`...)
	}
	keys := map[part]string{
		partText:     `{"type":"text_delta","text":`,
		partThinking: `{"type":"thinking_delta","thinking":`,
		partTool:     `{"type":"input_json_delta","partial_json":`,
	}
	return append(appendText(dst, keys[e.part], p.choices[0].shown(e)), '}')
}

// appendBlock appends a block, with what is in it or as it begins.
func (a *anthropic) appendBlock(dst []byte, p *plan, of part, full bool) []byte {
	text := ""
	if full {
		text = p.choices[0].whole(of)
	}
	switch of {
	case partThinking:
		dst = appendText(dst, `{"type":"thinking","thinking":`, text)
		if full && a.signed {
			dst = append(dst, `,"signature":""`...)
		}
	case partTool:
		dst = appendText(dst, `{"type":"tool_use","id":`, p.callID())
		dst = appendText(dst, `,"name":`, p.req.tool.name)
		if !full && a.noInput {
			break
		}
		dst = append(dst, `,"input":`...)
		if full && p.choices[0].finish != "length" && p.choices[0].finish != "abort" {
			dst = append(dst, text...) // a whole call is JSON
		} else {
			dst = append(dst, `{}`...)
		}
	default:
		dst = appendText(dst, `{"type":"text","text":`, text)
	}
	return append(dst, '}')
}

// appendReason appends the reason for the end, after open.
func (a *anthropic) appendReason(dst []byte, p *plan, open string) []byte {
	reasons := map[string]string{"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
	reason := reasons[p.choices[0].finish]
	if reason == "" {
		reason = "end_turn" // there is no word for an abort
	}
	if p.req.tool != nil && reason == "end_turn" {
		reason = "tool_use"
	}
	dst = append(dst, open+`"stop_reason":"`+reason+`"`...)
	if a.nulls {
		dst = append(dst, `,"stop_sequence":null`...)
	}
	return dst
}

// appendMessage appends a message, whole or as it begins.
func (a *anthropic) appendMessage(dst []byte, p *plan, begins bool) []byte {
	dst = appendText(dst, `{"id":`, p.id)
	dst = append(dst, `,"type":"message","role":"assistant"`...)
	if a.modelFirst {
		dst = appendText(dst, `,"model":`, p.req.model)
	}
	dst = append(dst, `,"content":`...)
	blocks := p.present()
	if begins {
		blocks = nil
	}
	dst = appendList(dst, len(blocks), func(dst []byte, i int) []byte { return a.appendBlock(dst, p, blocks[i], true) })
	if !a.modelFirst {
		dst = appendText(dst, `,"model":`, p.req.model)
	}
	switch {
	case !begins:
		dst = a.appendReason(dst, p, `,`)
		dst = append(dst, `,"usage":`...)
		return append(a.body(dst, p), '}')
	case a.nulls:
		dst = append(dst, `,"stop_reason":null,"stop_sequence":null`...)
	}
	dst = append(dst, `,"usage":`...)
	return append(a.start(dst, p), '}')
}

func (a *anthropic) appendBody(dst []byte, p *plan) []byte { return a.appendMessage(dst, p, false) }

// appendAnthropicError is an error as Anthropic tells it.
func appendAnthropicError(dst []byte, e *apiError) []byte {
	kinds := []struct {
		status int
		kind   string
	}{{400, "invalid_request_error"}, {401, "authentication_error"}, {403, "permission_error"}, {404, "not_found_error"}, {429, "rate_limit_error"}, {503, "overloaded_error"}}
	kind := "internal_error"
	for _, k := range kinds {
		if k.status == e.status {
			kind = k.kind
		}
	}
	dst = append(dst, `{"type":"error","error":{"type":"`+kind+`","message":`...)
	return append(appendString(dst, e.msg), `}}`...)
}

// appendAnthropicUsage appends input and output tokens.
func appendAnthropicUsage(dst []byte, input, output int) []byte {
	dst = appendKey(dst, `{"input_tokens":`, input)
	return appendKey(dst, `,"output_tokens":`, output)
}

// cachedTokens is what all prompts found in the cache.
func (p *plan) cachedTokens() (n int) {
	for _, c := range p.cached {
		n += c
	}
	return n
}
