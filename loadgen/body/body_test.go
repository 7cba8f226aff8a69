package body

import (
	"encoding/json"
	"strings"
	"testing"

	"tokenomics/loadgen/prompt"
)

func half() *float64 { x := 0.5; return &x }

func TestBodies(t *testing.T) {
	said := prompt.Prompt{Text: "is 1 < 2 & why?"}
	talk := prompt.Prompt{Text: "And now?", History: []prompt.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Hi"}, {Role: "assistant", Content: "Hello"}}}
	seen := prompt.Prompt{Text: "What is it?", Images: []prompt.Image{{MIME: "image/png", Data: []byte("png")}, {URL: "http://host/a.jpg"}}}
	drawn := prompt.Prompt{Text: "What is it?", Images: seen.Images[:1]}
	shown := prompt.Prompt{Text: "And now?", History: []prompt.Message{{Role: "user", Content: "What is it?", Images: drawn.Images}, {Role: "assistant", Content: "A hat"}}}
	short := prompt.Prompt{Text: "Hi", MaxTokens: 7}
	ranked := prompt.Prompt{Text: "query", Documents: []string{"one", "two"}}
	of := func(change func(a *Asking)) Asking {
		a := Asking{Model: "m", Stream: true, MaxTokens: 100, Temperature: half()}
		change(&a)
		return a
	}
	tests := []struct {
		name   string
		asking Asking
		prompt prompt.Prompt
		path   string // with a root before it where it is the server's
		want   string
	}{
		{"chat", of(func(a *Asking) { a.Endpoint = "chat" }), said, "/chat/completions",
			`{"model":"m","messages":[{"role":"user","content":"is 1 < 2 & why?"}],"max_tokens":100,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true}}`},
		{"chat with a salt", of(func(a *Asking) { a.Endpoint, a.CacheSalt = "chat", "abc" }), short, "/chat/completions",
			`{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":7,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true},"cache_salt":"abc"}`},
		{"chat without a cache", of(func(a *Asking) { a.Endpoint, a.NoPromptCache, a.Engine = "chat", true, "llama_cpp" }), short, "/chat/completions",
			`{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":7,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true},"cache_prompt":false}`},
		// A temperature of 0 is a choice; max_tokens of 0 is none.
		{"a whole answer", Asking{Endpoint: "chat", Model: "m", Temperature: new(float64)}, said, "/chat/completions",
			`{"model":"m","messages":[{"role":"user","content":"is 1 < 2 & why?"}],"temperature":0,"stream":false}`},
		{"everything", of(func(a *Asking) { a.Endpoint, a.N, a.IgnoreEOS, a.MinTokens = "chat", 2, true, 5 }), short, "/chat/completions",
			`{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":7,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true},"n":2,"ignore_eos":true,"min_tokens":5}`},
		{"a conversation", Asking{Endpoint: "chat", Model: "m"}, talk, "/chat/completions",
			`{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"And now?"}],"stream":false}`},
		{"images", Asking{Endpoint: "chat", Model: "m"}, seen, "/chat/completions",
			`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,cG5n"}},{"type":"image_url","image_url":{"url":"http://host/a.jpg"}}]}],"stream":false}`},
		{"images of an earlier turn", Asking{Endpoint: "chat", Model: "m"}, shown, "/chat/completions",
			`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,cG5n"}}]},{"role":"assistant","content":"A hat"},{"role":"user","content":"And now?"}],"stream":false}`},
		{"completions", of(func(a *Asking) { a.Endpoint, a.IgnoreEOS = "completions", true }), said, "/completions",
			`{"model":"m","prompt":"is 1 < 2 & why?","max_tokens":100,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true},"ignore_eos":true}`},
		{"responses", of(func(a *Asking) { a.Endpoint = "responses" }), said, "/responses",
			`{"model":"m","input":"is 1 < 2 & why?","max_output_tokens":100,"temperature":0.5,"stream":true,"store":false}`},
		{"responses of a conversation", Asking{Endpoint: "responses", Model: "m"}, prompt.Prompt{Text: "So?", History: talk.History[1:2], Images: seen.Images}, "/responses",
			`{"model":"m","input":[{"role":"user","content":"Hi"},{"role":"user","content":[{"type":"input_text","text":"So?"},{"type":"input_image","image_url":"data:image/png;base64,cG5n"},{"type":"input_image","image_url":"http://host/a.jpg"}]}],"stream":false,"store":false}`},
		{"responses to images of an earlier turn", Asking{Endpoint: "responses", Model: "m"}, shown, "/responses",
			`{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"What is it?"},{"type":"input_image","image_url":"data:image/png;base64,cG5n"}]},{"role":"assistant","content":"A hat"},{"role":"user","content":"And now?"}],"stream":false,"store":false}`},
		{"messages", of(func(a *Asking) { a.Endpoint = "messages" }), talk, "/messages",
			`{"model":"m","max_tokens":100,"system":"Be brief.","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"And now?"}],"temperature":0.5,"stream":true}`},
		{"messages of images", Asking{Endpoint: "messages", Model: "m", MaxTokens: 9}, seen, "/messages",
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"cG5n"}},{"type":"image","source":{"type":"url","url":"http://host/a.jpg"}}]}],"stream":false}`},
		{"messages after images", Asking{Endpoint: "messages", Model: "m", MaxTokens: 9}, shown, "/messages",
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"cG5n"}}]},{"role":"assistant","content":"A hat"},{"role":"user","content":"And now?"}],"stream":false}`},
		{"embeddings", of(func(a *Asking) { a.Endpoint, a.CacheSalt = "embeddings", "abc" }), said, "/embeddings", `{"model":"m","input":"is 1 < 2 & why?","cache_salt":"abc"}`},
		{"embeddings of Ollama", of(func(a *Asking) { a.Endpoint, a.Engine, a.IgnoreEOS, a.N = "embeddings", "ollama", true, 2 }), short, "/embeddings", `{"model":"m","input":"Hi"}`},
		{"rerank", of(func(a *Asking) { a.Endpoint = "rerank" }), ranked, "/rerank", `{"model":"m","query":"query","documents":["one","two"]}`},
		{"generate", of(func(a *Asking) {
			a.Endpoint, a.CacheSalt, a.IgnoreEOS, a.N, a.MinTokens = "generate", "abc", true, 2, 3
		}), seen, "root/generate",
			`{"text":"What is it?","image_data":["data:image/png;base64,cG5n","http://host/a.jpg"],"sampling_params":{"max_new_tokens":100,"min_new_tokens":3,"temperature":0.5,"n":2,"ignore_eos":true},"stream":true,"extra_key":"abc"}`},
		{"generate, as little as there is", Asking{Endpoint: "generate", Model: "m"}, said, "root/generate", `{"text":"is 1 < 2 & why?","sampling_params":{},"stream":false}`},
		{"ollama-chat", of(func(a *Asking) { a.Endpoint = "ollama-chat" }), prompt.Prompt{Text: "So?", History: talk.History[:1], Images: drawn.Images}, "root/api/chat",
			`{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"So?","images":["cG5n"]}],"stream":true,"options":{"num_predict":100,"temperature":0.5}}`},
		{"ollama-chat after images", Asking{Endpoint: "ollama-chat", Model: "m"}, shown, "root/api/chat",
			`{"model":"m","messages":[{"role":"user","content":"What is it?","images":["cG5n"]},{"role":"assistant","content":"A hat"},{"role":"user","content":"And now?"}],"stream":false}`},
		{"ollama-generate", Asking{Endpoint: "ollama-generate", Model: "m"}, drawn, "root/api/generate",
			`{"model":"m","prompt":"What is it?","images":["cG5n"],"stream":false}`},

		{"an adapter", Asking{Endpoint: "chat", Model: "m", Engine: "vllm"}, prompt.Prompt{Text: "Hi", Adapter: "ad"}, "/chat/completions",
			`{"model":"ad","messages":[{"role":"user","content":"Hi"}],"stream":false}`},
		{"SGLang's adapter", Asking{Endpoint: "completions", Model: "m", Engine: "sglang"}, prompt.Prompt{Text: "Hi", Adapter: "ad"}, "/completions",
			`{"model":"m:ad","prompt":"Hi","stream":false}`},
		{"an adapter of SGLang's own", Asking{Endpoint: "generate", Engine: "sglang"}, prompt.Prompt{Text: "Hi", Adapter: "ad"}, "root/generate",
			`{"text":"Hi","sampling_params":{},"stream":false,"lora_path":"ad"}`},

		{"more and less", of(func(a *Asking) {
			a.Endpoint, a.Extra = "completions", json.RawMessage(`{"temperature":null, "seed":12345678901234567890, "max_tokens":5, "stream_options":{"x":[1, null]}, "a":{"b":null,"c":1}}`)
		}), said, "/completions",
			`{"model":"m","prompt":"is 1 < 2 & why?","max_tokens":5,"stream":true,"stream_options":{"include_usage":true,"x":[1, null]},"seed":12345678901234567890,"a":{"c":1}}`},
		{"more inside", Asking{Endpoint: "generate", IgnoreEOS: true, Extra: json.RawMessage(`{"sampling_params":{"top_k":1,"top.k":2}}`)}, said, "root/generate",
			`{"text":"is 1 < 2 & why?","sampling_params":{"ignore_eos":true,"top_k":1,"top.k":2},"stream":false}`},
		{"an object for what was none", Asking{Endpoint: "embeddings", Model: "m", Extra: json.RawMessage(`{"model":{"a":1},"new":2,"new":3}`)}, said, "/embeddings",
			`{"model":{"a":1},"input":"is 1 < 2 & why?","new":3}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // a pure function: twice the same
				r, err := tt.asking.Request(tt.prompt)
				if err != nil || string(r.Body) != tt.want {
					t.Fatalf("%v\n got %s\nwant %s", err, r.Body, tt.want)
				}
				if r.Root {
					r.Path = "root" + r.Path
				}
				streams := tt.asking.Stream && !strings.Contains(tt.path, "embeddings") && !strings.Contains(tt.path, "rerank")
				if r.Path != tt.path || r.Stream != streams {
					t.Errorf("posted to %s, a stream: %v", r.Path, r.Stream)
				}
			}
		})
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	said := prompt.Prompt{Text: "Hi"}
	seen := prompt.Prompt{Text: "Hi", Images: []prompt.Image{{URL: "u"}}}
	talk := prompt.Prompt{Text: "Hi", History: []prompt.Message{{Role: "user", Content: "Hi"}}}
	tests := []struct {
		name   string
		asking Asking
		prompt prompt.Prompt
		want   string
	}{
		{"unknown", Asking{Endpoint: "chats"}, said, `unknown endpoint "chats": known ones are chat, completions, `},
		{"images in completions", Asking{Endpoint: "completions"}, seen, "takes no images"},
		{"turns in completions", Asking{Endpoint: "completions"}, talk, "takes no turns"},
		{"images in embeddings", Asking{Endpoint: "embeddings"}, seen, "takes no images"},
		{"turns in generate", Asking{Endpoint: "generate"}, talk, "takes no turns"},
		{"nothing to rank", Asking{Endpoint: "rerank"}, said, "no documents"},
		{"endless messages", Asking{Endpoint: "messages"}, said, "--max-tokens"},
		{"several messages", Asking{Endpoint: "messages", MaxTokens: 1, N: 2}, said, "asking the engine for messages: this takes no n:"},
		{"several responses", Asking{Endpoint: "responses", N: 2}, said, "takes no n"},
		{"Ollama's end of text", Asking{Endpoint: "ollama-chat", IgnoreEOS: true}, said, "takes no ignore_eos"},
		{"the same by another way", Asking{Endpoint: "chat", Engine: "ollama", IgnoreEOS: true}, said, "takes no ignore_eos"},
		{"Ollama's salt", Asking{Endpoint: "ollama-generate", CacheSalt: "s"}, said, "takes no cache_salt"},
		{"addresses for Ollama", Asking{Endpoint: "ollama-chat"}, seen, `no addresses of images such as "u"`},
		{"turns for Ollama", Asking{Endpoint: "ollama-generate"}, talk, "takes no turns"},
		{"least for llama.cpp", Asking{Endpoint: "chat", Engine: "llama_cpp", MinTokens: 1}, said, "asking llama_cpp for chat: this takes no min_tokens"},
		{"a salt for llama.cpp", Asking{Endpoint: "chat", Engine: "llama_cpp", CacheSalt: "s"}, said, "asking llama_cpp for chat: this takes no cache_salt"},
		{"vLLM's messages to the end", Asking{Endpoint: "messages", Engine: "vllm", MaxTokens: 1, IgnoreEOS: true}, said, "asking vllm for messages: this takes no ignore_eos"},
		{"vLLM's least responses", Asking{Endpoint: "responses", Engine: "vllm", MinTokens: 1}, said, "asking vllm for responses: this takes no min_tokens"},
		{"SGLang's responses to the end", Asking{Endpoint: "responses", Engine: "sglang", IgnoreEOS: true}, said, "asking sglang for responses: this takes no ignore_eos"},
		{"SGLang's salted messages", Asking{Endpoint: "messages", Engine: "sglang", MaxTokens: 1, CacheSalt: "s"}, said, "asking sglang for messages: this takes no cache_salt"},
		{"an adapter's name for llama.cpp", Asking{Endpoint: "chat", Engine: "llama_cpp"}, prompt.Prompt{Text: "Hi", Adapter: "ad"}, "--extra-body"},
		{"vLLM's cache_prompt", Asking{Endpoint: "chat", Engine: "vllm", NoPromptCache: true}, said, "takes no cache_prompt"},
		{"an extra list", Asking{Endpoint: "chat", Extra: json.RawMessage(`[1]`)}, said, "no JSON object: [1]"},
		{"an extra that is no JSON", Asking{Endpoint: "chat", Extra: json.RawMessage(`{"a":}`)}, said, "no JSON object"},
	}
	for _, tt := range tests {
		if r, err := tt.asking.Request(tt.prompt); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it; body %s", tt.name, err, tt.want, r.Body)
		}
	}
}

// TestEndpointAt knows each endpoint by its path.
func TestEndpointAt(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/completions": "completions", "/v1/chat/completions": "chat", "/api/chat": "ollama-chat", "/generate": "generate",
		"/completions": "", "/v1/generate": "", "": "",
	} {
		if got, ok := EndpointAt(path); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", path, got, ok, want)
		}
	}
}

// TestTakesIgnoreEOS is no where asking for it would be refused, and of engines
// that are not known.
func TestTakesIgnoreEOS(t *testing.T) {
	for asking, want := range map[[2]string]bool{
		{"chat", "vllm"}: true, {"responses", "vllm"}: true, {"messages", "vllm"}: false,
		{"chat", "sglang"}: true, {"responses", "sglang"}: false, {"ollama-chat", "sglang"}: false,
		{"messages", "llama_cpp"}: true, {"chat", "ollama"}: false, {"chat", ""}: false,
	} {
		if got := (Asking{Endpoint: asking[0], Engine: asking[1]}).TakesIgnoreEOS(); got != want {
			t.Errorf("%s of %q: %v, want %v", asking[0], asking[1], got, want)
		}
	}
}
