package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// probe is one request that is sent to the engine and through the proxy.
type probe struct {
	name, method, path string
	fields             string // of the body, after the model; "" sends no body
	raw                string // the whole body, instead
	status             int
	counted            bool // tokens are told, and must be in the Record
}

// Greedy, seeded and without the prompt cache, so that the same request has the
// same answer.
const greedy = `"temperature":0,"seed":7,"cache_prompt":false,"max_tokens":16`

func probes() []probe {
	const (
		chat        = "/v1/chat/completions"
		completions = "/v1/completions"
		say         = `"messages":[{"role":"user","content":"Name three colours."}],`
		tell        = `"prompt":"Once upon a time",`
		stream      = `"stream":true,`
		usage       = `"stream_options":{"include_usage":true},`
	)
	return []probe{
		{name: "chat", path: chat, fields: say + greedy, status: 200, counted: true},
		{name: "chat-stream", path: chat, fields: stream + say + greedy, status: 200, counted: true},
		{name: "chat-stream-usage", path: chat, fields: stream + usage + say + greedy, status: 200, counted: true},
		{name: "completions", path: completions, fields: tell + greedy, status: 200, counted: true},
		{name: "completions-stream", path: completions, fields: stream + tell + greedy, status: 200, counted: true},
		{name: "native-stream", path: "/completion", fields: stream + tell + `"n_predict":8,` + greedy, status: 200},
		{name: "models", method: http.MethodGet, path: "/v1/models", status: 200},
		{name: "head", method: http.MethodHead, path: "/v1/models", status: 200},
		{name: "options", method: http.MethodOptions, path: chat, status: 200},
		{name: "wrong-type", path: chat, fields: `"messages":7`, status: 400},
		{name: "not-json", path: chat, raw: "this is not JSON", status: 400},
		{name: "no-such-path", path: "/v1/nothing", fields: `"input":""`, status: 404},
		{name: "embeddings-off", path: "/v1/embeddings", fields: `"input":"Once upon a time"`, status: 501},
	}
}

// answer is what a client saw.
type answer struct {
	status int
	header []string // lower case, sorted: order and case are not compared here
	body   []byte
}

func checkBytes(o *options) (string, error) {
	client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	var wrong []string
	counted := 0
	for _, p := range probes() {
		id := "e2e-" + p.name
		direct, err := p.send(client, o.engine, o.model, id+"-direct")
		if err != nil {
			return "", err
		}
		proxied, err := p.send(client, o.proxy, o.model, id)
		if err != nil {
			return "", err
		}
		if direct.status != p.status {
			wrong = append(wrong, fmt.Sprintf("%s: the engine answers %d, not %d: %s", p.name, direct.status, p.status, direct.body))
		}
		if d := differ(direct, proxied); d != "" {
			wrong = append(wrong, p.name+": "+d)
		}
		if err := eventually(o.patience, func() error { return p.recorded(o.log, id, proxied) }); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", p.name, err))
		}
		if p.counted {
			counted++
		}
	}
	if len(wrong) > 0 {
		return "", fmt.Errorf("%d differences\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	return fmt.Sprintf("%d requests have the same status, headers and body through the proxy; the token counts of %d are in their records",
		len(probes()), counted), nil
}

func (p probe) send(client *http.Client, base, model, id string) (*answer, error) {
	body := p.raw
	if p.fields != "" {
		body = fmt.Sprintf(`{"model":%q,%s}`, model, p.fields)
	}
	method := p.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, base+p.path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Request-Id", id)
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sending %s: %w", p.name, err)
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, fmt.Errorf("reading the answer to %s from %s: %w", p.name, base, err)
	}
	for name, values := range resp.Header {
		switch name {
		case "Connection", "Keep-Alive", "Date":
			continue // of one hop; Date is the proxy's where the engine sends none
		case "Content-Length":
			values = []string{"(of its own body)"} // times in a body have no fixed length
			if n := resp.ContentLength; method != http.MethodHead && n != int64(len(a.body)) {
				values = []string{fmt.Sprintf("%d for a body of %d", n, len(a.body))}
			}
		}
		for _, v := range values {
			a.header = append(a.header, strings.ToLower(name)+": "+v)
		}
	}
	for _, te := range resp.TransferEncoding {
		a.header = append(a.header, "transfer-encoding: "+te)
	}
	slices.Sort(a.header)
	return a, nil
}

// varies matches what differs between two answers to one request: ids and times.
var varies = regexp.MustCompile(`"(?:id":"(?:chatcmpl|cmpl)-\w+"|created":\d+|\w+_(?:ms|per_second)":[-+.\deE]+)`)

func masked(body []byte) []byte {
	return varies.ReplaceAllFunc(body, func(m []byte) []byte {
		key, _, _ := bytes.Cut(m, []byte(":"))
		return append(slices.Clone(key), ":*"...)
	})
}

// differ says how two answers differ, "" when they do not.
func differ(direct, proxied *answer) string {
	if direct.status != proxied.status {
		return fmt.Sprintf("status %d, through the proxy %d", direct.status, proxied.status)
	}
	if !slices.Equal(direct.header, proxied.header) {
		return fmt.Sprintf("header\n\t%s\nthrough the proxy\n\t%s", strings.Join(direct.header, "\n\t"), strings.Join(proxied.header, "\n\t"))
	}
	want, got := masked(direct.body), masked(proxied.body)
	if bytes.Equal(want, got) {
		return ""
	}
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	near := func(b []byte) []byte { return b[max(0, at-60):min(len(b), at+120)] }
	return fmt.Sprintf("body differs from byte %d on\n\t%q\nthrough the proxy\n\t%q", at, near(want), near(got))
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
	if r.Status != seen.status {
		return fmt.Errorf("recorded status %d, seen %d", r.Status, seen.status)
	}
	if r.ResponseBytes < int64(len(seen.body)) {
		return fmt.Errorf("recorded %d bytes of answer, seen %d", r.ResponseBytes, len(seen.body))
	}
	if !p.counted {
		return nil
	}
	told, err := toldBy(seen.body)
	if err != nil {
		return err
	}
	return r.agrees(told)
}
