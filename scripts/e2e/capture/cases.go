package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// scenario is one exchange to record.
type scenario struct {
	name    string // file name without .txtar
	note    string // what is to be seen in it, one line
	method  string
	path    string
	host    string   // Host; "" = engine
	headers []string // lines besides Host, Content-Type, Content-Length
	body    string
	status  int      // the status that must come
	want    []string // what the body must contain
	wantNot []string // what it must not

	during *scenario // is asked too, once this one's answer has begun
}

// caseSets has, per engine, the cases as a function of the model's name.
var caseSets = map[string]func(model string) []scenario{
	"vllm":               vllmCases,
	"vllm-tools":         vllmToolCases,
	"vllm-reasoning":     vllmReasoningCases,
	"vllm-forced":        vllmForcedCases,
	"vllm-scale-out":     vllmScaleOutCases,
	"vllm-classify":      vllmClassifyCases,
	"vllm-embed":         vllmEmbedCases,
	"llamacpp":           llamacppCases,
	"llamacpp-tools":     llamacppToolCases,
	"llamacpp-reasoning": llamacppReasoningCases,
	"llamacpp-utf8":      llamacppUTF8Cases,
	"llamacpp-embed":     llamacppEmbedCases,
	"llamacpp-rerank":    llamacppRerankCases,
	"llamacpp-infill":    llamacppInfillCases,
	"llamapython":        llamapythonCases,
	"ollama":             ollamaCases,
	"llamacpp-full":      llamacppFullCases,
}

func setNames() []string { return slices.Sorted(maps.Keys(caseSets)) }

// bytes is the request as it goes on the wire.
func (s scenario) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tokenomics-capture\r\nAccept: */*\r\n", s.method, s.path, cmp.Or(s.host, "engine"))
	for _, h := range s.headers {
		b.WriteString(h + "\r\n")
	}
	if s.method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(s.body))
	}
	b.WriteString("\r\n" + s.body)
	return b.Bytes()
}

func get(name, path, note string, want ...string) scenario {
	return scenario{name: name, note: note, method: http.MethodGet, path: path, status: 200, want: want}
}

// post makes a case out of the fields after `{"model":"...",`.
func post(name, path, model, fields, note string, want ...string) scenario {
	body := fmt.Sprintf(`{"model":%q,%s}`, model, fields)
	return scenario{name: name, note: note, method: http.MethodPost, path: path, body: body, status: 200, want: want}
}

// fails says that the engine must refuse.
func (s scenario) fails(status int) scenario {
	s.status = status
	return s
}

// without adds what the body must not contain.
func (s scenario) without(not ...string) scenario {
	s.wantNot = append(s.wantNot, not...)
	return s
}

// with adds a header line to the request.
func (s scenario) with(header string) scenario {
	s.headers = append(s.headers, header)
	return s
}

// meanwhile adds a request that is sent while this one is answered.
func (s scenario) meanwhile(other scenario) scenario {
	s.during = &other
	return s
}

const (
	done       = "data: [DONE]\n\n"
	usage      = `"stream_options":{"include_usage":true}`
	continuous = `"stream_options":{"include_usage":true,"continuous_usage_stats":true}`
	hello      = `"messages":[{"role":"user","content":"Say hello to the people who wait for tokens."}]`
	seeded     = `"temperature":1,"seed":7`
)
