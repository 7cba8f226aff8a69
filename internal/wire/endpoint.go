package wire

import "strings"

// endpoint is a path that is measured.
type endpoint struct {
	suffix string
	name   string // in Records
	// dialect is what is to be expected; the answer's shape decides.
	dialect string
	put     bool // SGLang takes it as PUT too
	edit    bool // the engine may be asked for more than the client asked
}

// endpoints are the paths that are measured, by how they end, so that a prefix
// in front of them (a gateway's, an --api-prefix) does not matter. The first
// that fits counts.
var endpoints = []endpoint{
	{suffix: "/chat/completions", name: "chat", dialect: dialectOpenAI, edit: true},
	{suffix: "/chat/completions/batch", name: "chat", dialect: dialectOpenAI},
	{suffix: "/v1/completions", name: "completions", dialect: dialectOpenAI, edit: true},
	{suffix: "/responses", name: "responses", dialect: dialectResponses},
	{suffix: "/v1/messages", name: "messages", dialect: dialectAnthropic},
	{suffix: "/inference/v1/generate", name: "generate", dialect: dialectVLLMGenerate},
	{suffix: "/api/generate", name: "generate", dialect: dialectOllama},
	{suffix: "/api/chat", name: "chat", dialect: dialectOllama},
	{suffix: "/generate_stream", name: "generate", dialect: dialectTGI},
	{suffix: "/generate", name: "generate", dialect: dialectSGLang, put: true},
	// llama.cpp's own; behind an API base without /v1 it may be OpenAI's.
	{suffix: "/completions", name: "generate", dialect: dialectLlamaCPP},
	{suffix: "/completion", name: "generate", dialect: dialectLlamaCPP},
	{suffix: "/infill", name: "generate", dialect: dialectLlamaCPP},
	{suffix: "/api/embeddings", name: "embeddings", dialect: dialectOllama},
	{suffix: "/invocations", name: "generate", dialect: dialectOpenAI}, // whatever its body is
	{suffix: "/embeddings", name: "embeddings", dialect: dialectOpenAI},
	{suffix: "/v2/embed", name: "embeddings", dialect: dialectCohere},
	{suffix: "/api/embed", name: "embeddings", dialect: dialectOllama},
	{suffix: "/embedding", name: "embeddings", dialect: dialectLlamaCPP},
	{suffix: "/encode", name: "embeddings", dialect: dialectSGLang, put: true},
	{suffix: "/rerank", name: "rerank", dialect: dialectOpenAI, put: true},
	{suffix: "/reranking", name: "rerank", dialect: dialectOpenAI},
	{suffix: "/score", name: "score", dialect: dialectOpenAI},
	{suffix: "/generative_scoring", name: "score", dialect: dialectOpenAI},
	{suffix: "/pooling", name: "pooling", dialect: dialectOpenAI},
	{suffix: "/classify", name: "classify", dialect: dialectOpenAI, put: true},
	{suffix: "/audio/transcriptions", name: "audio", dialect: dialectOpenAI},
	{suffix: "/audio/translations", name: "audio", dialect: dialectOpenAI},
}

// makesTokens are the endpoints whose answers are completions: one that brings
// none has failed.
var makesTokens = map[string]bool{"chat": true, "completions": true, "responses": true, "messages": true, "generate": true}

// endpointOf is the measured endpoint of a request, not ok when it is one that
// is only passed through.
func endpointOf(method, path string) (e *endpoint, ok bool) {
	if method != "POST" && method != "PUT" {
		return nil, false
	}
	for i := range endpoints {
		if e := &endpoints[i]; strings.HasSuffix(path, e.suffix) {
			return e, method == "POST" || e.put
		}
	}
	return nil, false
}

// EndpointOf names the measured endpoint of a request, "" when it is one that
// is only passed through. injectable is Injectable.
func EndpointOf(method, path string) (name string, injectable bool) {
	if e, ok := endpointOf(method, path); ok {
		return e.name, e.edit
	}
	return "", false
}

// Injectable says whether Query.Edit may ever ask the engine for something
// more in a request, so that its body is worth reading whole.
func Injectable(method, path string) bool {
	e, ok := endpointOf(method, path)
	return ok && e.edit
}
