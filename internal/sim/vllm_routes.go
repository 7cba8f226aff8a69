package sim

import "strconv"

func (v *vllm) routes() map[string]route {
	ranked := route{endpoint: rerank, read: readRerank, format: vllmPooling{v}, stream: streamNever}
	scored := route{endpoint: score, read: readScore, format: vllmPooling{v}, stream: streamNever}
	return map[string]route{
		"/v1/chat/completions":     {endpoint: chat, read: readChat, format: v},
		"/v1/completions":          {endpoint: completions, read: readCompletions, format: v},
		"/v1/responses":            {endpoint: responses, read: readResponses, format: v.responses()},
		"/v1/messages":             {endpoint: messages, read: readMessages, format: v.messages()},
		"/inference/v1/generate":   {endpoint: generate, read: readTokens, format: vllmTokens{v}},
		"/v1/embeddings":           {endpoint: embeddings, read: readEmbeddings, format: vllmEmbeddings{v}, stream: streamNever},
		"/v2/embed":                {endpoint: embeddings, read: readCohere, format: vllmCohere{v}, stream: streamNever},
		"/pooling":                 {endpoint: pooling, read: readEmbeddings, format: vllmPooling{v}, stream: streamNever},
		"/classify":                {endpoint: classify, read: readEmbeddings, format: vllmPooling{v}, stream: streamNever},
		"/score":                   scored,
		"/v1/score":                scored,
		"/rerank":                  ranked,
		"/v1/rerank":               ranked,
		"/v2/rerank":               ranked,
		"/v1/audio/transcriptions": {endpoint: audio, format: vllmAudio{v}},
		"/v1/models":               getting((*exchange).openAIModels),
		"/health":                  {methods: "GET", answer: healthy},
		"/ping":                    {methods: "GET POST", answer: healthy},
		"/metrics":                 getting(func(x *exchange) { x.metrics("vllm:", `,engine="0"`, vllmSeries()) }),
		"/tokenize":                posting((*exchange).tokenize),
		"/version":                 getting(func(x *exchange) { x.respondJSON([]byte(`{"version":"` + version + `"}`)) }),
		"/reset_prefix_cache":      posting((*exchange).resetPrefixCache),
		"/":                        getting((*exchange).root),
	}
}

func vllmSeries() []series {
	return []series{
		runningSeries("num_requests_running"), waitingSeries("num_requests_waiting"), kvSeries("kv_cache_usage_perc"),
		promptSeries("prefix_cache_queries_total"), cachedSeries("prefix_cache_hits_total"),
		neverSeries("num_preemptions_total", "Requests preempted."),
		promptSeries("prompt_tokens_total"), cachedSeries("prompt_tokens_cached_total"), generatedSeries("generation_tokens_total"),
		successSeries("request_success_total"), ttftSeries("time_to_first_token_seconds"), e2eSeries("e2e_request_latency_seconds"),
		queueSeries("request_queue_time_seconds"),
		spanSeries("request_prefill_time_seconds", "Time of prefill.", func(s *spans) *histogram { return &s.prefill }),
		spanSeries("request_decode_time_seconds", "Time of decode.", func(s *spans) *histogram { return &s.decode }),
	}
}

// resetPrefixCache refuses while blocks are held, as vLLM does.
func (x *exchange) resetPrefixCache() {
	running, _ := x.s.queue.load()
	if running == 0 {
		x.s.cache.clear()
	}
	x.respondJSON([]byte(`{"success":` + strconv.FormatBool(running == 0) + `}`))
}
