package main

import "strings"

// Fields of Ollama's own requests, whose sampling is in options and whose
// streams are on unless turned off.
const (
	ollamaShort = `"options":{"seed":7,"temperature":1,"num_predict":12}`
	ollamaWhole = `"stream":false,`
)

// ollamaCases is run against a server started by ../ollama.sh.
func ollamaCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const (
		apiChat  = "/api/chat"
		generate = "/api/generate"
		prompt   = `"prompt":"Once upon a time"`
		embed    = "/api/embed"
		ending   = `"done":true,"done_reason":"length"`
	)
	all := append([]scenario{
		get("root", "/", "the root tells the engine", "Ollama is running"),
		get("version", "/api/version", "the version endpoint", `"version"`),
		get("models", "/v1/models", "the model list; owned_by does not tell the engine", `"id":"tiny`),
		get("tags", "/api/tags", "the engine's own model list", `"tiny`),

		p("chat-load", apiChat, `"messages":[]`, "no messages: the model is loaded, no tokens", `"done_reason":"load"`).without(`"eval_count"`),
		p("chat-stream", apiChat, hello+","+ollamaShort, "NDJSON, on though not asked for; counts on the last line", ending, `"eval_count":12`),
		p("chat-nonstream", apiChat, ollamaWhole+hello+","+ollamaShort, "one JSON body", ending, `"eval_count":12`),
		p("chat-stream-logprobs", apiChat, hello+","+ollamaShort+`,"logprobs":true`, "logprobs on each line, one entry per token", `"logprobs":[`),
		p("chat-stream-eos", apiChat, `"messages":[{"role":"user","content":"Say hello."}],"options":{"temperature":0,"num_predict":60}`, "ends by itself: the end token has no line", `"done_reason":"stop"`),
		p("chat-stream-stop", apiChat, hello+`,"options":{"temperature":0,"num_predict":60,"stop":["!","?","."]}`, "ends at a stop string", `"done_reason":"stop"`),
		p("chat-stream-format", apiChat, hello+`,"format":{"type":"object","properties":{"unit":{"type":"string","enum":["c","f"]}},"required":["unit"]},"options":{"temperature":0,"num_predict":40}`, "a schema for the answer", `"done":true`),
		p("chat-stream-utf8", apiChat, `"messages":[{"role":"user","content":"😀😀😀😀😀😀😀😀"}],"format":{"const":"😀🚀🦜🥝"},"options":{"temperature":0,"num_predict":40}`, "tokens that end within a character have no line", `"done":true`, "🦜"),

		p("generate-stream", generate, prompt+","+ollamaShort, "response instead of message; context at the end", `"response":`, `"context":[`, ending),
		p("generate-nonstream", generate, ollamaWhole+prompt+","+ollamaShort, "one JSON body", `"response":`, ending),
		p("generate-stream-raw", generate, prompt+`,"raw":true,`+ollamaShort, "without the template, and so without context", ending).without(`"context"`),

		p("embed", embed, `"input":"Once upon a time"`, "prompt_eval_count", `"embeddings":[[`, `"prompt_eval_count"`),
		p("embed-batch", embed, `"input":["Once upon a time","there was an engine"]`, "prompt_eval_count sums the inputs", `"embeddings":[[`, `"prompt_eval_count"`),
		p("embeddings", "/api/embeddings", `"prompt":"Once upon a time"`, "the older endpoint: no counts", `"embedding":[`).without("count"),

		p("error-400", apiChat, `"messages":7`, "a field of the wrong type", `"error"`).fails(400),
		p("error-400-tools", apiChat, hello+","+setUnit, "a model without tools", "does not support tools").fails(400),
		post("error-404-model", apiChat, "nobody", hello, "a model that is not there", `"error"`).fails(404),
		get("error-404-path", "/v1/nothing", "a path that is not there", "404 page not found").fails(404),
	}, append(ollamaMappedCases(model), ollamaToolCases("tools")...)...)
	for i := range all {
		all[i].host = "engine.localhost" // listening on the loopback interface, it takes no other
	}
	return append(all, get("error-403-host", "/api/version", "a Host that is not the machine's own: refused without a word").fails(403))
}

// ollamaMappedCases are the dialects that Ollama maps to its own.
func ollamaMappedCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const respond = `"input":"Say hello to the people who wait for tokens.","max_output_tokens":12`
	return []scenario{
		p("v1-chat-stream", chat, streaming+hello+","+short, "the role is on every event; a finish event of its own", `"finish_reason":"length"`, done).without(`"usage"`),
		p("v1-chat-stream-usage", chat, streaming+hello+","+short+","+usage, "one more event with choices:[]", `"choices":[]`, `"completion_tokens":12`, done),
		p("v1-chat-nonstream", chat, hello+","+short, "one JSON body with usage", `"completion_tokens":12`),
		p("v1-completions-stream", completions, streaming+story+","+short, "no usage", done).without(`"usage"`),
		p("v1-completions-stream-usage", completions, streaming+story+","+short+","+usage, "a usage of zeros on every event but the last", `"completion_tokens":0`, `"completion_tokens":12`, done),
		p("v1-completions-nonstream", completions, story+","+short, "one JSON body with usage", `"completion_tokens":12`),
		p("v1-responses-stream", responses, streaming+respond, "named events with sequence_number", "event: response.created", "event: response.completed").without(done),
		p("v1-responses-nonstream", responses, respond, "usage.input_tokens and output_tokens", `"output_tokens":12`),
		p("v1-messages-stream", messages, streaming+hello+`,"max_tokens":12`, "input_tokens of message_start is an estimate; message_delta has the count", "event: message_start", "event: message_delta").without(done),
		p("v1-messages-nonstream", messages, hello+`,"max_tokens":12`, "usage", `"output_tokens":12`),
		p("v1-embeddings", "/v1/embeddings", `"input":"Once upon a time"`, "usage.prompt_tokens", `"prompt_tokens"`),
		p("v1-error-400", chat, `"messages":[]`, "a missing message", `"error":{`).fails(400),
		post("v1-error-404-model", chat, "nobody", hello, "a model that is not there", `"error":{`).fails(404),
		post("v1-messages-error-404", messages, "nobody", hello+`,"max_tokens":12`, "the same in Anthropic's form", `"type":"error"`).fails(404),
	}
}

// ollamaToolCases ask a model whose template knows tools and thinking.
func ollamaToolCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	const (
		say    = `"messages":[{"role":"user","content":"Set the unit to f."}]`
		coldly = `,"options":{"temperature":0,"num_predict":80}`
	)
	tools := "," + strings.Replace(setUnit, `"strict":true,`, "", 1)
	return []scenario{
		p("tools-chat-stream", "/api/chat", say+coldly+tools, "the whole call on one line", `"tool_calls":[`, `"done":true`),
		p("tools-chat-nonstream", "/api/chat", ollamaWhole+say+coldly+tools, "message.tool_calls", `"tool_calls":[`),
		p("tools-v1-chat-stream", chat, streaming+say+`,"temperature":0,"max_tokens":80`+tools+","+usage, "the whole call in one event", `"tool_calls":[`, done),
		p("thinking-chat-stream", "/api/chat", `"messages":[{"role":"user","content":"Say hello."}],"think":true`+coldly, "message.thinking, then message.content; lines that the parser swallows", `"thinking":`, `"done":true`),
		p("thinking-v1-chat-stream", chat, streaming+`"messages":[{"role":"user","content":"Say hello."}],"temperature":0,"max_tokens":80,`+usage, "delta.reasoning", `"reasoning":`, done),
	}
}
