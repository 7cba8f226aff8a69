package main

import "strings"

// llamapythonCases is run against llama-cpp-python's server, started by
// ../llamapython.sh: uvicorn as vLLM has it, and JSON with blanks in it.
func llamapythonCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	long := strings.Repeat("Once upon a time ", 400)
	return []scenario{
		get("models", "/v1/models", "the model list; owned_by does not tell the engine", `"tiny"`),
		p("chat-stream", chat, streaming+hello+","+short, "blanks after colons and commas; role and finish events of their own", `"finish_reason": "length"`, "data: [DONE]").without(`"usage"`),
		p("chat-stream-usage", chat, streaming+hello+","+short+","+usage, "stream_options is not known here: no usage", "data: [DONE]").without(`"usage"`),
		p("chat-nonstream", chat, hello+","+short, "one JSON body with usage, without blanks", `"completion_tokens":12`),
		p("completions-stream", completions, streaming+story+","+short, "no usage; the last event has finish_reason", "data: [DONE]").without(`"usage"`),
		p("completions-nonstream", completions, story+","+short, "one JSON body with usage", `"completion_tokens":12`),
		p("error-400-too-long", completions, `"prompt":"`+long+`"`, "more than the context window", `"context_length_exceeded"`).fails(400),
		p("error-200-empty", completions, streaming+`"prompt":"`+long+`"`, "the same on a stream: a good head, and nothing after it"),
		get("error-404-path", "/v1/nothing", "a path that is not there", "Not Found").fails(404),
	}
}
