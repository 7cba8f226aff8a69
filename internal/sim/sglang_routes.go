package sim

import (
	"strconv"

	"github.com/tidwall/gjson"
)

func (x *exchange) modelInfo() {
	x.respondJSON(append(appendText(nil, `{"model_path":`, x.s.cfg.Model), `,"is_generation":true,"simulated":true}`...))
}

func (x *exchange) serverInfo() {
	c := x.s.cfg
	running, waiting := x.s.queue.load()
	b := appendText(nil, `{"model_path":`, c.Model)
	b = appendText(b, `,"served_model_name":`, c.Model)
	b = appendKey(b, `,"max_running_requests":`, c.Slots)
	b = appendKey(b, `,"context_length":`, c.MaxModelLen)
	b = appendKey(b, `,"stream_interval":`, c.StreamInterval)
	b = append(b, `,"enable_cache_report":`+strconv.FormatBool(c.ReportCached)...)
	b = append(b, `,"incremental_streaming_output":`+strconv.FormatBool(c.Incremental)...)
	b = appendKey(b, `,"internal_states":[{"num_running_reqs":`, running)
	b = appendKey(b, `,"num_queue_reqs":`, waiting)
	x.respondJSON(append(b, `}],"version":"`+version+`","simulated":true}`...))
}

// loads tells how many requests there are, of the one rank.
func (x *exchange) loads() {
	running, waiting := x.s.queue.load()
	b := appendKey(nil, `{"version":"`+version+`","dp_rank_count":1,"loads":[{"dp_rank":0,"num_running_reqs":`, running)
	b = appendKey(b, `,"num_waiting_reqs":`, waiting)
	x.respondJSON(append(b, `}],"simulated":true}`...))
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

// abortRequest stops the requests whose id begins with `rid`, or all. It answers
// 200 with nothing, whether there were any or not.
func (x *exchange) abortRequest() {
	body := x.req.Body()
	if !gjson.ValidBytes(body) {
		x.refuse(notJSON(body))
		return
	}
	rid := gjson.GetBytes(body, "rid").String()
	if rid != "" || gjson.GetBytes(body, "abort_all").Bool() {
		x.s.jobs.abort(rid)
	}
	x.respond(200, "", nil)
}

func (s *sglang) routes() map[string]route {
	info, model := getting((*exchange).serverInfo), getting((*exchange).modelInfo)
	return map[string]route{
		"/v1/chat/completions": {endpoint: chat, read: readChat, format: s},
		"/v1/completions":      {endpoint: completions, read: readCompletions, format: s},
		"/v1/responses":        {endpoint: responses, read: readResponses, format: s.responses()},
		"/v1/messages":         {endpoint: messages, read: readMessages, format: s.messages()},
		"/generate":            {methods: "POST PUT", endpoint: generate, read: readGenerate, format: sglangGenerate{s}},
		"/v1/embeddings":       {endpoint: embeddings, read: readEmbeddings, format: sglangPooling{s}, stream: streamNever},
		"/v1/rerank":           {methods: "POST PUT", endpoint: rerank, read: readRerank, format: sglangPooling{s}, stream: streamNever},
		"/v1/score":            {endpoint: score, read: readScore, format: sglangPooling{s}, stream: streamNever},
		"/api/chat":            {endpoint: ollamaChat, read: readOllamaChat, format: sglangOllama{s}, stream: streamUnlessNot},
		"/api/generate":        {endpoint: ollamaGenerate, read: readOllamaGenerate, format: sglangOllama{s}, stream: streamUnlessNot},
		"/abort_request":       posting((*exchange).abortRequest),
		"/v1/models":           getting((*exchange).openAIModels),
		"/health":              {methods: "GET", answer: healthy},
		"/ping":                {methods: "GET POST", answer: healthy},
		"/metrics": getting(func(x *exchange) {
			x.metrics("sglang:", `,engine_type="unified",tp_rank="0",pp_rank="0"`, sglangSeries())
		}),
		"/tokenize":        posting((*exchange).tokenize),
		"/v1/tokenize":     posting((*exchange).tokenize),
		"/v1/loads":        getting((*exchange).loads),
		"/server_info":     info,
		"/get_server_info": info,
		"/model_info":      model,
		"/get_model_info":  model,
		"/flush_cache":     {methods: "GET POST", answer: (*exchange).flushCache},
		"/":                getting((*exchange).root),
	}
}

func sglangSeries() []series {
	return []series{
		runningSeries("num_running_reqs"), waitingSeries("num_queue_reqs"), kvSeries("token_usage"),
		promptSeries("prompt_tokens_total"), cachedSeries("cached_tokens_total"), generatedSeries("generation_tokens_total"),
		finishedSeries("num_requests_total"), abortedSeries("num_aborted_requests_total"),
		neverSeries("num_retracted_requests_total", "Requests retracted."),
		queueSeries("queue_time_seconds"), ttftSeries("time_to_first_token_seconds"), e2eSeries("e2e_request_latency_seconds"),
	}
}
