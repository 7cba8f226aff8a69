package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
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
		d := differ(&answer{body: []byte(event)}, &answer{body: []byte(changed)})
		if (d == "") != c.same {
			t.Errorf("%s: %q", c.name, d)
		}
	}
}

// TestDifferNoticesHeads: what a client could see of a head, to the letter; what
// is of one hop, or of this very answer, not.
func TestDifferNoticesHeads(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nServer: e\r\nDate: Mon\r\nx-empty: \r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 9\r\nKeep-Alive: timeout=5\r\n\r\n"
	for _, c := range []struct {
		name, from, to string
		same           bool
	}{
		{"another date", "Mon", "Tue", true},
		{"another length", "Length: 9", "Length: 10", true},
		{"another hop's line", "Keep-Alive: timeout=5", "Connection: close", true},
		{"another reason", "OK", "Fine", false},
		{"another version", "HTTP/1.1", "HTTP/1.0", false},
		{"another case", "Server", "server", false},
		{"another case of a name whose value is its own", "Date", "date", false},
		{"no date", "Date: Mon\r\n", "", false},
		{"a date invented", "Server: e\r\n", "Server: e\r\nDate: Tue\r\n", false},
		{"another order", "Set-Cookie: a\r\nSet-Cookie: b", "Set-Cookie: b\r\nSet-Cookie: a", false},
		{"a duplicate less", "Set-Cookie: a\r\n", "", false},
		{"a blank less", "x-empty: ", "x-empty:", false},
	} {
		changed := strings.Replace(head, c.from, c.to, 1)
		if changed == head {
			t.Fatalf("%s: %q is not in the head", c.name, c.from)
		}
		var want, got answer
		want.readHead(head)
		got.readHead(changed)
		if d := differ(&want, &got); (d == "") != c.same {
			t.Errorf("%s: %q", c.name, d)
		}
	}
	if differ(&answer{framing: "Content-Length"}, &answer{framing: "closing"}) == "" {
		t.Error("another framing was not noticed")
	}
}

// TestRequestReadsAnswersAsTheyAre: over a socket, with a body in chunks.
func TestRequestReadsAnswersAsTheyAre(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	seen := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			seen <- err.Error()
			return
		}
		defer conn.Close()
		b := make([]byte, 4096)
		n, err := conn.Read(b)
		seen <- fmt.Sprint(string(b[:n]), err)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nserver: e\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") // the client's error tells
	}()
	a, err := request{method: "POST", path: "/x", body: "{}"}.to("http://"+l.Addr().String(), "id-1")
	if err != nil {
		t.Fatal(err)
	}
	want := answer{line: "HTTP/1.1 200 OK", code: 200, header: []string{"server: e"}, framing: "Transfer-Encoding: chunked", body: []byte("abc")}
	if !reflect.DeepEqual(*a, want) {
		t.Errorf("%+v, want %+v", *a, want)
	}
	if got := <-seen; !strings.Contains(got, "X-Request-Id: id-1\r\n") || !strings.HasSuffix(got, "\r\n\r\n{}<nil>") {
		t.Errorf("sent %q", got)
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
		{"Responses, at the end of a stream", "event: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n", tokens{3, 4}, false},
		{"Anthropic's, the cached prompt apart", `{"usage":{"input_tokens":3,"cache_read_input_tokens":5,"output_tokens":4}}`, tokens{8, 4}, false},
		{"Anthropic's, in two events", "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":5,\"output_tokens\":0}}}\n\nevent: message_delta\ndata: {\"usage\":{\"output_tokens\":4}}\n\n", tokens{8, 4}, false},
		{"llama.cpp's own", "data: {\"tokens_predicted\":1,\"tokens_evaluated\":3}\n\ndata: {\"tokens_predicted\":4,\"tokens_evaluated\":3}\n\n", tokens{3, 4}, false},
		{"none", `{"usage":null}`, tokens{}, true},
	} {
		got, err := toldBy([]byte(c.body))
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}
