package sim

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// ollama speaks as Ollama does (2026-08): its own NDJSON, and OpenAI's and
// Anthropic's endpoints made from it.
type ollama struct{ cfg *Config }

var _ dialect = (*ollama)(nil)

const typeJSONCharset = "application/json; charset=utf-8"

func (o *ollama) traits() traits {
	return traits{name: "ollama", jsonType: typeJSONCharset, cacheBlock: 1, guarded: everyPath}
}

func (o *ollama) routes() map[string]route {
	return map[string]route{
		"/api/chat":            {endpoint: ollamaChat, read: readOllamaChat, format: ollamaNative{o}, stream: streamUnlessNot},
		"/api/generate":        {endpoint: ollamaGenerate, read: readOllamaGenerate, format: ollamaNative{o}, stream: streamUnlessNot},
		"/api/embed":           {endpoint: embeddings, read: readEmbeddings, format: ollamaEmbed{o}, stream: streamNever},
		"/api/embeddings":      {endpoint: embeddings, read: readOllamaEmbeddings, format: ollamaOneVector{o}, stream: streamNever},
		"/v1/chat/completions": {endpoint: chat, read: readOne(readChat), format: ollamaOpenAI{o}},
		"/v1/completions":      {endpoint: completions, read: readOne(readFreeCompletions), format: ollamaOpenAI{o}},
		"/v1/messages":         {endpoint: messages, read: readMessages, format: o.messages()},
		"/v1/embeddings":       {endpoint: embeddings, read: readEmbeddings, format: ollamaVectors{o}, stream: streamNever},
		"/v1/models":           getting((*exchange).ollamaModels),
		"/api/tags":            getting(func(x *exchange) { x.respondJSON(x.appendOllamaTags(nil, false)) }),
		"/api/ps":              getting(func(x *exchange) { x.respondJSON(x.appendOllamaTags(nil, true)) }),
		"/api/version":         getting(func(x *exchange) { x.respondJSON([]byte(`{"version":"` + version + `"}`)) }),
		"/api/show":            posting((*exchange).ollamaShow),
		"/":                    getting(func(x *exchange) { x.respond(200, typeText, []byte("Ollama is running (SIMULATED by tokenomics sim)")) }),
	}
}

func (o *ollama) appendHead(dst []byte, h head) []byte { return appendGo(dst, h) }

// readOne is a reader of requests for one choice of one prompt: Ollama and TGI do
// not know `n`.
func readOne(read reader) reader {
	return func(r *request, root gjson.Result) *apiError {
		err := read(r, root)
		if err == nil && len(r.prompts) > 1 {
			return badRequest("prompt", "invalid type: list, expected a string")
		}
		r.n = 1
		return err
	}
}

func readOllamaOptions(r *request, root gjson.Result) {
	r.readPredict(root.Get("options.num_predict"))
	r.logprobs = root.Get("logprobs").Bool()
}

// readOllamaChat reads /api/chat. Without messages only the model is loaded.
func readOllamaChat(r *request, root gjson.Result) *apiError {
	readOllamaOptions(r, root)
	m := root.Get("messages")
	if r.load = len(m.Array()) == 0; r.load {
		return nil
	}
	r.tool = readTool(root)
	r.prompts = []prompt{textPrompt(template("", m, root.Get("tools")))}
	return nil
}

func readOllamaGenerate(r *request, root gjson.Result) *apiError {
	readOllamaOptions(r, root)
	text := root.Get("prompt").String()
	if r.load = text == ""; r.load {
		return nil
	}
	if system := root.Get("system").String(); system != "" {
		text = system + "\n" + text
	}
	r.prompts = []prompt{textPrompt(text)}
	return nil
}

func readOllamaEmbeddings(r *request, root gjson.Result) *apiError {
	r.prompts = []prompt{textPrompt(root.Get("prompt").String())}
	return nil
}

func (o *ollama) check(r *request) *apiError {
	if r.model != "" && strings.TrimSuffix(r.model, ":latest") != o.cfg.Model {
		return &apiError{status: 404, kind: "not_found_error", msg: "model '" + r.model + "' not found"}
	}
	if r.model == "" {
		r.model = o.cfg.Model
	}
	return nil
}

// appendError: Ollama's own endpoints tell a text, the others what their clients know.
func (o *ollama) appendError(dst []byte, ep endpoint, e *apiError) []byte {
	if e.kind == noPath {
		return append(dst, strconv.Itoa(e.status)+" page not found"...)
	}
	switch ep {
	case messages:
		return appendAnthropicError(dst, e)
	case chat, completions:
		dst = appendText(dst, `{"error":{"message":`, e.msg)
		return append(dst, `,"type":"`+ollamaKind(e.status)+`","param":null,"code":null}}`+"\n"...)
	default:
		return append(appendText(dst, `{"error":`, e.msg), '}')
	}
}

func ollamaKind(status int) string {
	switch status {
	case 400:
		return "invalid_request_error"
	case 404:
		return "not_found_error"
	default:
		return "api_error"
	}
}

func (o *ollama) queueFull(endpoint, bool) (*apiError, bool) {
	return &apiError{status: 503, kind: "api_error", msg: "server busy, please try again.  maximum pending requests exceeded"}, true
}

func (x *exchange) ollamaModels() {
	b := appendText(nil, `{"object":"list","data":[{"id":`, x.s.cfg.Model)
	b = appendKey(b, `,"object":"model","created":`, int(x.s.startedAt()))
	x.respond(200, typeJSON, append(b, `,"owned_by":"library"}]}`+"\n"...))
}

// appendOllamaTags lists the model, as one that there is or as one that is loaded.
func (x *exchange) appendOllamaTags(dst []byte, loaded bool) []byte {
	c := x.s.cfg
	dst = appendText(dst, `{"models":[{"name":`, c.Model)
	dst = appendText(dst, `,"model":`, c.Model)
	if !loaded {
		dst = appendText(dst, `,"modified_at":`, ollamaTime(x.s.startedAt(), 0))
	}
	dst = append(dst, `,"size":0,"digest":"simulated","details":{"parent_model":"","format":"simulated","family":"simulated","families":["simulated"],"parameter_size":"0B","quantization_level":"none"}`...)
	if loaded {
		dst = appendText(dst, `,"expires_at":`, ollamaTime(x.s.startedAt(), 24*time.Hour))
		dst = appendKey(dst, `,"size_vram":0,"context_length":`, c.MaxModelLen)
	}
	return append(dst, `}]}`...)
}

func (x *exchange) ollamaShow() {
	b := []byte(`{"modelfile":"# simulated","parameters":"","template":"","details":{"parent_model":"","format":"simulated","family":"simulated","families":["simulated"],"parameter_size":"0B","quantization_level":"none"},"model_info":{"simulated.context_length":`)
	b = strconv.AppendInt(b, int64(x.s.cfg.MaxModelLen), 10)
	x.respondJSON(append(b, `},"capabilities":["completion","tools"]}`...))
}

// ollamaTime is a time as Go's encoding/json writes it.
func ollamaTime(unix int64, since time.Duration) string {
	return time.Unix(unix, 0).Add(since).UTC().Format(time.RFC3339Nano)
}
