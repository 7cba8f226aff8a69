package main

// llamacppCases is run against llama.cpp's server with a tiny model.
func llamacppCases(model string) []scenario {
	p := func(name, path, fields, note string, want ...string) scenario {
		return post(name, path, model, fields, note, want...)
	}
	return []scenario{
		get("models", "/v1/models", "the model list; owned_by tells the engine", `"owned_by":"llamacpp"`),
		get("props", "/props", "build_info is the version", `"build_info"`),
		p("chat-nonstream", chat, hello+","+short, "one JSON body with usage and timings", `"usage"`, `"timings"`),
		p("chat-stream", chat, streaming+hello+","+short, "no usage; timings on the finish event", `"timings"`, done).without(`"usage"`),
		p("chat-stream-usage", chat, streaming+hello+","+short+","+usage, "timings move to the usage event", `"choices":[]`, `"usage"`, `"timings"`, done),
		p("chat-stream-n2", chat, streaming+hello+","+short+`,"n":2,`+usage, "two choices", `"index":1`, done),
		p("completions-nonstream", completions, story+","+short, "one JSON body with usage", `"usage"`),
		p("completions-stream", completions, streaming+story+","+short, "usage on the last event unasked", `"usage"`, done),
		p("native-stream", "/completion", streaming+`"prompt":"Once upon a time","n_predict":12,"seed":7`, "the engine's own endpoint, no [DONE]", `"stop":true`).without(done),
		p("chat-stream-timings", chat, streaming+hello+","+short+`,"timings_per_token":true`, "timings on every event", `"timings"`, done),
		p("chat-stream-progress", chat, streaming+hello+","+short+`,"return_progress":true,"cache_prompt":false`, "role events with prompt_progress before the first token", `"prompt_progress"`, done),
		p("error-501-embeddings", "/v1/embeddings", `"input":"Once upon a time"`, "a server started without --embeddings", `"error"`).fails(501),
		p("error-400", chat, `"messages":7`, "a field of the wrong type", `"error"`).fails(400),
		p("error-404-path", "/v1/nothing", `"input":""`, "a path that is not there", `"error"`).fails(404),
	}
}

// llamacppEmbedCases is run against a server started with --embeddings.
func llamacppEmbedCases(model string) []scenario {
	const path = "/v1/embeddings"
	return []scenario{
		post("embeddings", path, model, `"input":"Once upon a time"`, "usage.prompt_tokens", `"embedding"`, `"prompt_tokens"`),
		post("embeddings-batch", path, model, `"input":["Once upon a time","there was an engine"]`, "usage sums the inputs", `"index":1`),
	}
}
