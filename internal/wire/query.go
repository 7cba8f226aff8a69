package wire

import (
	"strings"

	"tokenomics/internal/record"
)

// Query is what a request's head and body ask for, as far as they could be
// read. Nothing in it points into the body.
type Query struct {
	record.Request
	Usage      bool // the client itself asked for the final usage event
	Continuous bool // and for usage on every event
	Prompts    int  // prompts of a batch; 1 where there is one or none is known
	Echo       bool // the answer's first event repeats the prompt
	Warnings   []string

	editable bool // the body is a JSON object that may be spliced
}

// Choices is how many choices the answer will have.
func (q *Query) Choices() int { return max(1, q.N) * max(1, q.Prompts) }

// endpoints are the paths that are measured, by how they end, so that a prefix
// in front of them (a gateway's, an --api-prefix) does not matter.
var endpoints = []struct{ suffix, name string }{
	{"/v1/chat/completions", "chat"},
	{"/v1/completions", "completions"},
	{"/v1/embeddings", "embeddings"},
}

// EndpointOf names the measured endpoint of a request, "" when it is one that
// is only passed through.
func EndpointOf(method, path string) string {
	if method != "POST" {
		return ""
	}
	for _, e := range endpoints {
		if strings.HasSuffix(path, e.suffix) {
			return e.name
		}
	}
	return ""
}

// ReadQuery reads a request to a measured endpoint; of any other it keeps
// method and path. path is without the query. body is nil when it was not
// read: too large, streamed, or encoded.
func ReadQuery(method, path string, body []byte) Query {
	q := Query{Request: record.Request{Method: method, Path: clip(path, 1024), Endpoint: EndpointOf(method, path)}, Prompts: 1}
	if q.Endpoint == "" {
		return q
	}
	q.Dialect = "openai"
	if body == nil {
		q.Warnings = append(q.Warnings, "request body not read")
		return q
	}
	seen := make(map[string]bool, 16)
	duplicate := false
	whole := members(body, func(m member) bool {
		key := string(m.key)
		duplicate = duplicate || seen[key] || strings.ContainsRune(key, '\\') || len(seen) >= maxKeys
		if len(seen) < maxKeys {
			seen[key] = true
		}
		q.member(key, m.value)
		return true
	})
	switch {
	case !whole || !get(body, "@this").IsObject():
		q.Warnings = append(q.Warnings, "request body is not a JSON object")
	case duplicate:
		// Which of two equal keys counts is each engine's own business.
		q.Warnings = append(q.Warnings, "request body has a key twice, an escaped one, or very many")
	default:
		q.editable = true
	}
	return q
}

// maxKeys bounds what is remembered of a body; real ones have some dozen keys.
const maxKeys = 256

func (q *Query) member(key string, v []byte) {
	switch key {
	case "model":
		q.Model = clip(text(v), 256)
	case "stream":
		q.Stream = string(v) == "true"
	case "n":
		if n := get(v, "@this").Int(); n > 0 && n <= 1<<20 {
			q.N = int(n)
		}
	case "max_completion_tokens":
		if n := get(v, "@this"); n.Int() > 0 {
			q.MaxTokens = record.Some(n.Int())
		}
	case "max_tokens":
		if n := get(v, "@this"); n.Int() > 0 && !q.MaxTokens.Ok() {
			q.MaxTokens = record.Some(n.Int())
		}
	case "stream_options":
		q.Usage = get(v, "include_usage").Bool()
		q.Continuous = get(v, "continuous_usage_stats").Bool()
	case "echo":
		q.Echo = string(v) == "true"
	case "prompt":
		if q.Endpoint == "completions" {
			q.Prompts = prompts(v)
		}
	}
}

// prompts counts a completions batch: a list of strings or of lists of token
// ids is one prompt each, a flat list of ids is one prompt (WIRE.md 2.3).
func prompts(v []byte) int {
	n := 0
	elements(v, func(e []byte) bool {
		if len(e) > 0 && e[0] != '"' && e[0] != '[' {
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
