package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

type endpoint string

const (
	chat        endpoint = "chat"
	completions endpoint = "completions"
	embeddings  endpoint = "embeddings"
)

// Bounds on one request, so that one client cannot take the memory of all.
const (
	maxChoices       = 128
	maxPrompts       = 2048
	maxRequestTokens = 4 << 20
)

// request is what a client asks, of any dialect.
type request struct {
	endpoint  endpoint
	model     string
	id        string // X-Request-Id
	rid       string // SGLang's request id in the body
	stream    bool
	n         int
	prompts   []prompt
	maxTokens int // 0 is not given
	minTokens int
	ignoreEOS bool
	salt      string
	interval  int
	tool      *tool
	base64    bool // embeddings

	streamOptions bool // present and not empty
	includeUsage  bool
	continuous    bool
}

type prompt struct {
	ids  []uint64
	hash uint64
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
func parseRequest(ep endpoint, body []byte) (*request, *apiError) {
	if !gjson.ValidBytes(body) {
		return nil, notJSON(body)
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return nil, &apiError{status: 400, kind: "Bad Request", param: "body",
			msg: "1 validation error:\n  {'type': 'model_attributes_type', 'loc': 'body', 'msg': 'Input should be a valid dictionary'}"}
	}
	r := &request{
		endpoint:  ep,
		model:     strings.Clone(root.Get("model").String()),
		stream:    root.Get("stream").Bool() && ep != embeddings,
		n:         1,
		ignoreEOS: root.Get("ignore_eos").Bool(),
		minTokens: int(root.Get("min_tokens").Int()),
		salt:      strings.Clone(root.Get("cache_salt").String()),
		interval:  int(root.Get("stream_interval").Int()),
		rid:       strings.Clone(root.Get("rid").String()),
		base64:    root.Get("encoding_format").String() == "base64",
	}
	so := root.Get("stream_options")
	r.streamOptions = so.IsObject() && len(so.Map()) > 0
	r.includeUsage = r.stream && so.Get("include_usage").Bool()
	r.continuous = r.stream && so.Get("continuous_usage_stats").Bool()
	if err := r.readLimits(root); err != nil {
		return nil, err
	}
	return r, r.readPrompts(root)
}

func (r *request) readLimits(root gjson.Result) *apiError {
	if n := root.Get("n"); n.Exists() && n.Type != gjson.Null {
		r.n = int(n.Int())
		if r.n < 1 || r.n > maxChoices {
			return badRequest("n", "n must be between 1 and %d, got %s. (parameter=n, value=%s)", maxChoices, n.Raw, n.Raw)
		}
	}
	names := []string{"max_tokens"}
	if r.endpoint == chat {
		names = []string{"max_completion_tokens", "max_tokens"}
	}
	for _, name := range names {
		v := root.Get(name)
		if !v.Exists() || v.Type == gjson.Null {
			continue
		}
		if r.maxTokens = int(v.Int()); r.maxTokens < 1 {
			return badRequest(name, "%s must be at least 1, got %s. (parameter=%s, value=%s)", name, v.Raw, name, v.Raw)
		}
		return nil
	}
	if r.endpoint == completions {
		r.maxTokens = 16
	}
	return nil
}

func (r *request) readPrompts(root gjson.Result) *apiError {
	switch r.endpoint {
	case chat:
		m := root.Get("messages")
		if !m.IsArray() {
			return missing("messages")
		}
		r.tool = readTool(root)
		r.prompts = []prompt{textPrompt(template(m, root.Get("tools")))}
		return nil
	case completions:
		return r.readPromptList("prompt", root.Get("prompt"))
	default:
		r.stream, r.n = false, 1
		return r.readPromptList("input", root.Get("input"))
	}
}

// template renders messages the way a chat template does: every role and message
// costs a few tokens more than its text.
func template(messages, tools gjson.Result) string {
	var b strings.Builder
	if tools.IsArray() {
		b.WriteString("tools\n" + tools.Raw + "\n")
	}
	messages.ForEach(func(_, m gjson.Result) bool {
		b.WriteString(m.Get("role").String())
		b.WriteByte('\n')
		if c := m.Get("content"); c.IsArray() {
			c.ForEach(func(_, part gjson.Result) bool {
				b.WriteString(part.Get("text").String())
				return true
			})
		} else {
			b.WriteString(c.String())
		}
		b.WriteByte('\n')
		return true
	})
	b.WriteString("assistant\n")
	return b.String()
}

func readTool(root gjson.Result) *tool {
	choice := root.Get("tool_choice")
	if name := choice.Get("function.name").String(); choice.IsObject() && name != "" {
		return &tool{name: strings.Clone(name), named: true}
	}
	if name := root.Get("tools.0.function.name").String(); choice.String() == "required" && name != "" {
		return &tool{name: strings.Clone(name)}
	}
	return nil
}

// readPromptList reads a string, a list of strings, a list of token ids or a
// list of lists of token ids.
func (r *request) readPromptList(field string, v gjson.Result) *apiError {
	switch {
	case v.Type == gjson.String:
		r.prompts = []prompt{textPrompt(v.String())}
		return nil
	case !v.IsArray():
		return missing(field)
	}
	items := v.Array()
	if len(items) == 0 || len(items) > maxPrompts {
		return badRequest(field, "%s must hold between 1 and %d prompts, got %d", field, maxPrompts, len(items))
	}
	if items[0].Type == gjson.Number {
		r.prompts = []prompt{idPrompt(items)}
		return nil
	}
	for _, it := range items {
		if it.IsArray() {
			r.prompts = append(r.prompts, idPrompt(it.Array()))
		} else {
			r.prompts = append(r.prompts, textPrompt(it.String()))
		}
	}
	return nil
}

func textPrompt(s string) prompt { return newPrompt(tokenIDs(s)) }

func idPrompt(items []gjson.Result) prompt {
	ids := make([]uint64, len(items))
	for i, it := range items {
		ids[i] = it.Uint()
	}
	return newPrompt(ids)
}

func newPrompt(ids []uint64) prompt {
	if len(ids) == 0 {
		ids = []uint64{1} // a begin-of-text token: no engine runs on nothing
	}
	p := prompt{ids: ids}
	for _, id := range ids {
		p.hash = chain(p.hash, id)
	}
	return p
}

// limit finds the tokens each prompt may generate, given the context length.
func (r *request) limit(p prompt, context int) int {
	room := context - len(p.ids)
	if r.maxTokens > 0 {
		return min(r.maxTokens, room)
	}
	return room
}

// fits checks the request against the context length and the simulator's bounds.
func (r *request) fits(context int) *apiError {
	if r.maxTokens > context {
		return badRequest("max_tokens", "max_tokens=%d cannot be greater than max_model_len=%d. Please request fewer output tokens. (parameter=max_tokens, value=%d)",
			r.maxTokens, context, r.maxTokens)
	}
	total := 0
	for _, p := range r.prompts {
		if len(p.ids) > context || (len(p.ids) == context && r.endpoint != embeddings) {
			return badRequest("input_tokens", "This model's maximum context length is %d tokens. However, your request has %d input tokens. Please reduce the length of the input messages.",
				context, len(p.ids))
		}
		total += r.n * r.limit(p, context)
	}
	if r.endpoint != embeddings && total > maxRequestTokens {
		return badRequest("n", "the simulator generates at most %d tokens for one request, this one may need %d; lower n, max_tokens or the number of prompts", maxRequestTokens, total)
	}
	return nil
}
