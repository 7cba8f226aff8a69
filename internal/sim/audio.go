package sim

import (
	"strconv"
	"strings"
)

// audioTokensPerKiB is how many tokens a KiB of sound is said to be.
const audioTokensPerKiB = 4

// readForm reads a transcription's form. What is heard is a function of the file.
func (x *exchange) readForm(rt route) (*request, *apiError) {
	form, err := x.req.MultipartForm()
	if err != nil {
		return nil, badRequest("file", "the body is not a multipart form: %s", err)
	}
	value := func(name string) string {
		if v := form.Value[name]; len(v) > 0 {
			return strings.Clone(v[0])
		}
		return ""
	}
	yes := func(name string) bool { b, err := strconv.ParseBool(value(name)); return err == nil && b }
	if len(form.File["file"]) == 0 {
		return nil, missing("file")
	}
	size := int(form.File["file"][0].Size)
	r := &request{endpoint: rt.endpoint, format: rt.format, model: value("model"), n: 1, stream: yes("stream"), seconds: 1 + size/32000}
	r.includeUsage = r.stream && yes("stream_include_usage")
	r.continuous = r.stream && yes("stream_continuous_usage_stats")
	ids := make([]uint64, 1+size*audioTokensPerKiB/1024)
	r.prompts = []prompt{newPrompt(ids)}
	return r, nil
}

// vllmAudio is /v1/audio/transcriptions: like a chat stream, with fewer keys.
type vllmAudio struct{ *vllm }

var _ streamer = vllmAudio{}

// schedule: a step that shows nothing has no event.
func (v vllmAudio) schedule(p *plan) []emission {
	out := p.outputs(v.ready(p.req), func(c *choice, from, to int, last bool) bool { return last || c.text(from, to) != "" })
	if p.req.includeUsage {
		out = append(out, emission{at: p.end(), kind: EventUsage})
	}
	return out
}

func (v vllmAudio) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		return v.appendError(dst, p.req.endpoint, p.failure)
	}
	dst = appendHead(dst, p.id, "transcription.chunk", p.created, p.req.model)
	if e.kind == EventUsage {
		dst = append(dst, `,"choices":[],"usage":`...)
		return append(append(v.appendCounts(dst, p.promptTokens(), p.completionTokens()), '}'), '}')
	}
	c := &p.choices[e.choice]
	dst = appendText(dst, `,"choices":[{"delta":{"content":`, c.text(e.from, e.to))
	dst = append(dst, `},"finish_reason":`...)
	if e.last {
		dst = append(appendString(dst, c.finish), `,"stop_reason":null`...)
	} else {
		dst = append(dst, `null,"stop_reason":null`...)
	}
	dst = append(dst, `}]`...)
	if p.req.continuous {
		dst = append(dst, `,"usage":`...)
		dst = append(v.appendCounts(dst, p.promptTokens(), e.to), '}')
	}
	return append(dst, '}')
}

func (v vllmAudio) appendBody(dst []byte, p *plan) []byte {
	c := &p.choices[0]
	dst = appendText(dst, `{"text":`, c.text(0, len(c.tokens)))
	return append(appendKey(dst, `,"usage":{"type":"duration","seconds":`, p.req.seconds), `}}`...)
}
