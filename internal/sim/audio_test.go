package sim

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// form is a transcription's body and its content type.
func form(t *testing.T, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("file", "a.wav")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(make([]byte, 64000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// TestTranscriptions: with flat options, and with seconds for usage in a body.
func TestTranscriptions(t *testing.T) {
	e := start(t, fast("vllm"))
	body, contentType := form(t, "stream=true", "stream_include_usage=true", "stream_continuous_usage_stats=true")
	r := e.receive(t, "/v1/audio/transcriptions", body, "Content-Type: "+contentType, "X-Request-Id: a1")
	got := events(r.body)
	tr := e.truthOf(t, "a1")
	if len(got) != 8 || gjson.Get(got[0], "object").String() != "transcription.chunk" || gjson.Get(got[0], "usage.completion_tokens").Int() != 1 ||
		gjson.Get(got[6], "usage.completion_tokens").Int() != int64(tr.CompletionTokens) || gjson.Get(got[6], "usage.prompt_tokens").Int() != int64(tr.PromptTokens) ||
		tr.PromptTokens < 100 || tr.Endpoint != "audio" {
		t.Errorf("truth %+v of %s", tr, r.body)
	}
	body, contentType = form(t)
	if r := e.receive(t, "/v1/audio/transcriptions", body, "Content-Type: "+contentType); gjson.Get(r.body, "usage.seconds").Int() != 3 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := e.receive(t, "/v1/audio/transcriptions", `{}`); r.StatusCode != 400 {
		t.Errorf("a body that is no form: %d %s", r.StatusCode, r.body)
	}
}

// TestEmbeddingsAsBytes: the usage is in the head, or nowhere.
func TestEmbeddingsAsBytes(t *testing.T) {
	e := start(t, fast("vllm"))
	r := e.receive(t, "/v1/embeddings", `{"input":["one","two of them"],"encoding_format":"bytes"}`, "X-Request-Id: b1")
	metadata := r.Header.Get("Metadata")
	if n := gjson.Get(metadata, "usage.prompt_tokens").Int(); n != int64(e.truthOf(t, "b1").PromptTokens) || n != 4 ||
		len(r.body) != 2*4*embeddingSize || gjson.Get(metadata, "data.1.end").Int() != int64(len(r.body)) {
		t.Errorf("%d bytes with %s", len(r.body), metadata)
	}
	if r := e.receive(t, "/v1/embeddings", `{"input":"one","encoding_format":"bytes_only"}`); len(r.body) != 4*embeddingSize || r.Header.Get("Metadata") != "" {
		t.Errorf("%d bytes with %v", len(r.body), r.Header)
	}
}
