package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// endpoint is what is asked for, and in which way.
type endpoint string

const (
	chat        endpoint = "chat"
	completions endpoint = "completions"
	responses   endpoint = "responses"
	messages    endpoint = "messages"
	embeddings  endpoint = "embeddings"
	rerank      endpoint = "rerank"
	score       endpoint = "score"
	pooling     endpoint = "pooling"
	classify    endpoint = "classify"
	audio       endpoint = "audio"

	// The engines' own.
	generate       endpoint = "generate"
	completion     endpoint = "llama.cpp's generate"
	ollamaChat     endpoint = "Ollama's chat"
	ollamaGenerate endpoint = "Ollama's generate"
)

// name is the endpoint's in the truth log, where the dialect tells whose it is.
func (ep endpoint) name() string {
	switch ep {
	case completion, ollamaGenerate:
		return string(generate)
	case ollamaChat:
		return string(chat)
	default:
		return string(ep)
	}
}

// thinks tells whether answers have a channel for reasoning.
func (ep endpoint) thinks() bool {
	switch ep {
	case chat, responses, messages, ollamaChat, ollamaGenerate:
		return true
	}
	return false
}

// Bounds on one request, so that one client cannot take the memory of all.
const (
	maxChoices       = 128
	maxPrompts       = 2048
	maxRequestTokens = 4 << 20
)

// request is what a client asks, of any dialect.
type request struct {
	endpoint  endpoint
	format    format
	model     string
	id        string // X-Request-Id
	rid       string // SGLang's request id in the body
	stream    bool
	n         int
	prompts   []prompt
	list      bool // the prompts came as a list, so that the answer is one too
	maxTokens int  // 0 is not given
	usual     int  // what it then is; 0 is as many as there is room for
	minTokens int
	ignoreEOS bool
	salt      string
	interval  int
	tool      *tool
	encoding  string // of embeddings
	documents []string
	load      bool // nothing but loading the model is asked for

	streamOptions bool // present and not empty
	includeUsage  bool
	continuous    bool
	logprobs      bool
	tokenIDs      bool
	echo          bool
	details       bool // TGI
	timings       bool // llama.cpp: on every event
	progress      bool // llama.cpp: events during prefill
	bare          bool // rerank: a list rather than an object
	seconds       int  // audio
}

type prompt struct {
	ids  []uint64
	hash uint64
	text string
}

// tool is a call the client insists on.
type tool struct {
	name  string
	named bool // by tool_choice, rather than "required"
}

// apiError is an error answer before the dialect gives it its shape.
type apiError struct {
	status int
	kind   string // the error's `type`
	param  string
	msg    string
}

func badRequest(param, format string, args ...any) *apiError {
	return &apiError{status: 400, kind: "BadRequestError", param: param, msg: fmt.Sprintf(format, args...)}
}

func missing(field string) *apiError {
	return &apiError{status: 400, kind: "Bad Request", param: "body." + field,
		msg: "1 validation error:\n  {'type': 'missing', 'loc': 'body." + field + "', 'msg': 'Field required'}"}
}

func notJSON(body []byte) *apiError {
	var raw json.RawMessage
	var syntax *json.SyntaxError
	at := 0
	if errors.As(json.Unmarshal(body, &raw), &syntax) {
		at = max(int(syntax.Offset)-1, 0)
	}
	loc := fmt.Sprintf("body.%d", at)
	return &apiError{status: 400, kind: "Bad Request", param: loc,
		msg: "1 validation error:\n  {'type': 'json_invalid', 'loc': '" + loc + "', 'msg': 'JSON decode error'}"}
}

// parseRequest reads a body. The request's strings do not alias it.
func parseRequest(rt route, body []byte) (*request, *apiError) {
	if !gjson.ValidBytes(body) {
		return nil, notJSON(body)
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return nil, &apiError{status: 400, kind: "Bad Request", param: "body",
			msg: "1 validation error:\n  {'type': 'model_attributes_type', 'loc': 'body', 'msg': 'Input should be a valid dictionary'}"}
	}
	r := &request{
		endpoint:  rt.endpoint,
		format:    rt.format,
		model:     strings.Clone(root.Get("model").String()),
		stream:    rt.stream.wanted(root.Get("stream")),
		n:         1,
		ignoreEOS: root.Get("ignore_eos").Bool(),
		minTokens: int(root.Get("min_tokens").Int()),
		salt:      strings.Clone(root.Get("cache_salt").String()),
		interval:  int(root.Get("stream_interval").Int()),
		rid:       strings.Clone(root.Get("rid").String()),
		encoding:  strings.Clone(root.Get("encoding_format").String()),
	}
	r.tokenIDs = root.Get("return_token_ids").Bool()
	logprobs := root.Get("logprobs") // a number in completions
	r.logprobs = logprobs.Bool() || logprobs.Type == gjson.Number
	so := root.Get("stream_options")
	r.streamOptions = so.IsObject() && len(so.Map()) > 0
	r.includeUsage = r.stream && so.Get("include_usage").Bool()
	r.continuous = r.stream && so.Get("continuous_usage_stats").Bool()
	return r, rt.read(r, root)
}

// wanted reports whether the request's `stream` makes it a stream.
func (s streaming) wanted(v gjson.Result) bool {
	switch s {
	case streamNever:
		return false
	case streamAlways:
		return true
	case streamUnlessNot:
		return !v.Exists() || v.Type == gjson.Null || v.Bool()
	default:
		return v.Bool()
	}
}

// limit finds the tokens each prompt may generate, given the context length.
func (r *request) limit(p prompt, context int) int {
	room := context - len(p.ids)
	switch {
	case r.maxTokens > 0:
		return min(r.maxTokens, room)
	case r.usual > 0:
		return min(r.usual, room)
	default:
		return room
	}
}

// generates reports whether the request wants tokens rather than vectors or scores.
func (r *request) generates() bool {
	switch r.endpoint {
	case embeddings, rerank, score, pooling, classify:
		return false
	}
	return !r.load
}

// fits checks the request against the context length and the simulator's bounds.
func (r *request) fits(context int) *apiError {
	if r.maxTokens > context {
		return badRequest("max_tokens", "max_tokens=%d cannot be greater than max_model_len=%d. Please request fewer output tokens. (parameter=max_tokens, value=%d)",
			r.maxTokens, context, r.maxTokens)
	}
	total := 0
	for _, p := range r.prompts {
		if len(p.ids) > context || (len(p.ids) == context && r.generates()) {
			return badRequest("input_tokens", "This model's maximum context length is %d tokens. However, your request has %d input tokens. Please reduce the length of the input messages.",
				context, len(p.ids))
		}
		total += r.n * r.limit(p, context)
	}
	if r.generates() && total > maxRequestTokens {
		return badRequest("n", "the simulator generates at most %d tokens for one request, this one may need %d; lower n, max_tokens or the number of prompts", maxRequestTokens, total)
	}
	return nil
}
