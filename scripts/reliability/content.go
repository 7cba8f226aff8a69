package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
)

// appendFiller writes n bytes in which each 20 name the id and where they are,
// so that bytes of another request, or out of place, can't pass for its own.
func appendFiller(dst []byte, id int64, from, n int) []byte {
	end := len(dst) + n
	for i := from; len(dst) < end; i++ {
		dst = appendID(dst, id)
		dst = append(dst, '.')
		for div := 10_000_000; div > 0; div /= 10 {
			dst = append(dst, byte('0'+i/div%10))
		}
		dst = append(dst, ' ')
	}
	return dst[:end]
}

// appendRequest writes the request's body.
func (p *plan) appendRequest(dst []byte) []byte {
	if !p.kind.hasBody() {
		return dst
	}
	dst = append(dst, `{"model":"reliable","user":"`...)
	dst = appendID(dst, p.id)
	dst = append(dst, '"')
	if p.kind.streams() {
		dst = append(dst, `,"stream":true`...)
		if p.usage {
			dst = append(dst, usageRequest...)
		}
	}
	switch p.kind {
	case stream, whole:
		dst = append(dst, `,"max_tokens":64,"temperature":0.70,"messages":[{"role":"user","content":"`...)
		dst = append(appendFiller(dst, p.id, 0, p.body), `"}]}`...)
	case completions:
		dst = append(appendFiller(append(dst, `,"prompt":"`...), p.id, 0, p.body), `"}`...)
	case embeddings:
		dst = append(appendFiller(append(dst, `,"input":"`...), p.id, 0, p.body), `"}`...)
	}
	return dst
}

const usageRequest = `,"stream_options":{"include_usage":true}`

// events is how many events a stream has: a role, the content, a finish,
// perhaps usage, and the end.
func (p *plan) total(usage bool) int {
	if usage {
		return p.events + 4
	}
	return p.events + 3
}

// appendEvent writes event i of a stream that tells usage or does not.
func (p *plan) appendEvent(dst []byte, i int, usage bool) []byte {
	last := p.total(usage) - 1
	if i == last {
		return append(dst, "data: [DONE]\n\n"...)
	}
	dst = append(dst, `data: {"id":"`...)
	dst = appendID(dst, p.id)
	if p.kind == stream {
		dst = append(dst, `","object":"chat.completion.chunk","created":1700000000,"model":"reliable","choices":[`...)
	} else {
		dst = append(dst, `","object":"text_completion","created":1700000000,"model":"reliable","choices":[`...)
	}
	field, end := `{"index":0,"delta":{`, `}`
	if p.kind == completions {
		field, end = `{"index":0,`, ``
	}
	switch {
	case usage && i == last-1:
		dst = append(dst, `],"usage":{"prompt_tokens":7,"total_tokens":`...)
		dst = strconv.AppendInt(dst, int64(7+p.events), 10)
		dst = append(dst, `,"completion_tokens":`...)
		dst = strconv.AppendInt(dst, int64(p.events), 10)
		return append(dst, "}}\n\n"...)
	case i == p.events+1 && p.kind == stream:
		return append(dst, `{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":null}]}`+"\n\n"...)
	case i == p.events+1:
		return append(dst, `{"index":0,"text":"","logprobs":null,"finish_reason":"stop","stop_reason":null}]}`+"\n\n"...)
	case p.kind == completions:
		dst = append(append(dst, field...), `"text":"`...)
	case i == 0:
		return append(dst, `{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`+"\n\n"...)
	default:
		dst = append(append(dst, field...), `"content":"`...)
	}
	dst = append(appendFiller(dst, p.id, i*1000, p.size), '"')
	return append(append(dst, end...), `,"logprobs":null,"finish_reason":null}]}`+"\n\n"...)
}

// errorEvent is what engines put into a stream whose head has gone already.
const errorEvent = `data: {"error":{"message":"the engine is out of luck","type":"InternalServerError","code":500}}` + "\n\n"

// appendAnswer writes the body that the client is to get.
func (p *plan) appendAnswer(dst []byte) []byte {
	switch {
	case p.fault == early413:
		return append(dst, p.refusal()...)
	case p.kind.streams() && p.fault == error200:
		for i := range min(p.at, p.events) {
			dst = p.appendEvent(dst, i, p.usage)
		}
		return append(append(dst, errorEvent...), "data: [DONE]\n\n"...)
	case p.kind.streams():
		for i := range p.total(p.usage) {
			dst = p.appendEvent(dst, i, p.usage)
		}
		return dst
	case p.kind == headOnly:
		return dst
	case p.kind == get:
		return appendFiller(dst, p.id, 0, p.size)
	}
	dst = append(append(dst, `{"id":"`...), p.name()...)
	if p.kind == embeddings {
		dst = append(dst, `","object":"list","data":[{"index":0,"object":"embedding","embedding":[0.125,-0.5],"note":"`...)
		dst = appendFiller(dst, p.id, 0, p.size)
		return append(dst, `"}],"model":"reliable","usage":{"prompt_tokens":7,"total_tokens":7,"completion_tokens":0}}`...)
	}
	dst = append(dst, `","object":"chat.completion","created":1700000000,"model":"reliable","choices":[{"index":0,"message":{"role":"assistant","content":"`...)
	dst = appendFiller(dst, p.id, 0, p.size)
	return append(dst, `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"total_tokens":16,"completion_tokens":9}}`...)
}

// tokens is how many completion tokens the answer's usage tells.
func (p *plan) tokens() int32 {
	switch {
	case p.kind.streams():
		return int32(p.events)
	case p.kind == whole:
		return 9
	}
	return 0
}

// refusal is the body of an answer that comes before the request was read.
func (p *plan) refusal() string {
	return fmt.Sprintf(`{"error":{"message":"%s is too large","code":413}}`, p.name())
}

// status is the engine's.
func (p *plan) status() int {
	if p.fault == early413 {
		return 413
	}
	return 200
}

// trailer is the line behind the last chunk of an answer with trailers.
func (p *plan) trailer() string {
	return fmt.Sprintf("X-Sum: %08x\r\n", crc32.ChecksumIEEE(p.appendAnswer(nil)))
}

// sameRequest compares a request's body, as the engine got it, with what its
// client sent. asked says that the proxy has asked for usage, which is the one
// thing that it may add.
func (p *plan) sameRequest(got []byte) (same, asked bool) {
	want := p.appendRequest(nil)
	if bytes.Equal(got, want) {
		return true, false
	}
	at := bytes.Index(got, []byte(`"stream_options":{`))
	if at < 1 || p.usage || !p.kind.streams() {
		return false, false
	}
	end := bytes.IndexByte(got[at:], '}')
	if end < 0 {
		return false, false
	}
	before, after := got[:at], got[at+end+1:]
	if before[at-1] == ',' {
		before = before[:at-1]
	} else if len(after) > 0 && after[0] == ',' {
		after = after[1:]
	}
	return bytes.Equal(append(bytes.Clone(before), after...), want), true
}

// checker compares an answer's body with what it must be, as it comes.
type checker struct {
	own   int64
	want  []byte
	got   int64
	wrong string // what was wrong first; "" while nothing is
	alien bool   // the bytes are another request's
}

func (c *checker) feed(p []byte) {
	from := c.got
	c.got += int64(len(p))
	if c.wrong != "" {
		return
	}
	rest := c.want[min(from, int64(len(c.want))):]
	if len(p) <= len(rest) && bytes.Equal(p, rest[:len(p)]) {
		return
	}
	at := 0
	for at < len(p) && at < len(rest) && p[at] == rest[at] {
		at++
	}
	c.alien = alien(p[max(0, at-idLength):], c.own)
	c.wrong = fmt.Sprintf("at byte %d of %d: got %q, want %q", from+int64(at), len(c.want), clip(p[at:]), clip(rest[at:]))
}

// exact says whether all that was to come has come, and nothing else.
func (c *checker) exact() bool { return c.wrong == "" && c.got == int64(len(c.want)) }

// alien says whether b holds the id of another request.
func alien(b []byte, own int64) bool {
	for {
		at := bytes.IndexByte(b, 'q')
		if at < 0 {
			return false
		}
		b = b[at:]
		if id, ok := parseID(b); ok && id != own {
			return true
		}
		b = b[1:]
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 60)] }
