package sim

import (
	"crypto/subtle"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// version is what the simulator says it is where an engine tells its version.
const version = "0.0.0 (simulated)"

// route finds what answers the request.
func (x *exchange) route() {
	path := string(x.req.URI().Path())
	if !x.authorized(path) {
		x.refuse(&apiError{status: 401})
		return
	}
	want, answer := x.handler(path)
	switch method := string(x.req.Header.Method()); {
	case answer == nil:
		x.respond(404, typeJSON, []byte(`{"detail":"Not Found"}`))
	case !slices.Contains(strings.Fields(want), method):
		x.respond(405, typeJSON, []byte(`{"detail":"Method Not Allowed"}`))
	default:
		answer()
	}
}

func (x *exchange) authorized(path string) bool {
	if x.s.cfg.APIKey == "" || !x.s.dialect.traits().guarded(path) {
		return true
	}
	want := "Bearer " + x.s.cfg.APIKey
	return subtle.ConstantTimeCompare(x.req.Header.Peek("Authorization"), []byte(want)) == 1
}

// handler returns the methods a path takes and what answers it; nil is 404.
func (x *exchange) handler(path string) (methods string, answer func()) {
	switch path {
	case "/v1/chat/completions":
		return "POST", func() { x.generation(chat) }
	case "/v1/completions":
		return "POST", func() { x.generation(completions) }
	case "/v1/embeddings":
		return "POST", func() { x.generation(embeddings) }
	case "/v1/models":
		return "GET", x.models
	case "/health", "/ping":
		return "GET POST", func() { x.respond(200, "", nil) }
	case "/metrics":
		return "GET", x.metrics
	case "/tokenize":
		return "POST", x.tokenize
	case "/":
		return "GET", x.root
	}
	return x.ownHandler(path)
}

// ownHandler is for paths that only one of the dialects has.
func (x *exchange) ownHandler(path string) (methods string, answer func()) {
	vllm := x.s.cfg.Dialect == "vllm"
	switch {
	case vllm && path == "/version":
		return "GET", func() { x.respond(200, typeJSON, []byte(`{"version":"`+version+`"}`)) }
	case vllm && path == "/reset_prefix_cache":
		return "POST", func() { x.s.cache.clear(); x.respond(200, typeJSON, []byte(`{"success":true}`)) }
	case vllm:
		return "", nil
	case path == "/server_info", path == "/get_server_info":
		return "GET", x.serverInfo
	case path == "/model_info", path == "/get_model_info":
		return "GET", func() {
			x.respond(200, typeJSON, append(appendString([]byte(`{"model_path":`), x.s.cfg.Model), `,"is_generation":true,"simulated":true}`...))
		}
	case path == "/flush_cache":
		return "GET POST", x.flushCache
	case path == "/v1/tokenize":
		return "POST", x.tokenize
	}
	return "", nil
}

func (x *exchange) root() {
	x.respond(200, typeText, []byte("tokenomics sim: this is a SIMULATED "+x.s.cfg.Dialect+
		" engine. It makes up every word and every delay. Model: "+x.s.cfg.Model+"\n"))
}

func (x *exchange) models() {
	c := x.s.cfg
	created := x.s.created()
	if !c.Deterministic {
		created = x.s.started.Unix()
	}
	b := appendString([]byte(`{"object":"list","data":[{"id":`), c.Model)
	b = append(b, `,"object":"model","created":`...)
	b = strconv.AppendInt(b, created, 10)
	b = append(b, `,"owned_by":"`+c.Dialect+`","root":`...)
	b = appendString(b, c.Model)
	b = appendKey(b, `,"parent":null,"max_model_len":`, c.MaxModelLen)
	if c.Dialect == "vllm" {
		b = append(b, `,"permission":[]`...)
	}
	x.respond(200, typeJSON, append(b, `,"simulated":true}]}`...))
}

func (x *exchange) serverInfo() {
	c := x.s.cfg
	running, waiting := x.s.queue.load()
	b := appendString([]byte(`{"model_path":`), c.Model)
	b = append(b, `,"served_model_name":`...)
	b = appendString(b, c.Model)
	b = appendKey(b, `,"max_running_requests":`, c.Slots)
	b = appendKey(b, `,"context_length":`, c.MaxModelLen)
	b = appendKey(b, `,"stream_interval":`, c.StreamInterval)
	b = append(b, `,"enable_cache_report":`+strconv.FormatBool(c.ReportCached)...)
	b = appendKey(b, `,"internal_states":[{"num_running_reqs":`, running)
	b = appendKey(b, `,"num_queue_reqs":`, waiting)
	x.respond(200, typeJSON, append(b, `}],"version":"`+version+`","simulated":true}`...))
}

// flushCache refuses while anything runs, as SGLang does.
func (x *exchange) flushCache() {
	if running, waiting := x.s.queue.load(); running+waiting > 0 {
		x.respond(400, typeText, []byte("Flush cache failed: requests are running or waiting.\n"))
		return
	}
	x.s.cache.clear()
	x.respond(200, typeText, []byte("Cache flushed.\n"))
}

// maxTokenized bounds the ids listed in one answer of /tokenize.
const maxTokenized = 1 << 20

func (x *exchange) tokenize() {
	body := x.req.Body()
	if !gjson.ValidBytes(body) {
		x.refuse(notJSON(body))
		return
	}
	root := gjson.ParseBytes(body)
	text := root.Get("prompt").String()
	if m := root.Get("messages"); m.IsArray() {
		text = template(m, root.Get("tools"))
	}
	ids := tokenIDs(text)
	b := appendKey(nil, `{"count":`, len(ids))
	b = appendKey(b, `,"max_model_len":`, x.s.cfg.MaxModelLen)
	b = append(b, `,"tokens":[`...)
	for i, id := range ids[:min(len(ids), maxTokenized)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, id%32000, 10)
	}
	x.respond(200, typeJSON, append(b, `],"token_strs":null}`...))
}
