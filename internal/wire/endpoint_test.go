package wire

import (
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

func TestEndpoints(t *testing.T) {
	tests := []struct {
		method, path, endpoint, dialect string
		injectable                      bool
	}{
		{"POST", "/v1/chat/completions", "chat", "openai", true},
		{"POST", "/chat/completions", "chat", "openai", true},
		{"POST", "/gateway/x/v1/completions", "completions", "openai", true},
		{"POST", "/completions", "generate", "llamacpp", false},
		{"POST", "/completion", "generate", "llamacpp", false},
		{"POST", "/prefix/infill", "generate", "llamacpp", false},
		{"POST", "/v1/responses", "responses", "responses", false},
		{"POST", "/responses", "responses", "responses", false},
		{"POST", "/v1/messages", "messages", "anthropic", false},
		{"POST", "/inference/v1/generate", "generate", "vllm_generate", false},
		{"POST", "/generate", "generate", "sglang_generate", false},
		{"PUT", "/generate", "generate", "sglang_generate", false},
		{"POST", "/generate_stream", "generate", "tgi", false},
		{"POST", "/api/generate", "generate", "ollama", false},
		{"POST", "/api/chat", "chat", "ollama", false},
		{"POST", "/api/embed", "embeddings", "ollama", false},
		{"POST", "/v2/embed", "embeddings", "cohere", false},
		{"POST", "/v1/embeddings", "embeddings", "openai", false},
		{"PUT", "/encode", "embeddings", "sglang_generate", false},
		{"POST", "/v2/rerank", "rerank", "openai", false},
		{"POST", "/v1/score", "score", "openai", false},
		{"POST", "/pooling", "pooling", "openai", false},
		{"POST", "/classify", "classify", "openai", false},
		{"POST", "/v1/audio/translations", "audio", "openai", false},
		{"PUT", "/v1/chat/completions", "", "", false},
		{"GET", "/v1/chat/completions", "", "", false},
		{"GET", "/v1/responses/resp_1", "", "", false},
		{"POST", "/v1/responses/resp_1/cancel", "", "", false},
		{"POST", "/v1/messages/count_tokens", "", "", false},
		{"POST", "/v1/models", "", "", false},
		{"POST", "/v1/chat/completions/batch", "chat", "openai", false},
		{"POST", "/invocations", "generate", "openai", false},
		{"POST", "/tokenize", "", "", false},
	}
	for _, tt := range tests {
		q := ReadQuery(tt.method, tt.path, []byte(`{}`))
		name, injectable := EndpointOf(tt.method, tt.path)
		if q.Endpoint != tt.endpoint || q.Dialect != tt.dialect || name != tt.endpoint || injectable != tt.injectable || Injectable(tt.method, tt.path) != tt.injectable || len(q.Warnings) > 0 {
			t.Errorf("%s %s: endpoint %q, dialect %q, injectable %v, warnings %q", tt.method, tt.path, q.Endpoint, q.Dialect, Injectable(tt.method, tt.path), q.Warnings)
		}
	}
}

// TestQueries: what each dialect asks for, under its own names (WIRE.md 12).
func TestQueries(t *testing.T) {
	type asked struct {
		stream     bool
		n, prompts int
		limit      int64
	}
	tests := []struct {
		name, path, body string
		want             asked
	}{
		{"chat", "/v1/chat/completions", `{"stream":true,"n":2,"max_tokens":7}`, asked{true, 2, 1, 7}},
		{"the newer limit goes first, wherever it stands", "/v1/chat/completions", `{"max_completion_tokens":9,"max_tokens":7}`, asked{false, 0, 1, 9}},
		{"llama.cpp's names on OpenAI's path", "/v1/chat/completions", `{"n_cmpl":3,"n_predict":5}`, asked{false, 3, 1, 5}},
		{"completions, a list of lists of ids", "/v1/completions", `{"prompt":[[1,2],[3]],"n":2}`, asked{false, 2, 2, -1}},
		{"completions, a list of ids", "/v1/completions", `{"prompt":[1,2,3]}`, asked{false, 0, 1, -1}},
		{"no limit is not 0", "/v1/completions", `{"max_tokens":null,"n":null}`, asked{false, 0, 1, -1}},
		{"responses", "/v1/responses", `{"stream":true,"max_output_tokens":7,"input":["a","b"]}`, asked{true, 0, 1, 7}},
		{"messages", "/v1/messages", `{"stream":true,"max_tokens":7}`, asked{true, 0, 1, 7}},
		{"vLLM's generate", "/inference/v1/generate", `{"token_ids":[1,2],"sampling_params":{"n":2,"max_tokens":7},"stream":true}`, asked{true, 2, 1, 7}},
		{"SGLang's generate, a batch", "/generate", `{"text":["a","b"],"sampling_params":{"n":2,"max_new_tokens":7},"stream":true}`, asked{true, 2, 2, 7}},
		{"SGLang's generate, ids", "/generate", `{"input_ids":[[1],[2],[3]]}`, asked{false, 0, 3, -1}},
		{"TGI streams by its path", "/generate_stream", `{"inputs":"a","parameters":{"max_new_tokens":7}}`, asked{true, 0, 1, 7}},
		{"TGI on SGLang's path", "/generate", `{"inputs":"a","parameters":{"max_new_tokens":7},"stream":true}`, asked{true, 0, 1, 7}},
		{"llama.cpp", "/completion", `{"prompt":["a","b"],"n_predict":7,"stream":true}`, asked{true, 0, 2, 7}},
		{"llama.cpp without a limit", "/completion", `{"prompt":"a","n_predict":-1}`, asked{false, 0, 1, -1}},
		{"Ollama streams unless told not to", "/api/chat", `{"options":{"num_predict":7}}`, asked{true, 0, 1, 7}},
		{"Ollama told not to", "/api/generate", `{"stream":false}`, asked{false, 0, 1, -1}},
		{"Ollama, null is absent", "/api/generate", `{"stream":null}`, asked{true, 0, 1, -1}},
		{"embeddings don't stream", "/api/embed", `{"input":["a","b"]}`, asked{false, 0, 1, -1}},
		{"a form", "/v1/audio/transcriptions", "--b\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b--\r\n", asked{true, 0, 1, -1}},
	}
	for _, tt := range tests {
		q := ReadQuery("POST", tt.path, []byte(tt.body))
		if got := (asked{q.Stream, q.N, q.Prompts, q.MaxTokens.Or(-1)}); got != tt.want || len(q.Warnings) > 0 {
			t.Errorf("%s: %+v, want %+v; warnings %q", tt.name, got, tt.want, q.Warnings)
		}
	}
	for _, body := range []string{"--b\r\nContent-Disposition", "--", "--\r\n\r\n"} {
		if q := ReadQuery("POST", "/v1/audio/transcriptions", []byte(body)); len(q.Warnings) != 1 {
			t.Errorf("%q: warnings %q", body, q.Warnings)
		}
	}
}

// TestOnlyOpenAIsEndpointsAreEdited: nothing is asked of others, whatever their
// bodies look like.
func TestOnlyOpenAIsEndpointsAreEdited(t *testing.T) {
	body := []byte(`{"stream":true}`)
	for _, e := range endpoints {
		q := ReadQuery("POST", e.suffix, body)
		edit, strip := q.Edit(body, AskContinuous)
		if strip.Any() != Injectable("POST", e.suffix) || strip.Any() == (edit == Splice{}) {
			t.Errorf("%s: %+v, %+v", e.suffix, edit, strip)
		}
	}
}

func TestAnswerIDs(t *testing.T) {
	tests := []struct {
		name, path string
		events     []string
		want       []string
	}{
		{"one", "/v1/chat/completions", []string{vllm(0, role, running, ""), vllm(0, `"content":"a"`, running, "")}, []string{"chatcmpl-A"}},
		{"one for each choice (SGLang)", "/v1/chat/completions", []string{`{"id":"a","choices":[{"index":0}]}`, `{"id":"b","choices":[{"index":1}]}`, `{"id":"a","choices":[{"index":0}]}`}, []string{"a", "b"}},
		{"none (TGI)", "/v1/chat/completions", []string{`{"id":"","choices":[{"index":0}]}`}, nil},
		{"SGLang's own", "/generate", []string{`{"text":"x","meta_info":{"id":"r0"},"index":0}`, `{"text":"x","meta_info":{"id":"r1"},"index":1}`}, []string{"r0", "r1"}},
		{"vLLM's generate", "/inference/v1/generate", []string{`{"request_id":"g","choices":[{"index":0,"token_ids":[1]}]}`}, []string{"g"}},
		{"Responses", "/v1/responses", []string{`{"type":"response.created","response":{"id":"resp"}}`}, []string{"resp"}},
		{"Messages", "/v1/messages", []string{`{"type":"message_start","message":{"id":"msg"}}`}, []string{"msg"}},
	}
	for _, tt := range tests {
		o := NewObserver(Config{Query: ReadQuery("POST", tt.path, []byte(`{"stream":true}`)), KeepIDs: true})
		o.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
		p := []byte(events(tt.events...))
		o.Feed(0, p)
		for i := range p {
			p[i] = '!' // what is kept is a copy
		}
		if got := o.AnswerIDs(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRequestID(t *testing.T) {
	for body, want := range map[string]string{
		`{"text":"hi","rid":"of-the-client","stream":true}`: "of-the-client",
		`{"rid":"a\u0062c"}`: "abc",
		`{"rid":["a","b"]}`:  "",
		`{"rid":null}`:       "",
		`{"rid":"` + strings.Repeat("a", maxID) + `"}`: "",
		`{"text":"rid"}`: "",
		`not JSON`:       "",
		``:               "",
	} {
		if got := RequestID([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestAnswerIDsAreBounded(t *testing.T) {
	o := NewObserver(Config{Query: chatQuery, KeepIDs: true})
	o.Head(0, AnswerHead{Status: 200, ContentType: "text/event-stream"})
	for i := range 100 {
		o.Feed(0, []byte(events(`{"id":"`+string(rune('0'+i))+`","choices":[{"index":0}]}`)))
	}
	if got := o.AnswerIDs(); len(got) != maxIDs {
		t.Errorf("%d ids", len(got))
	}
	var r record.Record
	o.End(0, record.Complete, &r)
}
