package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A check that passes whatever happened would be worse than none: each is held
// to noticing the smallest difference.

const (
	goodResults = `{"schema_version":1,"metadata":{"model":"m"},"results":{"1":{"requests":2,"succeeded":2,"input_tokens":14,"output_tokens":20,
"avg_input_tokens":7,"avg_output_tokens":10,"elapsed_time":1,"tokens_per_second_in_batch":20,"avg_tokens_per_second":10,
"runs":[{"requests":1,"input_tokens":7,"output_tokens":10},{"requests":1,"input_tokens":7,"output_tokens":10}]}}}`
	goodLog = `{"request_id":"a","model":"m","status":200,"outcome":"complete","prompt_tokens":7,"completion_tokens":10,"token_source":"usage","ttft_ms":1,"stream":true,"trace_id":"t1","span_id":"c1"}
{"request_id":"b","model":"m","status":200,"outcome":"complete","prompt_tokens":7,"completion_tokens":10,"token_source":"engine_counter","ttft_ms":1,"stream":true,"trace_id":"t2","span_id":"c2"}
`
	warmup = `{"request_id":"w","model":"m","status":200,"outcome":"complete","prompt_tokens":3,"completion_tokens":4,"token_source":"usage"}
`
	goodPage = `# TYPE gen_ai_client_inference_usage_input_tokens_total counter
gen_ai_client_inference_usage_input_tokens_total{gen_ai_request_model="a b"} 14
gen_ai_client_inference_usage_input_tokens_total{gen_ai_request_model="w"} 3
gen_ai_client_inference_usage_output_tokens_total{gen_ai_request_model="a b"} 24
`
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSumsNoticesEveryDifference(t *testing.T) {
	for _, c := range []struct{ name, what, from, to string }{
		{"all equal", "", "", ""},
		{"a run that was not summed", "results", `"output_tokens":20`, `"output_tokens":19`},
		{"a failed request", "results", `"succeeded":2`, `"succeeded":1`},
		{"an older key that went", "results", `"elapsed_time":1,`, ``},
		{"a request the load generator forgot", "requests", `"request_id":"b"`, `"request_id":"a"`},
		{"a token less at the load generator", "requests", `"completion_tokens":10`, `"completion_tokens":9`},
		{"an estimate", "requests", `"engine_counter"`, `"events"`},
		{"a request that the proxy missed", "log", `"request_id":"b"`, `"request_id":"c"`},
		{"a request that the proxy has twice", "log", `"request_id":"w"`, `"request_id":"a"`},
		{"a token more at the proxy", "log", `"completion_tokens":10`, `"completion_tokens":11`},
		{"a count that is absent", "log", `"prompt_tokens":7,`, ``},
		{"another outcome", "log", `"outcome":"complete"`, `"outcome":"client_abort"`},
		{"a token less in Prometheus", "page", `} 24`, `} 23`},
		{"a counter that is not there", "page", `usage_output`, `usage_other`},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := map[string]string{"results": goodResults, "requests": goodLog, "log": goodLog + warmup, "page": goodPage}
			if c.what != "" {
				changed := strings.Replace(content[c.what], c.from, c.to, 1)
				if changed == content[c.what] {
					t.Fatalf("%q is not in %s", c.from, c.what)
				}
				content[c.what] = changed
			}
			prom := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(content["page"])) // the client's error tells
			}))
			defer prom.Close()
			var out, problem bytes.Buffer
			code := run([]string{
				"sums", "-patience", "0s", "-metrics", prom.URL,
				"-results", write(t, "results.json", content["results"]),
				"-requests", write(t, "requests.jsonl", content["requests"]), "-log", write(t, "log.jsonl", content["log"]),
			}, &out, &problem)
			want := 0
			if c.what != "" {
				want = 1
			}
			if code != want {
				t.Errorf("exit code %d, want %d: %s%s", code, want, out.String(), problem.String())
			}
		})
	}
}

func TestTracesNoticesEveryDifference(t *testing.T) {
	const good = `{"data":[
{"traceID":"t1","spans":[{"spanID":"s1","tags":[{"key":"span.kind","value":"server"}]},
 {"spanID":"c1","references":[{"refType":"CHILD_OF","spanID":"s1"}],"tags":[{"key":"span.kind","value":"client"},{"key":"gen_ai.usage.input_tokens","value":7},{"key":"gen_ai.usage.output_tokens","value":10}]}]},
{"traceID":"t2","spans":[{"spanID":"s2","tags":[{"key":"span.kind","value":"server"}]},
 {"spanID":"c2","references":[{"refType":"CHILD_OF","spanID":"s2"}],"tags":[{"key":"span.kind","value":"client"},{"key":"gen_ai.usage.input_tokens","value":7},{"key":"gen_ai.usage.output_tokens","value":10}]}]}]}`
	for _, c := range []struct{ name, from, to string }{
		{"all equal", "", ""},
		{"a lost trace", `"traceID":"t2"`, `"traceID":"t3"`},
		{"a token less", `"value":10`, `"value":9`},
		{"no prompt tokens", `gen_ai.usage.input_tokens`, `other`},
		{"another parent", `"spanID":"s1","tags"`, `"spanID":"s9","tags"`},
		{"a client span that is none", `"value":"client"`, `"value":"server"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := strings.Replace(good, c.from, c.to, 1)
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("service") != "svc" {
					http.Error(w, "which service?", http.StatusBadRequest)
					return
				}
				_, _ = w.Write([]byte(answer)) // the client's error tells
			}))
			defer api.Close()
			_, err := checkTraces(&options{jaeger: api.URL, service: "svc", log: write(t, "log.jsonl", goodLog)})
			if (err != nil) != (c.from != "") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestDifferMasksOnlyIDsAndTimes(t *testing.T) {
	const event = `data: {"id":"chatcmpl-Ab1","created":1795467405,"model":"m","timings":{"cache_n":0,"prompt_ms":3.422,"predicted_per_second":25.6e1,"predicted_n":6}}` + "\n\n"
	for _, c := range []struct {
		name, from, to string
		same           bool
	}{
		{"another id", "Ab1", "Zz9", true},
		{"another time", "1795467405", "1795467406", true},
		{"another duration", "3.422", "11", true},
		{"another count", `"predicted_n":6`, `"predicted_n":7`, false},
		{"another model", `"m"`, `"n"`, false},
		{"a blank more", `"model":"m"`, `"model": "m"`, false},
		{"a line end less", "\n\n", "\n", false},
	} {
		changed := strings.Replace(event, c.from, c.to, 1)
		d := differ(&answer{status: 200, body: []byte(event)}, &answer{status: 200, body: []byte(changed)})
		if (d == "") != c.same {
			t.Errorf("%s: %q", c.name, d)
		}
	}
	if differ(&answer{status: 200, header: []string{"a: 1"}}, &answer{status: 200, header: []string{"a: 2"}}) == "" {
		t.Error("another header was not noticed")
	}
	if differ(&answer{status: 200}, &answer{status: 502}) == "" {
		t.Error("another status was not noticed")
	}
}

func TestToldBy(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       tokens
		fails      bool
	}{
		{"usage of one document", `{"usage":{"prompt_tokens":3,"completion_tokens":4}}`, tokens{3, 4}, false},
		{"timings of a stream", "data: {}\n\ndata: {\"timings\":{\"prompt_n\":2,\"cache_n\":5,\"predicted_n\":4}}\n\ndata: [DONE]\n\n", tokens{7, 4}, false},
		{"both, and they differ", `{"usage":{"prompt_tokens":3,"completion_tokens":4},"timings":{"prompt_n":3,"cache_n":0,"predicted_n":5}}`, tokens{}, true},
		{"none", `{"usage":null}`, tokens{}, true},
	} {
		got, err := toldBy([]byte(c.body))
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}
