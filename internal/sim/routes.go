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

// route is what serves a path: an answer that takes no time, or an endpoint.
type route struct {
	methods string // with spaces between; "" is POST
	answer  func(x *exchange)

	endpoint endpoint
	read     reader
	format   format
	stream   streaming
}

// streaming says whether a request of an endpoint is answered by a stream.
type streaming int

const (
	streamIfAsked streaming = iota
	streamUnlessNot
	streamNever
	streamAlways
)

// reader reads what a request's body says in the way of one endpoint.
type reader func(r *request, root gjson.Result) *apiError

// route finds what answers the request.
func (x *exchange) route() {
	path := string(x.req.URI().Path())
	if prefix := x.s.cfg.PathPrefix; prefix != "" {
		rest, ok := strings.CutPrefix(path, prefix)
		if path = rest; !ok {
			path = ""
		}
	}
	rt, ok := x.s.routes[path]
	x.endpoint = rt.endpoint
	if !x.authorized(path) {
		x.refuse(&apiError{status: 401, kind: "authentication_error", msg: "Unauthorized"})
		return
	}
	if rt.methods == "" {
		rt.methods = "POST"
	}
	switch method := string(x.req.Header.Method()); {
	case !ok:
		x.refuse(&apiError{status: 404, kind: noPath})
	case !slices.Contains(strings.Fields(rt.methods), method):
		x.refuse(&apiError{status: 405, kind: noPath})
	case rt.answer != nil:
		rt.answer(x)
	default:
		x.generation(rt)
	}
}

// noPath is the kind of error of a path, or a method, that is not served.
const noPath = "no path"

func (x *exchange) authorized(path string) bool {
	if x.s.cfg.APIKey == "" || !x.s.dialect.traits().guarded(path) {
		return true
	}
	want := "Bearer " + x.s.cfg.APIKey
	return subtle.ConstantTimeCompare(x.req.Header.Peek("Authorization"), []byte(want)) == 1
}

// everyPath is guarded, whatever its name.
func everyPath(string) bool { return true }

// getting is a route that is read only.
func getting(answer func(x *exchange)) route { return route{methods: "GET HEAD", answer: answer} }

// posting is a route that is written to, and takes no time.
func posting(answer func(x *exchange)) route { return route{answer: answer} }

// healthy answers that all is well.
func healthy(x *exchange) { x.respond(200, "", nil) }

func (x *exchange) root() {
	x.respond(200, typeText, []byte("tokenomics sim: this is a SIMULATED "+x.s.cfg.Dialect+
		" engine. It makes up every word and every delay. Model: "+x.s.cfg.Model+"\n"))
}

// openAIModels lists the model as vLLM and SGLang do.
func (x *exchange) openAIModels() {
	c := x.s.cfg
	b := appendText(nil, `{"object":"list","data":[{"id":`, c.Model)
	b = append(b, `,"object":"model","created":`...)
	b = strconv.AppendInt(b, x.s.startedAt(), 10)
	b = append(b, `,"owned_by":"`+c.Dialect+`","root":`...)
	b = appendString(b, c.Model)
	b = appendKey(b, `,"parent":null,"max_model_len":`, c.MaxModelLen)
	if c.Dialect == "vllm" {
		b = appendKey(b, `,"permission":[{"id":"modelperm-simulated","object":"model_permission","created":`, int(x.s.startedAt()))
		b = append(b, `,"allow_create_engine":false,"allow_sampling":true,"allow_logprobs":true,"allow_search_indices":false,"allow_view":true,"allow_fine_tuning":false,"organization":"*","group":null,"is_blocking":false}]`...)
	}
	x.respondJSON(append(b, `,"simulated":true}]}`...))
}

// maxTokenized bounds the ids listed in one answer of /tokenize.
const maxTokenized = 1 << 20

// tokenize answers as vLLM and SGLang do.
func (x *exchange) tokenize() {
	ids, ok := x.tokenized("prompt")
	if !ok {
		return
	}
	b := appendKey(nil, `{"count":`, len(ids))
	b = appendKey(b, `,"max_model_len":`, x.s.cfg.MaxModelLen)
	b = append(b, `,"tokens":`...)
	b = appendIDs(b, ids[:min(len(ids), maxTokenized)])
	x.respondJSON(append(b, `,"token_strs":null}`...))
}

// tokenized returns the tokens of the text under key, or of the messages. It
// answers itself if there is no JSON to read.
func (x *exchange) tokenized(key string) (ids []uint64, ok bool) {
	body := x.req.Body()
	if !gjson.ValidBytes(body) {
		x.refuse(notJSON(body))
		return nil, false
	}
	root := gjson.ParseBytes(body)
	text := root.Get(key).String()
	if m := root.Get("messages"); m.IsArray() {
		text = template("", m, root.Get("tools"))
	}
	return tokenIDs(text), true
}
