package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
)

// probe is one request that is sent to the engine and through the proxy.
type probe struct {
	name, method, path string
	fields             string // of the body, after the model; "" sends no body
	raw                string // the whole body, instead
	status             int
	warm               bool    // asked once more before, as its prompt cache can't be turned off
	counted            counted // what is told, and must be in the Record
}

// counted is which token counts an answer tells.
type counted int

const (
	nothing counted = iota
	promptOnly
	both
)

// Greedy, seeded and without the prompt cache, so that the same request has the
// same answer.
const greedy = `"temperature":0,"seed":7,"cache_prompt":false,"max_tokens":16`

// probeSets are the probes per kind of server.
var probeSets = map[string]func() []probe{"text": textProbes, "embeddings": embeddingProbes}

func textProbes() []probe {
	const (
		chat        = "/v1/chat/completions"
		completions = "/v1/completions"
		native      = "/completion"
		responses   = "/v1/responses"
		messages    = "/v1/messages"
		say         = `"messages":[{"role":"user","content":"Name three colours."}],`
		tell        = `"prompt":"Once upon a time",`
		respond     = `"input":"Name three colours.","temperature":0,"seed":7,"cache_prompt":false,"max_output_tokens":16`
		message     = say + `"temperature":0,"max_tokens":16` // it takes no other settings
		stream      = `"stream":true,`
		usage       = `"stream_options":{"include_usage":true},`
	)
	return []probe{
		{name: "chat", path: chat, fields: say + greedy, status: 200, counted: both},
		{name: "chat-stream", path: chat, fields: stream + say + greedy, status: 200, counted: both},
		{name: "chat-stream-usage", path: chat, fields: stream + usage + say + greedy, status: 200, counted: both},
		{name: "completions", path: completions, fields: tell + greedy, status: 200, counted: both},
		{name: "completions-stream", path: completions, fields: stream + tell + greedy, status: 200, counted: both},
		{name: "native", path: native, fields: tell + greedy, status: 200, counted: both},
		{name: "native-stream", path: native, fields: stream + tell + greedy, status: 200, counted: both},
		{name: "native-completions", path: "/completions", fields: stream + tell + greedy, status: 200, counted: both},
		{name: "responses", path: responses, fields: respond, status: 200, counted: both},
		{name: "responses-stream", path: responses, fields: stream + respond, status: 200, counted: both},
		{name: "messages", path: messages, fields: message, status: 200, warm: true, counted: both},
		{name: "messages-stream", path: messages, fields: stream + message, status: 200, warm: true, counted: both},
		{name: "models", method: http.MethodGet, path: "/v1/models", status: 200},
		{name: "head", method: http.MethodHead, path: "/v1/models", status: 200},
		{name: "options", method: http.MethodOptions, path: chat, status: 200},
		{name: "wrong-type", path: chat, fields: `"messages":7`, status: 400},
		{name: "not-json", path: chat, raw: "this is not JSON", status: 400},
		{name: "no-such-path", path: "/v1/nothing", fields: `"input":""`, status: 404},
		{name: "embeddings-off", path: "/v1/embeddings", fields: `"input":"Once upon a time"`, status: 501},
	}
}

func embeddingProbes() []probe {
	return []probe{
		{name: "embeddings", path: "/v1/embeddings", fields: `"input":"Once upon a time"`, status: 200, counted: promptOnly},
		{name: "embeddings-batch", path: "/v1/embeddings", fields: `"input":["Once upon a time","there was an engine"],"encoding_format":"base64"`, status: 200, counted: promptOnly},
		{name: "embeddings-native", path: "/embedding", fields: `"content":"Once upon a time"`, status: 200},
		{name: "embeddings-wrong", path: "/v1/embeddings", fields: `"text":""`, status: 400},
		{name: "rerank-off", path: "/v1/rerank", fields: `"query":"a","documents":["b"]`, status: 501},
	}
}

func checkBytes(o *options) (string, error) {
	set, ok := probeSets[o.probes]
	if !ok {
		return "", fmt.Errorf("-probes %q: want text or embeddings", o.probes)
	}
	var wrong []string
	told := 0
	for _, p := range set() {
		id := "e2e-" + p.name
		request := p.request(o.model)
		if p.warm {
			if _, err := request.to(o.engine, id+"-warm"); err != nil {
				return "", err
			}
		}
		direct, err := request.to(o.engine, id+"-direct")
		if err != nil {
			return "", err
		}
		proxied, err := request.to(o.proxy, id)
		if err != nil {
			return "", err
		}
		if direct.code != p.status {
			wrong = append(wrong, fmt.Sprintf("%s: the engine answers %d, not %d: %s", p.name, direct.code, p.status, direct.body))
		}
		if d := differ(direct, proxied); d != "" {
			wrong = append(wrong, p.name+": "+d)
		}
		if err := eventually(o.patience, func() error { return p.recorded(o.log, id, proxied) }); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", p.name, err))
		}
		if p.counted != nothing {
			told++
		}
	}
	if len(wrong) > 0 {
		return "", fmt.Errorf("%d differences\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	return fmt.Sprintf("%d requests have the same status line, header lines and body through the proxy; the token counts of %d are in their records",
		len(set()), told), nil
}

func (p probe) request(model string) request {
	r := request{method: cmp.Or(p.method, http.MethodPost), path: p.path, body: p.raw}
	if p.fields != "" {
		r.body = fmt.Sprintf(`{"model":%q,%s}`, model, p.fields)
	}
	return r
}

// varies matches what differs between two answers to one request: ids and times.
var varies = regexp.MustCompile(`"(?:(?:item_|call_)?id":"(?:chatcmpl|cmpl|resp|msg)[-_]\w+"|(?:created|created_at|completed_at)":\d+|\w+_(?:ms|per_second)":[-+.\deE]+)`)

func masked(body []byte) []byte {
	return varies.ReplaceAllFunc(body, func(m []byte) []byte {
		key, _, _ := bytes.Cut(m, []byte(":"))
		return append(slices.Clone(key), ":*"...)
	})
}

// differ says in what two answers differ, "" when they do not.
func differ(direct, proxied *answer) string {
	var in []string
	if direct.line != proxied.line {
		in = append(in, fmt.Sprintf("status line %q, through the proxy %q", direct.line, proxied.line))
	}
	if !slices.Equal(direct.header, proxied.header) {
		in = append(in, fmt.Sprintf("header\n\t%s\nthrough the proxy\n\t%s", strings.Join(direct.header, "\n\t"), strings.Join(proxied.header, "\n\t")))
	}
	if direct.framing != proxied.framing {
		in = append(in, fmt.Sprintf("the body's end is told by %s, through the proxy by %s", direct.framing, proxied.framing))
	}
	want, got := masked(direct.body), masked(proxied.body)
	if !bytes.Equal(want, got) {
		at := 0
		for at < min(len(want), len(got)) && want[at] == got[at] {
			at++
		}
		near := func(b []byte) []byte { return b[max(0, at-60):min(len(b), at+120)] }
		in = append(in, fmt.Sprintf("body differs from byte %d on\n\t%q\nthrough the proxy\n\t%q", at, near(want), near(got)))
	}
	return strings.Join(in, "; ")
}

// recorded compares what the client saw with the request's Record.
func (p probe) recorded(log, id string, seen *answer) error {
	r, err := recordOf(log, id)
	if err != nil {
		if os.IsNotExist(err) {
			return fmt.Errorf("no log yet: %w", err)
		}
		return err
	}
	if r.Status != seen.code {
		return fmt.Errorf("recorded status %d, seen %d", r.Status, seen.code)
	}
	if r.ResponseBytes < int64(len(seen.body)) {
		return fmt.Errorf("recorded %d bytes of answer, seen %d", r.ResponseBytes, len(seen.body))
	}
	if p.counted == nothing {
		return nil
	}
	told, err := toldBy(seen.body)
	if err != nil {
		return err
	}
	if p.counted == promptOnly {
		return r.agreesOnPrompt(told)
	}
	return r.agrees(told)
}
