package main

import "strings"

const (
	chat        = "/v1/chat/completions"
	completions = "/v1/completions"
	responses   = "/v1/responses"
	messages    = "/v1/messages"
)

// Fields of requests, shared by the scenarios.
const (
	short     = seeded + `,"max_tokens":12`
	story     = `"prompt":"Once upon a time there was an engine that"`
	batch     = `"prompt":["Once upon a time","There was an engine that wrote tokens all night"]`
	streaming = `"stream":true,`
	setUnit   = `"tools":[{"type":"function","function":{"name":"set_unit","strict":true,"parameters":{"type":"object","properties":{"unit":{"type":"string","enum":["c","f"]}},"required":["unit"],"additionalProperties":false}}}]`
)

// vllmCases is run against a server started by ../vllm.sh.
func vllmCases(model string) []scenario {
	long := strings.Repeat("Tokens go down the wire one by one, and the cache keeps what it has seen. ", 24)
	history := `"messages":[{"role":"user","content":"` + long + `"}]`
	cached := history + `,"stream":true,` + short + "," + usage
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	return []scenario{
		get("version", "/version", "the version endpoint", `"version"`),
		get("models", "/v1/models", "the model list; owned_by tells the engine", `"owned_by":"vllm"`),
		get("health", "/health", "empty body"),

		p("chat-nonstream", chat, hello+","+short, "one JSON body with usage", `"completion_tokens":12`),
		p("chat-stream", chat, streaming+hello+","+short, "no usage asked, none told", `"finish_reason":"length"`, done).without(`"usage"`),
		p("chat-stream-usage", chat, streaming+hello+","+short+","+usage, "one more event with choices:[]", `"choices":[],"usage":{`, done),
		p("chat-stream-continuous", chat, streaming+hello+","+short+","+continuous, "usage on every event", `"completion_tokens":1,`, done),
		p("chat-stream-continuous-alone", chat, streaming+hello+","+short+`,"stream_options":{"continuous_usage_stats":true}`, "continuous_usage_stats without include_usage does nothing", done).without(`"usage"`),
		p("chat-stream-empty-options", chat, streaming+hello+","+short+`,"stream_options":{}`, "as if not there", done).without(`"usage"`),
		p("chat-stream-n2", chat, streaming+hello+","+short+`,"n":2`, "two choices interleaved, no usage", `"index":1`, done).without(`"usage"`),
		p("chat-stream-n2-usage", chat, streaming+hello+","+short+`,"n":2,`+usage, "final usage sums the choices", `"completion_tokens":24`, done),
		p("chat-stream-n2-continuous", chat, streaming+hello+","+short+`,"n":2,`+continuous, "usage per choice, the final one sums", `"completion_tokens":24`, done),
		p("chat-nonstream-n2", chat, hello+","+short+`,"n":2`, "usage sums the choices", `"completion_tokens":24`),
		p("chat-stream-long", chat, streaming+hello+","+seeded+`,"max_tokens":200,`+usage, "some hundred events, some with partial UTF-8 and so no text", done),
		p("chat-stream-one-token", chat, streaming+hello+`,"temperature":0,"max_tokens":1,`+usage, "role event, one token with finish_reason, usage", `"completion_tokens":1`, done),
		p("chat-stream-eos", chat, streaming+hello+","+short+`,"logit_bias":{"2":100},`+continuous, "EOS at once: empty text, one token counted", `"finish_reason":"stop"`, done),
		p("chat-stream-stop-string", chat, streaming+hello+`,`+seeded+`,"max_tokens":200,"stop":["e"],`+continuous, "text held back while it may be the stop string", `"stop_reason":"e"`, done),
		p("chat-stream-logprobs", chat, streaming+hello+","+short+`,"logprobs":true,"top_logprobs":2,`+usage, "one logprobs entry per token", `"logprobs":{"content":[`, done),
		p("chat-stream-token-ids", chat, streaming+hello+","+short+`,"return_token_ids":true`, "token_ids on every event, prompt_token_ids on the first", `"prompt_token_ids":[`, done),
		p("chat-stream-interval", chat, streaming+hello+","+short+`,"stream_interval":4,`+continuous, "several tokens per event", done),
		p("chat-stream-request-id", chat, streaming+hello+","+short, "X-Request-Id becomes part of the id", `"id":"chatcmpl-tokenomics-42"`, done).with("X-Request-Id: tokenomics-42"),

		p("completions-nonstream", completions, story+","+short, "one JSON body with usage", `"completion_tokens":12`),
		p("completions-stream", completions, streaming+story+","+short, "no usage asked, none told", done).without(`"usage":{`),
		p("completions-stream-usage", completions, streaming+story+","+short+","+usage, "one more event with choices:[]", `"choices":[]`, `"completion_tokens":12`, done),
		p("completions-stream-continuous", completions, streaming+story+","+short+","+continuous, "usage on every event", `"completion_tokens":1`, done),
		p("completions-batch-nonstream", completions, batch+","+short, "two prompts, usage sums", `"completion_tokens":24`),
		p("completions-batch-stream", completions, streaming+batch+","+short, "two prompts interleaved, no usage", `"index":1`, done).without(`"usage":{`),
		p("completions-batch-continuous", completions, streaming+batch+","+short+`,"n":2,`+continuous, "index = prompt*n + sample; usage of that prompt and choice", `"index":3`, `"completion_tokens":48`, done),
		p("completions-stream-echo", completions, streaming+story+","+short+`,"echo":true,`+continuous, "prompt text in the first event, not in usage", `"text":"Once upon a time`, done),
		p("completions-stream-logprobs", completions, streaming+story+","+short+`,"logprobs":1,`+usage, "logprobs.tokens per event", `"tokens":[`, done),

		p("cache-cold", chat, cached+`,"cache_salt":"first"`, "a prompt the engine has not seen", `"cached_tokens":0`, done),
		p("cache-warm", chat, cached+`,"cache_salt":"first"`, "the same again: cached_tokens", done).without(`"cached_tokens":0`),
		p("cache-fresh-salt", chat, cached+`,"cache_salt":"second"`, "the same with another cache_salt: not cached", `"cached_tokens":0`, done),
		p("cache-warm-nonstream", chat, strings.Replace(cached, `"stream":true,`+short+","+usage, short, 1)+`,"cache_salt":"second"`, "cached_tokens in a JSON body").without(`"cached_tokens":0`),

		p("responses-stream", responses, streaming+`"input":"Say hello","max_output_tokens":12`, "named events, no [DONE]", "event: response.created").without(done),
		p("messages-stream", messages, streaming+hello+`,"max_tokens":12`, "the Anthropic dialect", "event: message_start", "event: message_stop").without(done),

		p("responses-nonstream", responses, `"input":"Say hello","max_output_tokens":12,"temperature":0`, "usage at the end; incomplete, as it was cut", `"output_tokens":12`, `"status":"incomplete"`),
		p("responses-stream-incomplete", responses, streaming+`"input":"Say hello","max_output_tokens":12,"temperature":0`, "cut at 12: how the last event calls it", `"status":"incomplete"`, `"output_tokens":12`).without(done),
		p("responses-error-400", responses, `"input":7`, "a field of the wrong type", `"error"`).fails(400),
		p("messages-nonstream", messages, hello+`,"max_tokens":12,"temperature":0`, "one JSON body with usage", `"output_tokens":12`, `"stop_reason":"max_tokens"`),
		p("messages-stream-cold", messages, streaming+history+`,"max_tokens":12,"temperature":0`, "a long prompt that the engine has not seen", "event: message_delta", `"cache_read_input_tokens":0`).without(done),
		p("messages-stream-cached", messages, streaming+history+`,"max_tokens":12,"temperature":0`, "the same again: input_tokens of message_start has the cached ones, that of message_delta not", "event: message_delta", `"cache_read_input_tokens":`).without(done, `"cache_read_input_tokens":0`),
		p("messages-count-tokens", "/v1/messages/count_tokens", hello, "counts, and generates nothing", `"input_tokens"`),
		p("messages-error-400", messages, hello+`,"max_tokens":-1`, "a value out of range, not in Anthropic's form", `"error"`).fails(400),
		post("messages-error-404", messages, "nobody", hello+`,"max_tokens":12`, "a model that is not there, in Anthropic's form", `"error"`).fails(404),
		p("chat-batch-nonstream", chat+"/batch", `"messages":[[{"role":"user","content":"Say hello."}],[{"role":"user","content":"Say goodbye to the people who wait for tokens."}]],`+short, "two conversations in one request", `"completion_tokens":24`),
		p("generative-scoring", "/generative_scoring", `"query":"Is it true? ","items":["Engines write tokens.","Cats sleep."],"label_token_ids":[300,301]`, "scores from the next token", `"usage"`),

		p("error-400-max-tokens", chat, hello+`,"max_tokens":-1`, "a value out of range", `"error"`).fails(400),
		p("error-400-too-long", chat, hello+`,"max_tokens":100000`, "more than the context window", `"error"`).fails(400),
		p("error-400-stream-options", chat, hello+","+short+","+usage, "stream_options without stream", `"error"`).fails(400),
		p("error-400-stream", chat, streaming+hello+`,"max_tokens":-1`, "a stream refused before its first event is plain JSON", `"error"`).fails(400),
		p("error-400-not-json", chat, `"messages":`, "a body that is not JSON", `"error"`).fails(400),
		p("error-400-no-messages", chat, short, "a missing field", `"error"`).fails(400),
		post("error-404-model", chat, "nobody", hello, "a model that is not there", `"error"`).fails(404),
		get("error-404-path", "/v1/nothing", "a path that is not there", "Not Found").fails(404),
	}
}

// vllmToolCases is run against a server with a tool call parser.
func vllmToolCases(model string) []scenario {
	// With another seed the random model fills the grammar's white space for ever.
	const calling = streaming + hello + `,"max_tokens":100,"temperature":1,"seed":3,` + setUnit
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	named := `,"tool_choice":{"type":"function","function":{"name":"set_unit"}}`
	return []scenario{
		p("tools-chat-stream", chat, calling+`,"tool_choice":"required",`+continuous, "tool call deltas; steps that parse to nothing have no event", `"tool_calls"`, done),
		p("tools-chat-stream-named", chat, calling+named, "a named tool", `"tool_calls"`, done),
		p("tools-chat-nonstream", chat, strings.TrimPrefix(calling, streaming)+named, "message.tool_calls", `"tool_calls"`),
		p("tools-chat-stream-none", chat, streaming+hello+","+short+","+continuous, "no tool in it, but the parser at work: no event for a token without text", done),
	}
}

// vllmReasoningCases is run against a server with a reasoning parser (token 6 of
// the tiny model is </think>).
func vllmReasoningCases(model string) []scenario {
	const thinking = `"logit_bias":{"6":5},"max_tokens":40,` + seeded
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	return []scenario{
		p("reasoning-chat-stream", chat, streaming+hello+","+thinking, "delta.reasoning, then delta.content; steps without text have no event", `"reasoning":`, `"content":`, done).without(`"usage"`),
		p("reasoning-chat-stream-usage", chat, streaming+hello+","+thinking+","+usage, "reasoning_tokens in the final usage", `"reasoning_tokens":`, done),
		p("reasoning-chat-stream-continuous", chat, streaming+hello+","+thinking+","+continuous, "usage jumps over the steps without event", `"reasoning_tokens":`, done),
		p("reasoning-chat-stream-hidden", chat, streaming+hello+","+thinking+`,"include_reasoning":false,`+continuous, "reasoning hidden: counted, no events", done),
		p("reasoning-chat-nonstream", chat, hello+","+thinking, "message.reasoning and reasoning_tokens", `"reasoning":`, `"reasoning_tokens":`),
	}
}

// vllmForcedCases is run against a server that tells usage and its own timings unasked.
func vllmForcedCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	return []scenario{
		p("forced-chat-stream", chat, streaming+hello+","+short, "usage on every event though not asked; metrics on the last", `"usage":{`, `"choices":[],`, `"metrics"`, done),
		p("forced-completions-stream", completions, streaming+story+","+short, "the same on completions", `"usage":{`, `"choices":[],`, `"metrics"`, done),
		p("forced-chat-nonstream", chat, hello+","+short, "metrics in the body", `"metrics":{`),
		p("forced-chat-nonstream-n2", chat, hello+","+short+`,"n":2`, "no metrics where there are two choices", `"metrics":null`),
		p("forced-responses-nonstream", responses, `"input":"Say hello","max_output_tokens":12,"temperature":0`, "metrics of Responses", `"metrics":{`),
		p("forced-responses-stream", responses, streaming+`"input":"Say hello","max_output_tokens":12,"temperature":0`, "metrics in the response that ends the stream", `"metrics":{`).without(done),
	}
}

// vllmScaleOutCases is run against a server with --enable-scale-out: tokens in,
// tokens out, and a way to abort what runs.
func vllmScaleOutCases(model string) []scenario {
	const (
		path     = "/inference/v1/generate"
		abort    = "/inference/v1/abort_requests"
		sampling = `"sampling_params":{"max_tokens":12,"temperature":1,"seed":7}`
		ask      = `"token_ids":[300,301,302,303,304,305,306,307],` + sampling
		endless  = `,"temperature":1,"seed":7,"ignore_eos":true,"max_tokens":900`
	)
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	stop := func(id string) scenario { return post("", abort, model, `"request_ids":["`+id+`"]`, "") }
	return []scenario{
		p("generate-stream", path, streaming+ask, "token ids, no text, no usage", `"token_ids":[`, done).without(`"usage":{`),
		p("generate-stream-usage", path, streaming+ask+","+usage, "one more event with choices:[]", `"completion_tokens":12`, done),
		p("generate-stream-continuous", path, streaming+ask+","+continuous, "usage on every event", `"completion_tokens":1,`, done),
		p("generate-stream-n2", path, streaming+strings.Replace(ask, `"seed":7`, `"seed":7,"n":2`, 1)+","+continuous, "usage per choice", `"index":1`, `"completion_tokens":24`, done),
		p("generate-stream-text", path, streaming+ask+`,"output_mode":"text",`+continuous, "text for ids", `"output_mode":"text"`, done),
		p("generate-nonstream", path, ask, "usage and token ids", `"completion_tokens":12`, `"token_ids":[`),
		p("generate-error-400", path, `"token_ids":"many",`+sampling, "a field of the wrong type", `"error"`).fails(400),
		p("abort-chat-stream", chat, streaming+hello+endless+","+continuous, "aborted at the engine: a finish_reason of its own, usage and [DONE]", `"finish_reason":"abort"`, done).
			with("X-Request-Id: endless").meanwhile(stop("chatcmpl-endless")),
	}
}

// vllmEmbedCases is run against a server that embeds.
func vllmEmbedCases(model string) []scenario {
	const path = "/v1/embeddings"
	return []scenario{
		post("embeddings", path, model, `"input":"Once upon a time"`, "usage.prompt_tokens", `"prompt_tokens":`),
		post("embeddings-batch", path, model, `"input":["Once upon a time","there was an engine"],"encoding_format":"base64"`, "usage sums the inputs", `"index":1`, `"prompt_tokens":`),
		post("embeddings-bytes", path, model, `"input":"Once upon a time","encoding_format":"bytes"`, "raw octets; usage is in the metadata header"),
		post("embeddings-bytes-only", path, model, `"input":"Once upon a time","encoding_format":"bytes_only"`, "raw octets; usage is told nowhere"),
		post("embeddings-cohere", "/v2/embed", model, `"texts":["Once upon a time"],"embedding_types":["float"]`, "Cohere's form: meta.billed_units", `"billed_units"`),
		post("embeddings-pooling", "/pooling", model, `"input":"Once upon a time","task":"embed"`, "usage.prompt_tokens", `"prompt_tokens":`),
		post("embeddings-score", "/score", model, `"text_1":"What writes tokens?","text_2":["An engine does.","A cat does not."]`, "usage sums the texts", `"score":`, `"prompt_tokens":`),
		post("embeddings-rerank", "/v1/rerank", model, `"query":"What writes tokens?","documents":["An engine does.","A cat does not."]`, "usage sums the texts", `"relevance_score":`, `"prompt_tokens":`),
		post("embeddings-rerank-top", "/rerank", model, `"query":"What writes tokens?","documents":["An engine does.","A cat does not."],"top_n":1`, "fewer results, the same usage", `"relevance_score":`, `"prompt_tokens":`),
		post("embeddings-error-400", path, model, `"input":7`, "a field of the wrong type", `"error"`).fails(400),
		post("embeddings-error-400-too-long", path, model, `"input":"`+strings.Repeat("Once upon a time ", 1000)+`"`, "more than the context window", `"error"`).fails(400),
		post("embeddings-chat-404", chat, model, hello, "routes are only there for tasks that the model supports").fails(404),
	}
}

// vllmClassifyCases is run against a server that classifies.
func vllmClassifyCases(model string) []scenario {
	return []scenario{
		post("classify", "/classify", model, `"input":["Once upon a time","there was an engine"]`, "usage.prompt_tokens", `"probs":`, `"prompt_tokens":`),
	}
}
