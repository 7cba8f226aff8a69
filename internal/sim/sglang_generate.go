package sim

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// sglangGenerate is SGLang's own /generate. Each event holds all so far, or with
// --incremental-streaming-output what is new.
type sglangGenerate struct{ *sglang }

var _ streamer = sglangGenerate{}

func readGenerate(r *request, root gjson.Result) *apiError {
	params := root.Get("sampling_params")
	r.ignoreEOS, r.minTokens = params.Get("ignore_eos").Bool(), int(params.Get("min_new_tokens").Int())
	r.interval = int(params.Get("stream_interval").Int())
	r.logprobs = root.Get("return_logprob").Bool()
	if err := r.readChoices(params); err != nil {
		return err
	}
	if err := r.readMax(params, "max_new_tokens"); err != nil {
		return err
	}
	if key := root.Get("extra_key"); key.Type == gjson.String { // of the cache: what cache_salt is elsewhere
		r.salt = strings.Clone(key.String())
	}
	r.usual = 128
	if ids := root.Get("input_ids"); ids.Exists() {
		return r.readPrompts("input_ids", ids)
	}
	return r.readPrompts("text", root.Get("text"))
}

func (g sglangGenerate) framing(*request) framing {
	return framing{contentType: typeSSE, done: "[DONE]", head: headAtOnce}
}

func (g sglangGenerate) schedule(p *plan) []emission {
	ready := g.ready
	if n := p.req.interval; n > 1 {
		ready = func(_, made int) bool { return made%n == 1 }
	}
	return p.outputs(ready, always)
}

func (g sglangGenerate) appendEvent(dst []byte, p *plan, e emission) []byte {
	if e.kind == EventError {
		dst = appendText(dst, `{"error":{"message":`, p.failure.msg)
		return append(dst, `,"type":"invalid_request_error","code":400,"retryable":false}}`...)
	}
	from := 0
	if g.cfg.Incremental {
		from = e.from
	}
	return g.appendOutput(dst, p, e, from)
}

// appendOutput appends a choice's output from token from on.
func (g sglangGenerate) appendOutput(dst []byte, p *plan, e emission, from int) []byte {
	c := &p.choices[e.choice]
	dst = appendText(dst, `{"text":`, c.text(from, e.to))
	dst = c.appendTokenIDs(append(dst, `,"output_ids":`...), from, e.to)
	dst = appendText(dst, `,"meta_info":{"id":`, p.ids[e.choice])
	dst = append(dst, `,"finish_reason":`...)
	if e.last {
		dst = appendFinishObject(dst, c)
	} else {
		dst = append(dst, "null"...)
	}
	dst = appendKey(dst, `,"prompt_tokens":`, len(p.req.prompts[c.prompt].ids))
	dst = append(dst, `,"weight_version":"default","num_retractions":0`...)
	dst = g.appendScheduled(dst, p, c)
	if p.req.logprobs {
		dst = append(dst, `,"input_token_logprobs":[],"output_token_logprobs":`...)
		dst = appendList(dst, e.to-from, func(dst []byte, i int) []byte {
			dst = strconv.AppendUint(append(dst, `[`+logprob+`,`...), c.tokenID(from+i), 10)
			return append(dst, `,null]`...)
		})
	}
	dst = appendKey(dst, `,"completion_tokens":`, e.to)
	dst = appendKey(dst, `,"cached_tokens":`, p.cached[c.prompt])
	dst = append(dst, `,"reasoning_tokens":0`...)
	if e.last {
		dst = g.appendFinished(dst, p, c)
	}
	dst = append(dst, '}')
	if p.req.several() {
		dst = appendKey(dst, `,"index":`, e.choice)
	}
	return append(dst, '}')
}

// several reports whether an answer is a list.
func (r *request) several() bool { return r.list || r.n > 1 }

// appendFinishObject: reasons are objects here.
func appendFinishObject(dst []byte, c *choice) []byte {
	switch c.finish {
	case "length":
		return append(appendKey(dst, `{"type":"length","length":`, len(c.tokens)), '}')
	case "abort":
		return append(dst, `{"type":"abort","message":"Abort by the client","status_code":null,"err_type":null}`...)
	default:
		return append(dst, `{"type":"stop","matched":`+sglangEOS+`}`...)
	}
}

func (g sglangGenerate) appendBody(dst []byte, p *plan) []byte {
	one := func(dst []byte, i int) []byte {
		return g.appendOutput(dst, p, emission{choice: i, to: len(p.choices[i].tokens), last: true}, 0)
	}
	if !p.req.several() {
		return one(dst, 0)
	}
	return appendList(dst, len(p.choices), one)
}

// messages is /v1/messages. Its last usage has output tokens only.
func (s *sglang) messages() *anthropic {
	start := func(dst []byte, p *plan, output int) []byte {
		dst = appendAnthropicUsage(dst, p.promptTokens()-p.cachedTokens(), output)
		if s.cfg.ReportCached {
			dst = appendKey(dst, `,"cache_read_input_tokens":`, p.cachedTokens())
		}
		return append(dst, '}')
	}
	return &anthropic{
		frames:  framing{contentType: typeSSE, head: headAtOnce},
		name:    func(p *plan, key uint64) { s.identify(p, key); p.id = "msg_" + p.id },
		outputs: func(p *plan) []emission { return p.outputs(s.ready, always) }, errors: appendAnthropicError, tidy: true,
		start: func(dst []byte, p *plan) []byte { return start(dst, p, 0) },
		delta: func(dst []byte, p *plan) []byte {
			return append(appendKey(dst, `{"output_tokens":`, p.completionTokens()), '}')
		},
		body: func(dst []byte, p *plan) []byte { return start(dst, p, p.completionTokens()) },
	}
}

// responses is /v1/responses.
func (s *sglang) responses() *openResponses {
	o := &openResponses{
		frames: framing{contentType: typeSSE, head: headAtOnce, headers: []header{{"cache-control", "no-cache"}, {"connection", "keep-alive"}}},
		name:   func(p *plan, key uint64) { s.identify(p, key); p.id = "resp_" + strings.TrimPrefix(p.id, "resp_") },
		ready:  s.ready,
	}
	o.errors = func(dst []byte, p *plan) []byte {
		dst = append(dst, `{"response":`...)
		dst = o.appendResponse(dst, p, "failed")
		return append(dst, `,"type":"response.failed"}`...)
	}
	return o
}

// sglangPooling is what generates nothing.
type sglangPooling struct{ *sglang }

func (s sglangPooling) appendBody(dst []byte, p *plan) []byte {
	switch p.req.endpoint {
	case rerank:
		return s.appendRanks(dst, p)
	case score:
		dst = append(dst, `{"scores":`...)
		dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte { return append(appendScore(dst, `[`, p.req, i), ']') })
		dst = appendText(dst, `,"model":`, p.req.model)
		dst = append(dst, `,"usage":`...)
		dst = s.appendUsage(dst, p.promptTokens(), 0, 0, 0, false)
		return append(dst, `,"object":"scoring"}`...)
	}
	dst = append(dst, `{"data":`...)
	dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = appendVector(append(dst, `{"embedding":`...), p.req, i)
		return append(appendKey(dst, `,"index":`, i), `,"object":"embedding"}`...)
	})
	dst = appendText(dst, `,"model":`, p.req.model)
	dst = append(dst, `,"object":"list","usage":`...)
	return append(s.appendUsage(dst, p.promptTokens(), 0, 0, 0, false), '}')
}

// appendRanks: a bare list, and no usage.
func (s sglangPooling) appendRanks(dst []byte, p *plan) []byte {
	return appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = appendScore(dst, `{"score":`, p.req, i)
		dst = appendText(dst, `,"document":`, p.req.documents[i])
		dst = appendKey(dst, `,"index":`, i)
		dst = appendText(dst, `,"meta_info":{"id":`, p.id)
		dst = appendKey(dst, `,"finish_reason":null,"prompt_tokens":`, len(p.req.prompts[i].ids))
		return append(dst, `,"weight_version":"default"}}`...)
	})
}
