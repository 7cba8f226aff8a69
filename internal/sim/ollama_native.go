package sim

import (
	"time"
)

// ollamaNative is /api/chat and /api/generate: a JSON object a line, the last with
// all counts and times. What shows nothing has no line.
type ollamaNative struct{ *ollama }

var _ streamer = ollamaNative{}

// ollamaLoad is how long the model is said to have taken to load.
const ollamaLoad = time.Millisecond

func (o ollamaNative) framing(*request) framing {
	return framing{contentType: typeLines, lines: true, head: headAtFirst}
}

func (o *ollama) identify(p *plan, key uint64) {
	p.id = "chatcmpl-" + hexID(key)[:3]
	switch p.req.endpoint {
	case completions:
		p.id = "cmpl-" + hexID(key)[:3]
	case messages:
		p.id = "msg_" + hexID(key)
	case ollamaChat, ollamaGenerate, embeddings:
		p.id = hexID(key) // for the truth log: these answers have none
	}
}

// pieces are the lines before the last. A tool is called in one piece.
func (o *ollama) pieces(p *plan) []emission {
	if p.req.load {
		return nil
	}
	if p.req.tool != nil {
		return []emission{{at: p.end(), kind: EventToken, part: partTool, to: p.choices[0].spoken()}}
	}
	return p.parts(p.tokenwise())
}

func (o ollamaNative) schedule(p *plan) []emission {
	out := o.pieces(p)
	return append(out, emission{at: p.end(), kind: EventFinish, from: told(out), to: len(p.choices[0].tokens), last: true})
}

func (o ollamaNative) failing(*plan, []emission) []emission { return []emission{{kind: EventError}} }

func (o ollamaNative) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return append(appendText(dst, `{"error":`, p.failure.msg), '}')
	}
	thinking, content := "", ""
	switch {
	case e.kind == EventFinish:
	case e.part == partThinking:
		thinking = p.choices[0].shown(e)
	default:
		content = p.choices[0].shown(e)
	}
	dst = o.appendOpening(dst, p, e, thinking, content)
	if e.kind == EventFinish {
		return append(o.appendMetrics(append(dst, `,"done":true`...), p), '}')
	}
	dst = append(dst, `,"done":false`...)
	if p.req.logprobs {
		dst = o.appendLogprobs(append(dst, `,"logprobs":`...), &p.choices[0], e.from, e.to)
	}
	return append(dst, '}')
}

// appendOpening opens a line and tells what is said in it.
func (o *ollama) appendOpening(dst []byte, p *plan, e emission, thinking, content string) []byte {
	dst = appendText(dst, `{"model":`, p.req.model)
	dst = appendText(dst, `,"created_at":`, ollamaTime(p.created, p.toldAt(&p.choices[0], e.to)))
	if p.req.endpoint == ollamaGenerate {
		dst = appendText(dst, `,"response":`, content)
		return appendThinking(dst, thinking)
	}
	if e.part == partTool {
		dst = append(dst, `,"message":{"role":"assistant","content":"","tool_calls":[{"id":"`+p.callID()+`","function":{"index":0,"name":`...)
		dst = appendString(dst, p.req.tool.name)
		dst = append(dst, `,"arguments":`...)
		return append(append(dst, p.arguments()...), `}}]}`...)
	}
	dst = appendText(dst, `,"message":{"role":"assistant","content":`, content)
	return append(appendThinking(dst, thinking), '}')
}

func appendThinking(dst []byte, thinking string) []byte {
	if thinking == "" {
		return dst
	}
	return appendText(dst, `,"thinking":`, thinking)
}

// arguments are the arguments of a tool's call as JSON, empty if it was cut off.
func (p *plan) arguments() string {
	if f := p.choices[0].finish; f == "length" || f == "abort" {
		return "{}"
	}
	return p.choices[0].whole(partTool)
}

func (o *ollama) appendLogprobs(dst []byte, c *choice, from, to int) []byte {
	return appendList(dst, to-from, func(dst []byte, i int) []byte {
		return append(appendTokenLogprob(dst, c.tokens[from+i]), '}')
	})
}

// reason is why an answer ended, in Ollama's words.
func (o *ollama) reason(p *plan) string {
	if f := p.choices[0].finish; f != "tool_calls" {
		return f
	}
	return "stop"
}

// appendMetrics appends reason, counts and times; what is zero is left out.
func (o *ollama) appendMetrics(dst []byte, p *plan) []byte {
	c := &p.choices[0]
	dst = append(dst, `,"done_reason":"`+o.reason(p)+`"`...)
	if p.req.endpoint == ollamaGenerate && !p.req.load {
		dst = appendIDs(append(dst, `,"context":`...), p.req.prompts[0].ids)
	}
	load := ollamaLoad + p.queued
	if p.req.load {
		return dst
	}
	prefill := p.toldAt(c, 1)
	for _, m := range []struct {
		key string
		n   int
	}{
		{"total_duration", int(load + p.toldEnd(c))},
		{"load_duration", int(load)},
		{"prompt_eval_count", p.promptTokens()},
		{"prompt_eval_duration", int(prefill)},
		{"eval_count", len(c.tokens)},
		{"eval_duration", int(p.toldEnd(c) - prefill)},
	} {
		if m.n != 0 {
			dst = appendKey(dst, `,"`+m.key+`":`, m.n)
		}
	}
	return dst
}

func (o ollamaNative) appendBody(dst []byte, p *plan) []byte {
	c := &p.choices[0]
	e := emission{to: len(c.tokens)}
	if p.req.tool != nil {
		e.part = partTool
	}
	thinking, content := c.split(0, len(c.tokens))
	dst = o.appendOpening(dst, p, e, thinking, content)
	dst = o.appendMetrics(append(dst, `,"done":true`...), p)
	if p.req.logprobs {
		dst = o.appendLogprobs(append(dst, `,"logprobs":`...), c, 0, c.spoken())
	}
	return append(dst, '}')
}

// ollamaEmbed is /api/embed.
type ollamaEmbed struct{ *ollama }

func (o ollamaEmbed) appendBody(dst []byte, p *plan) []byte {
	dst = appendText(dst, `{"model":`, p.req.model)
	dst = append(dst, `,"embeddings":`...)
	dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte { return appendNumbers(dst, vector(p.req, i)) })
	dst = appendKey(dst, `,"total_duration":`, int(ollamaLoad+p.told[0]))
	dst = appendKey(dst, `,"load_duration":`, int(ollamaLoad))
	return append(appendKey(dst, `,"prompt_eval_count":`, p.promptTokens()), '}')
}

// ollamaOneVector is the old /api/embeddings, which counts nothing.
type ollamaOneVector struct{ *ollama }

func (o ollamaOneVector) appendBody(dst []byte, p *plan) []byte {
	return append(appendNumbers(append(dst, `{"embedding":`...), vector(p.req, 0)), '}')
}
