package main

import "strings"

// llamacppCases is run against a server started by ../llamacpp.sh. Its model
// knows English and ends its answers, so each case says how long they may be.
func llamacppCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	long := strings.Repeat("The engine reads a long prompt before it writes a single token. ", 70)
	return append([]scenario{
		get("models", "/v1/models", "the model list; owned_by tells the engine", `"owned_by":"llamacpp"`),
		get("props", "/props", "build_info is the version", `"build_info"`),
		p("chat-nonstream", chat, hello+","+short, "one JSON body with usage and timings", `"usage"`, `"timings"`),
		p("chat-stream", chat, streaming+hello+","+short, "no usage; timings on the finish event", `"timings"`, done).without(`"usage"`),
		p("chat-stream-usage", chat, streaming+hello+","+short+","+usage, "timings move to the usage event", `"choices":[]`, `"usage"`, `"timings"`, done),
		p("chat-stream-n2", chat, streaming+hello+","+short+`,"n":2,`+usage, "two choices", `"index":1`, done),
		p("completions-nonstream", completions, story+","+short, "one JSON body with usage", `"usage"`),
		p("completions-stream", completions, streaming+story+","+short, "usage on the last event unasked", `"usage"`, done),
		p("chat-stream-timings", chat, streaming+hello+","+short+`,"timings_per_token":true`, "timings on every event", `"timings"`, done),
		p("chat-stream-progress", chat, streaming+hello+","+short+`,"return_progress":true,"cache_prompt":false`, "role events with prompt_progress before the first token", `"prompt_progress"`, done),
		p("error-501-embeddings", "/v1/embeddings", `"input":"Once upon a time"`, "a server started without --embeddings", `"error"`).fails(501),
		p("error-400", chat, `"messages":7`, "a field of the wrong type", `"error"`).fails(400),
		p("error-404-path", "/v1/nothing", `"input":""`, "a path that is not there", `"error"`).fails(404),

		p("chat-nonstream-n2", chat, hello+","+short+`,"n":2`, "two choices, and the usage of the first alone", `"index":1`, `"completion_tokens":12`),
		p("chat-stream-n2-plain", chat, streaming+hello+","+short+`,"n":2`, "two choices; each finish event has timings of its own", `"index":1`, `"timings"`, done).without(`"usage"`),
		p("chat-stream-eos", chat, streaming+`"messages":[{"role":"user","content":"Say yes."}],"temperature":0,"grammar":"root ::= \"yes yes yes\"","max_tokens":40,`+usage, "the end token is counted and has no event", `"finish_reason":"stop"`, done),
		p("chat-stream-stop-string", chat, streaming+counting+`,"stop":["five"],"timings_per_token":true`, "text held back while it may be the stop string", `"finish_reason":"stop"`, done).without("five"),
		p("chat-stream-cached", chat, streaming+hello+","+short+","+usage, "most of the prompt from the cache", `"cached_tokens":`, `"cache_n":`, done).without(`"cached_tokens":0`),
		p("chat-stream-logprobs", chat, streaming+hello+","+short+`,"logprobs":true,"top_logprobs":2`, "one logprobs entry per event", `"logprobs":{"content":[`, done),
		p("chat-nonstream-logprobs", chat, hello+","+short+`,"logprobs":true,"top_logprobs":1`, "one logprobs entry per token", `"logprobs":{"content":[`),
		p("chat-stream-ping", chat, streaming+`"messages":[{"role":"user","content":"`+long+`"}],"cache_prompt":false,"sse_ping_interval":1,`+short, "comments while the prompt is read", "\n:\n\n", done),
		p("completions-stream-usage", completions, streaming+story+","+short+","+usage, "as without asking: usage on the finish event, no event of its own", `"usage"`, done).without(`"choices":[]`),
		p("completions-stream-logprobs", completions, streaming+story+","+short+`,"logprobs":2`, "logprobs.content, as chat has it, not logprobs.tokens", `"logprobs":{"content":[`, done),
		p("completions-batch-nonstream", completions, batch+","+short, "two prompts, and the usage of the first alone", `"index":1`, `"completion_tokens":12`),
		p("completions-batch-stream", completions, streaming+batch+","+short, "two prompts interleaved, usage on each finish event", `"index":1`, `"usage"`, done),
		p("error-400-too-long", chat, `"messages":[{"role":"user","content":"`+long+long+`"}]`, "more than the context window: numbers beside the message", `"exceed_context_size_error"`).fails(400),
		p("error-400-stream", chat, streaming+`"messages":[{"role":"user","content":"`+long+long+`"}]`, "a stream refused before its first event is plain JSON", `"exceed_context_size_error"`).fails(400),
		p("error-400-not-json", chat, `"messages":`, "a body that is not JSON", `"error"`).fails(400),
		p("error-501-infill", "/infill", `"input_prefix":"a","input_suffix":"b"`, "a model without the tokens for it", `"error"`).fails(501),
		p("error-501-rerank", "/v1/rerank", `"query":"a","documents":["b"]`, "a server started without --reranking", `"error"`).fails(501),
	}, append(llamacppNativeCases(model), llamacppMappedCases(model)...)...)
}

const (
	once     = `"prompt":"Once upon a time","n_predict":12,"seed":7`
	counting = `"messages":[{"role":"user","content":"Count from one to ten in words."}],"temperature":0,"grammar":"root ::= \"one two three four five six\"","max_tokens":40`
)

// llamacppNativeCases are the engine's own endpoints, without [DONE].
func llamacppNativeCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...).without(done)
	}
	const completion = "/completion"
	two := strings.Replace(once, `"Once upon a time"`, `["Once upon a time","There was an engine that wrote tokens all night"]`, 1)
	return []scenario{
		p("native-stream", completion, streaming+once, "the engine's own endpoint, no [DONE]", `"stop":true`),
		p("native-nonstream", completion, once, "tokens_predicted, tokens_evaluated and timings", `"tokens_predicted":12`, `"stop_type":"limit"`),
		p("native-completions-stream", "/completions", streaming+once, "the same without /v1, not OpenAI's", `"stop":true`),
		p("native-completions-nonstream", "/completions", once, "the same without /v1, not OpenAI's", `"tokens_predicted":12`),
		p("native-stream-timings", completion, streaming+once+`,"timings_per_token":true`, "timings on every event", `"predicted_n":1,`),
		p("native-stream-progress", completion, streaming+once+`,"return_progress":true,"cache_prompt":false`, "prompt_progress before the first token, with tokens_predicted 0", `"prompt_progress"`, `"tokens_predicted":0`),
		p("native-stream-cached", completion, streaming+once, "the same again: cache_n, while tokens_evaluated stays", `"stop":true`).without(`"cache_n":0`),
		p("native-stream-probs", completion, streaming+once+`,"n_probs":2`, "completion_probabilities on every event", `"completion_probabilities"`),
		p("native-nonstream-probs", completion, once+`,"n_probs":1`, "one completion_probabilities entry per token", `"completion_probabilities"`),
		p("native-nonstream-tokens", completion, once+`,"return_tokens":true`, "ids of all tokens", `"tokens":[`).without(`"tokens":[]`),
		p("native-stream-stop-word", completion, streaming+`"prompt":"Count:","grammar":"root ::= \"one two three four five six\"","n_predict":40,"stop":["five"],"seed":7`, "text held back while it may be the stop word", `"stop_type":"word"`, `"stopping_word":"five"`),
		p("native-stream-eos", completion, streaming+once+`,"logit_bias":[[2,100]]`, "ends at once: one token predicted, none seen", `"stop_type":"eos"`),
		p("native-stream-batch", completion, streaming+two, "two prompts interleaved, by index", `"index":1`),
		p("native-nonstream-batch", completion, two, "an array, one entry per prompt", `"index":1`),
		p("native-stream-n2", completion, streaming+once+`,"n":2`, "two choices of one prompt, by index", `"index":1`),
		p("native-nonstream-n2", completion, once+`,"n":2`, "an array, one entry per choice", `"index":1`),
		p("native-stream-fields", completion, streaming+once+`,"response_fields":["content","stop"]`, "fields are left out of the last event only", `"stop":true}`),
		p("native-nonstream-fields", completion, once+`,"response_fields":["content"]`, "no counts at all", `"content"`).without(`"tokens_predicted"`),
		p("native-nonstream-none", completion, `"prompt":"Once upon a time","n_predict":0`, "none asked, one written all the same", `"tokens_predicted":1`),
		p("native-error-400", completion, `"prompt":"Once upon a time","n_predict":"many"`, "a field of the wrong type", `"error"`).fails(400),
		p("native-error-400-stream", completion, streaming+`"prompt":"`+strings.Repeat("Once upon a time ", 400)+`"`, "a stream refused before its first event is plain JSON", `"exceed_context_size_error"`).fails(400),
	}
}

// llamacppMappedCases are the dialects that the engine maps to its own.
func llamacppMappedCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const (
		respond = `"input":"Say hello to the people who wait for tokens.","max_output_tokens":12,` + seeded
		message = hello + `,"max_tokens":12,"temperature":0` // a seed is not passed on
	)
	return []scenario{
		p("responses-stream", responses, streaming+respond, "named events without sequence_number, no [DONE]; usage at the end", "event: response.created", "event: response.completed", `"output_tokens":12`).without(done),
		p("responses-nonstream", responses, respond, "usage.input_tokens and output_tokens; completed though cut at 12", `"output_tokens":12`, `"status":"completed"`),
		p("responses-stream-timings", responses, streaming+respond+`,"timings_per_token":true`, "timings on the last event of each step", `"predicted_n":1,`),
		p("responses-error-400", responses, `"input":7`, "a field of the wrong type", `"error"`).fails(400),

		p("messages-stream", messages, streaming+message, "the Anthropic dialect", "event: message_start", "event: message_stop", `"stop_reason":"max_tokens"`).without(done),
		p("messages-stream-cached", messages, streaming+message, "input_tokens is without what came from the cache", `"cache_read_input_tokens"`).without(`"cache_read_input_tokens":0`),
		p("messages-nonstream", messages, message, "usage with cache_read_input_tokens", `"output_tokens":12`, `"stop_reason":"max_tokens"`),
		p("messages-count-tokens", "/v1/messages/count_tokens", hello, "counts, and generates nothing", `"input_tokens"`),
		p("messages-error-500", messages, `"max_tokens":12`, "a missing field is called a server error, in the engine's own form", `"server_error"`).fails(500),
	}
}

// llamacppToolCases is run against a server whose template knows tools and
// reasoning.
func llamacppToolCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const (
		schema      = `{"type":"object","properties":{"unit":{"type":"string","enum":["c","f"]}},"required":["unit"]}`
		coldly      = `,"temperature":0,"max_tokens":60`
		say         = `"messages":[{"role":"user","content":"Set the unit to f."}]`
		calling     = say + coldly + `,"tool_choice":"required",` + setUnit
		respondTool = `"input":"Set the unit to f.","temperature":0,"max_output_tokens":60,"tool_choice":"required","tools":[{"type":"function","name":"set_unit","parameters":` + schema + `}]`
		messageTool = say + coldly + `,"tool_choice":{"type":"any"},"tools":[{"name":"set_unit","input_schema":` + schema + `}]`
		thinking    = `,"grammar":"root ::= \"<think>\\nThey wait.\\n</think>\\n\\nHello to you all.\""`
	)
	return []scenario{
		p("tools-chat-stream", chat, streaming+calling+`,"timings_per_token":true`, "tool call deltas; a step that parses to nothing has no event", `"tool_calls"`, done),
		p("tools-chat-nonstream", chat, calling, "message.tool_calls", `"tool_calls"`),
		p("tools-responses-stream", responses, streaming+respondTool, "function call arguments", "event: response.function_call_arguments.delta"),
		p("tools-responses-nonstream", responses, respondTool, "a function_call in output", `"type":"function_call"`),
		p("tools-messages-stream", messages, streaming+messageTool, "input_json_delta", "input_json_delta", `"stop_reason":"tool_use"`),
		p("tools-messages-nonstream", messages, messageTool, "a tool_use block", `"type":"tool_use"`),
	}
}

// llamacppReasoningCases is run against the same, and a grammar that makes the
// model think first.
func llamacppReasoningCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const (
		ask     = hello + `,"temperature":0,"max_tokens":60`
		respond = `"input":"Say hello.","temperature":0,"max_output_tokens":60`
	)
	return []scenario{
		p("reasoning-chat-stream", chat, streaming+ask+`,"timings_per_token":true`, "delta.reasoning_content, then delta.content", `"reasoning_content"`, `"content"`, done),
		p("reasoning-chat-nonstream", chat, ask, "message.reasoning_content; usage does not tell it apart", `"reasoning_content"`),
		p("reasoning-responses-stream", responses, streaming+respond, "reasoning_text deltas", "event: response.reasoning_text.delta"),
		p("reasoning-messages-stream", messages, streaming+ask, "thinking_delta, then text_delta", "thinking_delta", "text_delta"),
	}
}

// llamacppUTF8Cases is run against a server whose grammar has characters of
// several tokens only: the first token has no event.
func llamacppUTF8Cases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const ask = hello + `,"temperature":0,"max_tokens":12`
	return []scenario{
		p("utf8-chat-stream", chat, streaming+ask, "no role event", done).without(`"role"`),
		p("utf8-completions-stream", completions, streaming+`"prompt":"Once","temperature":0,"max_tokens":12`, "fewer events than tokens", `"completion_tokens":12`, done),
		p("utf8-native-stream", "/completion", streaming+`"prompt":"Once","temperature":0,"n_predict":12`, "tokens_predicted jumps, and each event's tokens has its last one only", `"tokens_predicted":12`),
		p("utf8-responses-stream", responses, streaming+`"input":"Say hello.","temperature":0,"max_output_tokens":12`, "as ever", "event: response.completed"),
		p("utf8-messages-stream", messages, streaming+ask, "no message_start, so the prompt is never counted", "event: message_stop").without("message_start"),
	}
}

// llamacppEmbedCases is run against a server started with --embeddings.
func llamacppEmbedCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const path = "/v1/embeddings"
	return []scenario{
		p("embeddings", path, `"input":"Once upon a time"`, "usage.prompt_tokens", `"embedding"`, `"prompt_tokens"`),
		p("embeddings-batch", path, `"input":["Once upon a time","there was an engine"]`, "usage sums the inputs", `"index":1`),
		p("embeddings-base64", path, `"input":"Once upon a time","encoding_format":"base64"`, "a string for a vector", `"embedding":"`, `"prompt_tokens"`),
		p("embeddings-ids", path, `"input":[1,2,3],"encoding_format":"base64"`, "token ids for text", `"prompt_tokens":3`),
		p("embeddings-native", "/embedding", `"content":"Once upon a time"`, "the engine's own form: an array, no usage", `"embedding":[[`).without(`"usage"`),
		p("embeddings-error-400", path, `"text":"Once upon a time"`, "a missing field", `"error"`).fails(400),
	}
}

// llamacppRerankCases is run against a server started with --reranking.
func llamacppRerankCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const asked = `"query":"What writes tokens?"`
	return []scenario{
		p("rerank", "/v1/rerank", asked+`,"documents":["An engine writes tokens.","A cat sleeps."]`, "usage sums all pairs", `"relevance_score"`, `"prompt_tokens"`),
		p("rerank-top", "/v1/rerank", asked+`,"documents":["An engine writes tokens.","A cat sleeps."],"top_n":1`, "fewer results, the same usage", `"relevance_score"`, `"prompt_tokens"`),
		p("rerank-tei", "/rerank", asked+`,"texts":["An engine writes tokens.","A cat sleeps."]`, "the form of TEI: a bare array, no usage", `"score"`).without(`"usage"`),
		p("rerank-error-400", "/v1/rerank", asked, "no documents", `"error"`).fails(400),
	}
}

// llamacppInfillCases is run against a server whose model was told its tokens
// for filling in.
func llamacppInfillCases(model string) []scenario {
	const fields = `"input_prefix":"def hello():\n    ","input_suffix":"\n    return 1\n","n_predict":12,"seed":7`
	return []scenario{
		post("infill-stream", "/infill", model, streaming+fields, "as /completion", `"stop":true`).without(done),
		post("infill-nonstream", "/infill", model, fields, "as /completion", `"tokens_predicted":`),
	}
}

// llamacppFullCases is run against a server whose slots share a small cache, and
// which asks for a key: two answers outgrow it in the middle of their streams.
func llamacppFullCases(model string) []scenario {
	const key = "Authorization: Bearer secret"
	long := strings.Repeat("tokens and ", 96)
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...).with(key)
	}
	grow := `"messages":[{"role":"user","content":"` + long + `"}],"n":2,"max_tokens":100,` + seeded
	return []scenario{
		p("full-chat-stream", chat, streaming+grow+","+usage, "an error event in a stream, then its end without [DONE]", `"error"`).without(done),
		p("full-native-stream", "/completion", streaming+`"prompt":"`+long+`","n":2,"n_predict":100,"seed":7`, "the same on the engine's own endpoint", `"error"`),
		p("full-responses-stream", responses, streaming+`"input":"`+long+`","n":2,"max_output_tokens":100,`+seeded, "the same as an event without a name", `"error"`).without("event: error"),
		p("full-messages-stream", messages, streaming+grow, "event: error, whose data is not Anthropic's", "event: error").without("event: message_stop").meanwhile(p("", messages, streaming+grow, "")),
		p("full-chat-nonstream", chat, grow, "the same with a status of its own", `"error"`).fails(500),
		post("error-401", chat, model, hello, "no key", `"authentication_error"`).fails(401),
	}
}
