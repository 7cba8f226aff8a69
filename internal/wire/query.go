package wire

import (
	"bytes"
	"slices"
	"strings"

	"tokenomics/internal/record"
)

// Query is what a request's head and body ask for, as far as they could be
// read. Nothing in it points into the body.
type Query struct {
	record.Request
	Prompts    int // prompts of a batch; 1 where there is one or none is known
	Warnings   []string
	Usage      bool // the client itself asked for the final usage event
	Continuous bool // and for usage on every event
	Echo       bool // the answer's first event repeats the prompt

	read     bool // the body was read
	editable bool // the body is a JSON object that may be spliced
}

// Choices is how many choices the answer will have.
func (q *Query) Choices() int { return max(1, q.N) * max(1, q.Prompts) }

// ReadQuery reads a request to a measured endpoint; of any other it keeps
// method and path. path is without the query. body is nil when it was not
// read: too large, streamed, or encoded.
func ReadQuery(method, path string, body []byte) Query {
	q := Query{Request: record.Request{Method: method, Path: clip(path, 1024)}, Prompts: 1}
	e, ok := endpointOf(method, path)
	if !ok {
		return q
	}
	q.Endpoint, q.Dialect = e.name, e.dialect
	// These stream unless they are told not to, or always.
	q.Stream = e.name != "embeddings" && e.dialect == dialectOllama || e.dialect == dialectTGI
	switch {
	case body == nil:
		q.Warnings = append(q.Warnings, "request body not read")
	case bytes.HasPrefix(body, []byte("--")):
		q.form(body)
	default:
		q.object(body, e.edit)
	}
	return q
}

// maxKeys bounds what is remembered of a body; real ones have some dozen keys.
const maxKeys = 256

// object reads a body that should be a JSON object.
func (q *Query) object(body []byte, edit bool) {
	var few [24][]byte
	seen, duplicate := few[:0], false
	whole := members(body, func(m member) bool {
		duplicate = duplicate || len(seen) >= maxKeys || bytes.IndexByte(m.key, '\\') >= 0 ||
			slices.ContainsFunc(seen, func(key []byte) bool { return bytes.Equal(key, m.key) })
		if len(seen) < maxKeys {
			seen = append(seen, m.key)
		}
		q.member(m.key, m.value)
		return true
	})
	switch {
	case !whole:
		q.Warnings = append(q.Warnings, "request body is not a JSON object")
	case duplicate && edit:
		// Which of two equal keys counts is each engine's own business.
		q.Warnings = append(q.Warnings, "request body has a key twice, an escaped one, or very many")
	default:
		q.editable = edit
	}
	q.read = whole
}

func (q *Query) member(key, v []byte) {
	switch string(key) {
	case "model":
		q.Model = clip(text(v), 256)
	case "stream":
		if s := string(v); s == "true" || s == "false" {
			q.Stream = s == "true" && q.Endpoint != "embeddings" || q.Dialect == dialectTGI
		}
	case "n", "n_cmpl":
		q.choices(v)
	case "max_completion_tokens": // before its older name
		q.limit(v, true)
	case "max_tokens", "max_output_tokens", "n_predict", "max_new_tokens":
		q.limit(v, false)
	case "sampling_params", "parameters", "options": // SGLang and vLLM, TGI, Ollama
		q.parameters(v)
	case "stream_options":
		q.Usage = get(v, "include_usage").Bool()
		q.Continuous = get(v, "continuous_usage_stats").Bool()
	case "echo":
		q.Echo = string(v) == "true"
	case "prompt":
		if q.Endpoint == "completions" || q.Dialect == dialectLlamaCPP {
			q.Prompts = prompts(v)
		}
	case "text", "input_ids":
		if q.Dialect == dialectSGLang {
			q.Prompts = prompts(v)
		}
	}
}

// parameters reads the keys that native endpoints have one level down.
func (q *Query) parameters(v []byte) {
	if !isObject(v) || q.Endpoint != "generate" && q.Dialect != dialectOllama {
		return
	}
	members(v, func(m member) bool {
		switch string(m.key) {
		case "n":
			q.choices(m.value)
		case "max_new_tokens", "max_tokens", "num_predict":
			q.limit(m.value, false)
		}
		return true
	})
}

// choices takes the choices per prompt, where there can be several.
func (q *Query) choices(v []byte) {
	var n record.Count
	switch q.Endpoint {
	case "chat", "completions", "generate":
	default:
		return
	}
	if count(v, &n) && n.Or(0) > 0 && n.Or(0) <= 1<<20 {
		q.N = int(n.Or(0))
	}
}

// limit takes the most tokens that a choice may have. It is the first to be
// named that counts, but for one that is sure.
func (q *Query) limit(v []byte, sure bool) {
	var n record.Count
	if count(v, &n) && n.Or(0) > 0 && (sure || !q.MaxTokens.Ok()) {
		q.MaxTokens = n
	}
}

// prompts counts a batch: a list of strings or of lists of token ids is one
// prompt each, a flat list of ids is one prompt (WIRE.md 2.3). llama.cpp takes
// objects too.
func prompts(v []byte) int {
	n := 0
	elements(v, func(e []byte) bool {
		if len(e) > 0 && e[0] != '"' && e[0] != '[' && e[0] != '{' {
			n = 1
			return false
		}
		n++
		return true
	})
	return max(1, n)
}

// clip bounds a string that a client or an engine chose.
func clip(s string, limit int) string {
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "")
	}
	return s
}
