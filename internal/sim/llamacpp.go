package sim

import (
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// llamacpp speaks as llama.cpp's server does (b10573 and what is like it).
type llamacpp struct{ cfg *Config }

var (
	_ dialect  = (*llamacpp)(nil)
	_ streamer = (*llamacpp)(nil)
)

// llamaBuild is told where llama.cpp tells its build.
const llamaBuild = "b0-simulated"

func (l *llamacpp) traits() traits {
	return traits{name: "llamacpp", jsonType: typeJSONCharset, keepAlive: 5 * time.Second, perConn: 100, closeOnError: true, cacheBlock: 1,
		guarded: func(path string) bool {
			return path != "/health" && path != "/v1/health" && path != "/models" && path != "/v1/models" && path != "/"
		}}
}

func (l *llamacpp) routes() map[string]route {
	own := route{endpoint: completion, read: readLlama, format: llamaNative{l}}
	talk := route{endpoint: chat, read: readLlamaChat, format: l}
	respond := route{endpoint: responses, read: readResponses, format: llamaResponses{l}}
	rank := route{endpoint: rerank, read: readRerank, format: llamaPooling{l}, stream: streamNever}
	vectors := route{endpoint: embeddings, read: readLlamaEmbeddings, format: llamaVectors{l}, stream: streamNever}
	models, health := getting((*exchange).llamaModels), getting(func(x *exchange) { x.respondJSON([]byte(`{"status":"ok"}`)) })
	return map[string]route{
		"/completion": own, "/completions": own, "/v1/chat/completions": talk, "/chat/completions": talk,
		"/v1/completions": {endpoint: completions, read: readLlamaCompletions, format: l},
		"/v1/responses":   respond, "/responses": respond,
		"/v1/messages":   {endpoint: messages, read: readMessages, format: l.messages()},
		"/v1/embeddings": {endpoint: embeddings, read: readEmbeddings, format: llamaPooling{l}, stream: streamNever},
		"/embeddings":    vectors, "/embedding": vectors,
		"/rerank": rank, "/reranking": rank, "/v1/rerank": rank, "/v1/reranking": rank,
		"/v1/models": models, "/models": models, "/health": health, "/v1/health": health,
		"/props":    getting((*exchange).llamaProps),
		"/slots":    getting((*exchange).llamaSlots),
		"/metrics":  getting(func(x *exchange) { x.metrics("llamacpp:", "", llamaSeries()) }),
		"/tokenize": posting((*exchange).llamaTokenize),
		"/":         getting((*exchange).root),
	}
}

func llamaSeries() []series {
	return []series{computedSeries("prompt_tokens_total"), cachedSeries("prompt_tokens_cached_total"), generatedSeries("tokens_predicted_total"),
		runningSeries("requests_processing"), waitingSeries("requests_deferred")}
}

func (l *llamacpp) appendHead(dst []byte, h head) []byte { return appendHTTPLib(dst, h) }

func readLlamaOptions(r *request, root gjson.Result) *apiError {
	r.timings, r.progress = root.Get("timings_per_token").Bool(), root.Get("return_progress").Bool()
	for _, name := range []string{"max_tokens", "max_completion_tokens", "n_predict"} {
		r.readPredict(root.Get(name))
	}
	return r.readChoices(root)
}

func readLlamaChat(r *request, root gjson.Result) *apiError {
	m := root.Get("messages")
	if !m.IsArray() {
		return badRequest("", "Expected 'messages' to be an array")
	}
	r.tool = readTool(root)
	r.prompts = []prompt{textPrompt(template("", m, root.Get("tools")))}
	return readLlamaOptions(r, root)
}

func readLlamaCompletions(r *request, root gjson.Result) *apiError {
	if err := readLlamaOptions(r, root); err != nil {
		return err
	}
	return r.readPrompts("prompt", root.Get("prompt"))
}

// readLlama reads llama.cpp's own /completion.
func readLlama(r *request, root gjson.Result) *apiError { return readLlamaCompletions(r, root) }

// readLlamaEmbeddings reads llama.cpp's own /embedding.
func readLlamaEmbeddings(r *request, root gjson.Result) *apiError {
	content := root.Get("content")
	if !content.Exists() {
		content = root.Get("input")
	}
	return r.readPrompts("content", content)
}

// check: there is one model, whatever it is called.
func (l *llamacpp) check(r *request) *apiError {
	if r.model == "" {
		r.model = l.cfg.Model
	}
	if r.n > l.cfg.Slots {
		return badRequest("n", "n_cmpl cannot be greater than the number of slots, please increase -np")
	}
	return nil
}

func (l *llamacpp) appendError(dst []byte, _ endpoint, e *apiError) []byte {
	if e.kind == noPath {
		return append(dst, `{"error":{"message":"File Not Found","type":"not_found_error","code":404}}`...)
	}
	return append(l.appendBareError(append(dst, `{"error":`...), e), '}')
}

func (l *llamacpp) appendBareError(dst []byte, e *apiError) []byte {
	dst = appendKey(dst, `{"code":`, e.status)
	dst = appendText(dst, `,"message":`, e.msg)
	return append(dst, `,"type":"`+llamaKind(e)+`"}`...)
}

func llamaKind(e *apiError) string {
	if e.param == "input_tokens" {
		return "exceed_context_size_error"
	}
	kinds := map[int]string{400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
		404: "not_found_error", 501: "not_supported_error", 503: "unavailable_error"}
	if kind, ok := kinds[e.status]; ok {
		return kind
	}
	return "server_error"
}

// queueFull: llama.cpp itself defers without limit.
func (l *llamacpp) queueFull(endpoint, bool) (*apiError, bool) {
	return &apiError{status: 503, msg: "The simulated queue is full (--max-queued)."}, true
}

func (x *exchange) llamaModels() {
	c := x.s.cfg
	b := appendText(nil, `{"models":[{"name":`, c.Model)
	b = appendText(b, `,"model":`, c.Model)
	b = append(b, `,"modified_at":"","size":"","digest":"","type":"model","description":"simulated","tags":[""],"capabilities":["completion"],"parameters":"","details":{"parent_model":"","format":"gguf","family":"","families":[""],"parameter_size":"","quantization_level":""}}],"object":"list","data":[{"id":`...)
	b = appendString(b, c.Model)
	b = appendText(b, `,"aliases":[`, c.Model)
	b = appendKey(b, `],"tags":[],"object":"model","architecture":{"input_modalities":["text"],"output_modalities":["text"]},"created":`, int(x.s.startedAt()))
	b = appendKey(b, `,"owned_by":"llamacpp","meta":{"vocab_type":1,"n_vocab":32000,"n_ctx":`, c.MaxModelLen)
	b = appendKey(b, `,"n_ctx_train":`, c.MaxModelLen)
	b = appendKey(b, `,"n_embd":`, embeddingSize)
	x.respondJSON(append(b, `,"n_params":0,"size":0,"ftype":"simulated"}}]}`...))
}

func (x *exchange) llamaProps() {
	c := x.s.cfg
	b := appendKey(nil, `{"default_generation_settings":{"params":`+llamaSettings+`,"n_ctx":`, c.MaxModelLen)
	b = appendKey(b, `},"total_slots":`, c.Slots)
	b = appendText(b, `,"model_alias":`, c.Model)
	b = appendText(b, `,"model_ftype":"simulated","model_path":`, c.Model+".gguf")
	x.respondJSON(append(b, `,"modalities":{"vision":false,"video":false,"audio":false},"endpoint_slots":true,"endpoint_props":false,"endpoint_metrics":true,"chat_template":"","build_info":"`+
		llamaBuild+`","is_sleeping":false,"simulated":true}`...))
}

// llamaSettings is what a request's settings are said to be.
const llamaSettings = `{"seed":4294967295,"temperature":0.8,"top_k":40,"top_p":0.95,"min_p":0.05,"max_tokens":-1,"n_predict":-1,"stream":false,"simulated":true}`

// llamaSlots lists the slots. Which requests are in which is not kept: the first
// ones are said to be busy.
func (x *exchange) llamaSlots() {
	running, _ := x.s.queue.load()
	x.respondJSON(appendList(nil, x.s.cfg.Slots, func(dst []byte, i int) []byte {
		dst = appendKey(dst, `{"id":`, i)
		dst = appendKey(dst, `,"n_ctx":`, x.s.cfg.MaxModelLen)
		return append(dst, `,"speculative":false,"is_processing":`+strconv.FormatBool(i < running)+`}`...)
	}))
}

func (x *exchange) llamaTokenize() {
	if ids, ok := x.tokenized("content"); ok {
		x.respondJSON(append(appendIDs([]byte(`{"tokens":`), ids[:min(len(ids), maxTokenized)]), '}'))
	}
}
