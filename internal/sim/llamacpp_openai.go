package sim

import "strconv"

// framing: the head leaves when a slot begins with the prompt.
func (l *llamacpp) framing(*request) framing {
	f := l.named()
	f.done = "[DONE]"
	return f
}

// named frames the streams that end without [DONE].
func (l *llamacpp) named() framing {
	return framing{contentType: typePlain, headers: []header{{"X-Accel-Buffering", "no"}}, quietError: true, head: headAtSlot}
}

func (l *llamacpp) identify(p *plan, key uint64) {
	p.id = "chatcmpl-" + hexID(key) + hexID(mix(key))
	if p.req.endpoint == responses {
		p.id = "resp_" + hexID(key) + hexID(mix(key))
	}
}

func (l *llamacpp) failing(*plan, []emission) []emission { return []emission{{kind: EventError}} }

// schedule: the role in one write with the first token, if that shows anything, and
// the end of a choice in one write with its usage. Each choice ends for itself.
func (l *llamacpp) schedule(p *plan) []emission {
	var out []emission
	if p.req.progress {
		out = l.progress(p)
	}
	sent, tokens := make([]int, len(p.choices)), p.tokenwise()
	for k, at := range p.times {
		for i := range p.choices {
			c := &p.choices[i]
			for len(tokens) > 0 && tokens[0].step == k && tokens[0].choice == i {
				out = append(out, l.output(p, tokens[0])...)
				sent[i], tokens = tokens[0].to, tokens[1:]
			}
			if k == len(c.steps)-1 {
				out = append(out, l.ending(p, emission{at: at, choice: i, from: sent[i], to: len(c.tokens), last: true})...)
			}
		}
	}
	return out
}

// progress are the events during prefill: two, numbered, for each choice.
func (l *llamacpp) progress(p *plan) (out []emission) {
	for k := range 2 {
		for i := range p.choices {
			out = append(out, emission{at: progressAt(p.times[0], k), kind: EventWait, choice: i, seq: k})
		}
	}
	return out
}

// output is one token's event, with the role before the first.
func (l *llamacpp) output(p *plan, e emission) []emission {
	if p.req.endpoint == completions || e.to > 1 {
		return []emission{e}
	}
	return []emission{{at: e.at, step: e.step, kind: EventRole, choice: e.choice, joined: true}, e}
}

// ending are the events at the end of a choice.
func (l *llamacpp) ending(p *plan, e emission) []emission {
	e.kind = EventFinish
	if !p.req.includeUsage || p.req.endpoint == completions {
		return []emission{e}
	}
	usage := emission{at: e.at, kind: EventUsage, choice: e.choice}
	e.joined = true
	return []emission{e, usage}
}

func (l *llamacpp) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return l.appendError(dst, p.req.endpoint, p.failure)
	}
	c := &p.choices[e.choice]
	if p.req.endpoint == completions {
		return l.appendText(dst, p, e)
	}
	dst = append(dst, `{"choices":[`...)
	if e.kind != EventUsage {
		dst = append(dst, `{"finish_reason":`...)
		if e.last {
			dst = appendString(dst, llamaFinish(c, p))
		} else {
			dst = append(dst, "null"...)
		}
		dst = appendKey(dst, `,"index":`, e.choice)
		dst = append(l.appendDelta(append(dst, `,"delta":`...), p, e), '}')
	}
	dst = append(dst, `],"created":`...)
	dst = strconv.AppendInt(dst, p.created, 10)
	dst = appendText(dst, `,"id":`, p.id)
	dst = appendText(dst, `,"model":`, p.req.model)
	dst = append(dst, `,"system_fingerprint":"`+llamaBuild+`","object":"chat.completion.chunk"`...)
	switch {
	case e.kind == EventUsage:
		dst = l.appendUsage(append(dst, `,"usage":`...), p, c)
		dst = l.appendTimings(dst, p, c, len(c.tokens))
	case e.kind == EventWait:
		dst = l.appendProgress(dst, p, e)
	case e.last && !p.req.includeUsage, p.req.timings && e.kind == EventToken:
		dst = l.appendTimings(dst, p, c, e.to)
	}
	return append(dst, '}')
}

// llamaFinish is the finish reason: there is no word for an abort.
func llamaFinish(c *choice, p *plan) string {
	switch {
	case c.finish == "length":
		return "length"
	case p.req.tool != nil:
		return "tool_calls"
	default:
		return "stop"
	}
}

func (l *llamacpp) appendDelta(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[e.choice]
	switch {
	case e.kind == EventRole || e.kind == EventWait:
		return append(dst, `{"role":"assistant","content":null}`...)
	case e.kind == EventFinish:
		return append(dst, `{}`...)
	case p.req.tool != nil:
		dst = append(dst, `{"tool_calls":[{"index":0,`...)
		if e.from == 0 {
			dst = append(dst, `"id":"`+p.callID()+`","type":"function",`...)
		}
		dst = append(dst, `"function":{`...)
		if e.from == 0 {
			dst = append(appendText(dst, `"name":`, p.req.tool.name), ',')
		}
		return append(appendText(dst, `"arguments":`, c.text(e.from, e.to)), `}}]}`...)
	}
	reasoning, content := c.split(e.from, e.to)
	if reasoning != "" && content == "" {
		return append(appendText(dst, `{"reasoning_content":`, reasoning), '}')
	}
	return append(appendText(dst, `{"content":`, content), '}')
}

// appendText appends an event of a completion: the last always has the usage.
func (l *llamacpp) appendText(dst []byte, p *plan, e emission) []byte {
	c := &p.choices[e.choice]
	text := ""
	if e.kind == EventToken {
		text = c.text(e.from, e.to)
	}
	dst = appendText(dst, `{"choices":[{"text":`, text)
	dst = appendKey(dst, `,"index":`, e.choice)
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	if e.last {
		dst = appendString(dst, llamaFinish(c, p))
	} else {
		dst = append(dst, "null"...)
	}
	dst = appendKey(dst, `}],"created":`, int(p.created))
	dst = appendText(dst, `,"model":`, p.req.model)
	dst = append(dst, `,"system_fingerprint":"`+llamaBuild+`","object":"text_completion"`...)
	if e.last {
		dst = l.appendUsage(append(dst, `,"usage":`...), p, c)
	}
	dst = appendText(dst, `,"id":`, p.id)
	switch {
	case e.kind == EventWait:
		dst = l.appendProgress(dst, p, e)
	case e.last, p.req.timings:
		dst = l.appendTimings(dst, p, c, e.to)
	}
	return append(dst, '}')
}

// appendUsage is the usage of one choice: llama.cpp sums nothing.
func (l *llamacpp) appendUsage(dst []byte, p *plan, c *choice) []byte {
	prompt := len(p.req.prompts[c.prompt].ids)
	dst = appendKey(dst, `{"completion_tokens":`, len(c.tokens))
	dst = appendKey(dst, `,"prompt_tokens":`, prompt)
	dst = appendKey(dst, `,"total_tokens":`, prompt+len(c.tokens))
	return append(appendKey(dst, `,"prompt_tokens_details":{"cached_tokens":`, p.cached[c.prompt]), `}}`...)
}

// appendBody merges the choices; usage and timings are those of the first alone.
func (l *llamacpp) appendBody(dst []byte, p *plan) []byte {
	dst = append(dst, `{"choices":`...)
	dst = appendList(dst, len(p.choices), func(dst []byte, i int) []byte { return l.appendChoice(dst, p, i) })
	dst = appendKey(dst, `,"created":`, int(p.created))
	dst = appendText(dst, `,"model":`, p.req.model)
	dst = append(dst, `,"system_fingerprint":"`+llamaBuild+`","object":"`+p.object()+`","usage":`...)
	dst = l.appendUsage(dst, p, &p.choices[0])
	dst = appendText(dst, `,"id":`, p.id)
	return append(l.appendTimings(dst, p, &p.choices[0], len(p.choices[0].tokens)), '}')
}

func (l *llamacpp) appendChoice(dst []byte, p *plan, i int) []byte {
	c := &p.choices[i]
	if p.req.endpoint == completions {
		dst = appendText(dst, `{"text":`, c.text(0, len(c.tokens)))
		dst = appendKey(dst, `,"index":`, i)
		return append(dst, `,"logprobs":null,"finish_reason":"`+llamaFinish(c, p)+`"}`...)
	}
	dst = append(dst, `{"finish_reason":"`+llamaFinish(c, p)+`","index":`...)
	dst = strconv.AppendInt(dst, int64(i), 10)
	dst = append(dst, `,"message":{"role":"assistant","content":`...)
	reasoning, content := c.split(0, len(c.tokens))
	switch {
	case p.req.tool != nil:
		dst = append(dst, `"","tool_calls":[{"type":"function","function":{"name":`...)
		dst = appendString(dst, p.req.tool.name)
		dst = appendText(dst, `,"arguments":`, content)
		dst = append(dst, `},"id":"`+p.callID()+`"}]`...)
	default:
		dst = appendString(dst, content)
	}
	if reasoning != "" {
		dst = appendText(dst, `,"reasoning_content":`, reasoning)
	}
	return append(dst, `}}`...)
}
