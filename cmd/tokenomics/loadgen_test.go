package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenomics/internal/sim"
)

func TestParseBatchSizes(t *testing.T) {
	for list, want := range map[string]string{
		"1,2,4,8":              "[1 2 4 8]",
		" 8 , 1 ":              "[8 1]",
		"0":                    "0 sends nothing",
		"-1":                   "-1 sends nothing",
		"1,,2":                 "entry 2 is empty",
		"1,":                   "entry 2 is empty",
		"":                     "the list is empty",
		"abc":                  `"abc" is not a whole number`,
		"1.5":                  `"1.5" is not a whole number`,
		"2,2":                  "2 is there twice",
		"65537":                "65537 is above 65536",
		"99999999999999999999": "is too large",
	} {
		sizes, err := parseBatchSizes(list)
		got := fmt.Sprint(sizes)
		if err != nil {
			got = err.Error()
			if !strings.Contains(got, "such as 1,2,4,8") {
				t.Errorf("%q: the error does not say how to mend it: %s", list, got)
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("parseBatchSizes(%q): %s, want %s", list, got, want)
		}
	}
}

func TestChooseModel(t *testing.T) {
	many := []string{"a", "b", "c", "d", "e", "f"}
	for _, tt := range []struct {
		asked  string
		listed []string
		want   string
	}{
		{"x", many, "x"},
		{"", []string{"only"}, "only"},
		{"", nil, "lists 0 models"},
		{"", many, "lists 6 models; name one with --model: a, b, c, d, e, ..."},
	} {
		got, err := chooseModel(tt.asked, tt.listed, "http://h/v1")
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("chooseModel(%q, %q) = %q, want %q", tt.asked, tt.listed, got, tt.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{"90": 90 * time.Second, "0.5": 500 * time.Millisecond, "10m": 10 * time.Minute, "0": 0} {
		var d time.Duration
		if err := newSeconds(&d, time.Hour).Set(text); err != nil || d != want {
			t.Errorf("%q: %v, %v; want %v", text, d, err, want)
		}
	}
	for _, text := range []string{"", "x", "1e300", "NaN"} {
		var d time.Duration
		if err := newSeconds(&d, time.Hour).Set(text); err == nil || d != time.Hour {
			t.Errorf("%q was taken for %v", text, d)
		}
	}
}

// fakeServer looks like a vLLM with one model. Each answer is what chat says.
func fakeServer(t *testing.T, chat http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "uvicorn")
		fmt.Fprint(w, `{"object":"list","data":[{"id":"tiny","object":"model","owned_by":"vllm"}]}`)
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"version":"0.25.1"}`) })
	mux.HandleFunc("POST /v1/chat/completions", chat)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func answers(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	const event = `data: {"id":"x","object":"chat.completion.chunk","model":"tiny","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}` + "\n\n"
	for _, e := range [][2]string{{`{"role":"assistant","content":""}`, "null"}, {`{"content":"a"}`, "null"}, {`{"content":"b"}`, `"length"`}} {
		fmt.Fprintf(w, event, e[0], e[1])
		w.(http.Flusher).Flush()
	}
	fmt.Fprint(w, `data: {"id":"x","object":"chat.completion.chunk","model":"tiny","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}`+"\n\ndata: [DONE]\n\n")
}

func breaks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(500)
	fmt.Fprint(w, `{"error":{"message":"engine on fire","type":"internal_error","code":500}}`)
}

// loadgenRun runs the command in an empty directory.
func loadgenRun(ctx context.Context, t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	// What the user of this machine has calibrated is not the tests' business.
	code = run(ctx, append([]string{"loadgen", "--dataset-key", "builtin", "--calibration", uncalibrated}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// written is as much of a results file as the tests look at.
type written struct {
	SchemaVersion int  `json:"schema_version"`
	Partial       bool `json:"partial"`
	Metadata      struct {
		Model, Engine, Description string
		APIBase                    string `json:"api_base"`
		ViaProxy                   bool   `json:"via_proxy"`
		Method                     string `json:"prefix_cache_method"`
	}
	Results map[string]struct {
		Requests, Succeeded, Failed, Aborted int
		FirstError                           string `json:"first_error"`
		OutputTokens                         int    `json:"output_tokens"`
		InputTokens                          int    `json:"input_tokens"`
		Runs                                 []struct {
			Requests int
			Partial  bool
		}
	}
	Warnings []string
}

func readResults(t *testing.T, path string) (r written) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoadgen(t *testing.T) {
	for name, extra := range map[string][]string{"direct": nil, "through the proxy": {"--via-proxy"}} {
		t.Run(name, func(t *testing.T) {
			url, dir := fakeServer(t, answers), t.TempDir()
			results, requests := filepath.Join(dir, "r.json"), filepath.Join(dir, "q.jsonl")
			code, stdout, stderr := loadgenRun(t.Context(), t, append([]string{"--api_base", url + "/v1", "--batch_sizes", "1,3", "--num_runs", "2",
				"--warmup_runs", "1", "--description", "a b", "--results_file", results, "--requests-file", requests}, extra...)...)
			if code != 0 {
				t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
			}
			r := readResults(t, results)
			if m := r.Metadata; r.SchemaVersion != 1 || r.Partial || m.Model != "tiny" || m.Engine != "vllm" || m.Description != "a b" ||
				m.APIBase != url+"/v1" || m.ViaProxy != (extra != nil) || m.Method != "cache_salt" {
				t.Errorf("results: %+v", r)
			}
			if p := r.Results["3"]; p.Requests != 6 || p.Succeeded != 6 || p.OutputTokens != 12 || len(p.Runs) != 2 || p.Runs[1].Requests != 3 {
				t.Errorf("batch 3: %+v", p)
			}
			lines, err := os.ReadFile(requests)
			if n := strings.Count(string(lines), `"outcome":"complete"`); err != nil || n != 8 {
				t.Errorf("%d request lines, %v; want 8", n, err)
			}
			for _, want := range []string{"p50 ms", "vllm 0.25.1", "Results: " + results} {
				if !strings.Contains(stdout, want) {
					t.Errorf("standard output lacks %q:\n%s", want, stdout)
				}
			}
			for _, want := range []string{"warm-up: 1 request\n", "batch 3, run 2/2: 3 requests, "} {
				if !strings.Contains(stderr, want) {
					t.Errorf("standard error lacks %q:\n%s", want, stderr)
				}
			}
			if strings.Contains(stdout+stderr, "\x1b") {
				t.Error("control sequences where there is no terminal")
			}
		})
	}
}

func TestLoadgenAllFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := loadgenRun(t.Context(), t, "--api-base", fakeServer(t, breaks), "--batch-sizes", "2", "--num-runs", "1", "--results-file", path)
	if code != 1 || !strings.Contains(stderr, "all 2 requests failed, the first with: HTTP 500: engine on fire") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	if p := readResults(t, path).Results["2"]; p.Failed != 2 || p.FirstError != "HTTP 500: engine on fire" {
		t.Errorf("results: %+v", p)
	}
}

// TestLoadgenStopped cancels, as Ctrl-C does, while run 2 is in flight.
func TestLoadgenStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var n atomic.Int32
	url := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 2 {
			// The server notices that a client left only once it has its body.
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			cancel()
			<-r.Context().Done()
			return
		}
		answers(w, r)
	})
	path := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := loadgenRun(ctx, t, "--api-base", url, "--batch-sizes", "2", "--num-runs", "3", "--warmup", "0", "--results-file", path)
	if code != 3 || !strings.Contains(stderr, "stopped") || !strings.Contains(stdout, "p50 ms") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	r := readResults(t, path)
	p := r.Results["2"]
	if !r.Partial || len(p.Runs) != 2 || p.Runs[0].Partial || !p.Runs[1].Partial || p.Requests != 2 || p.Failed != 0 {
		t.Errorf("results: %+v", r)
	}
}

// TestLoadgenRefusals: one line on standard error, the promised exit code, and
// nothing written.
func TestLoadgenRefusals(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String() + "/v1"
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }))
	t.Cleanup(locked.Close)
	none := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[]}`) }))
	t.Cleanup(none.Close)
	t.Setenv("OPENAI_API_KEY", "")

	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--frobnicate", 2, "unknown flag"},
		{"--batch_sizes 1,,2", 2, "such as 1,2,4,8"},
		{"--num-runs 0", 2, "--num-runs 0: give 1 or more"},
		{"--max-tokens 0", 2, "--max-tokens 0"},
		{"--temperature NaN", 2, "--temperature NaN"},
		{"--warmup -1", 2, "--warmup -1"},
		{"--timeout soon", 2, "such as 600, 90s or 10m"},
		{"--prefix-cache maybe", 2, "give auto, reset, salt or keep"},
		{"--stream --no-stream", 2, "exclude each other"},
		{"--dataset-file x.txt", 2, "exclude each other"},
		{"--otlp-endpoint http://h", 2, "add --via-proxy"},
		{"--via-proxy --proxy-records p.jsonl", 2, "give one of the two"},
		{"--calibration no/such/file", 3, "--calibration: "},
		{"--api-base localhost:8000", 2, "write http://localhost:8000"},
		{"--dataset-key nope", 2, "aime, builtin"},
		{"--batch-sizes 1 --max-concurrency 1", 2, "different shapes of load: give one"},
		{"--request-rate 2 --max-concurrency 1", 2, "different shapes of load: give one"},
		{"--find max-rate --request-rate 1", 2, "different shapes of load: give one"},
		{"--concurrency 1 --max-concurrency 1", 2, "one option"},
		{"--max-concurrency 1 --num-prompts 3 --duration 4", 2, "both end a run: give one"},
		{"--num-prompts 3", 2, "a burst sends its batch size at once"},
		{"--arrival poisson", 2, "are for --request-rate"},
		{"--request-rate 1,0", 2, `"0" is no rate`},
		{"--request-rate 1,1", 2, "there twice"},
		{"--request-rate 1,1e12", 2, "1e12 is above 65536, more than one machine sends"},
		{"--request-rate inf --num-prompts 1000000", 2, "what one machine can hold open"},
		{"--request-rate inf", 2, "say how many with --num-prompts"},
		{"--request-rate 0.5 --duration 1s", 2, "give a --duration of 2 s or more"},
		{"--request-rate 1 --arrival never", 2, "give constant, poisson or gamma"},
		{"--request-rate 1 --arrival constant --burstiness 2", 2, "shape of gamma arrivals"},
		{"--stop-when goodput_rps=2%", 2, "there is no goodput without its bounds"},
		{"--find most", 2, "give max-concurrency or max-rate"},
		{"--find max-rate", 2, "such as --slo ttft_p99=500ms"},
		{"--find max-rate --slo speed=1", 2, "is no bound"},
		{"--slo ttft_p99=1s", 2, "add --find"},
		{"--stop-when speed=1%", 2, "there is no figure"},
		{"--stop-when output_tok_s=1% --num-runs 3", 2, "both end the runs"},
		{"--max-runs 9", 2, "is for --stop-when"},
		{"--goodput speed:1", 2, "is no bound"},
		{"--ab http://a", 2, "two servers, separated by a comma"},
		{"--ab http://a,http://b --via-proxy", 2, "names both servers"},
		{"--save-as excel", 2, "give some of vllm, aiperf, tokenomics-py"},
		{"--cost-per-hour -1", 2, "--cost-per-hour -1"},
		{"--endpoint chats", 2, "give one of chat, completions"},
		{"--extra-body x", 2, "is no JSON object"},
		{"--scenario D(1)", 2, "has its own: leave one out"},
		{"--conversations 1 --endpoint messages", 2, "are chats"},
		{"--think-time 1s", 2, "is for --conversations"},
		{"--trace-speed 2", 2, "are for --trace"},
		{"--trace nowhere.jsonl", 2, "nowhere.jsonl"},
		{"--lora-mix zipf", 2, "name some with --lora"},
		{"--prefix-groups 2", 2, "with --prefix-tokens"},
		{"--image-size 8x8", 2, "with --num-images"},
		{"--min-tokens 9 --max-tokens 8", 2, "more than --max-tokens 8"},
		{"--max-concurrency 1 --num-prompts 0", 2, "give 1 or more"},
		{"--num-images 1 --image-size big", 2, "WIDTHxHEIGHT"},
		{"--header X", 2, "give a name and a value"},
		{"--header Host:a", 2, "the client makes that line itself"},
		{"--upstream-insecure --api-base http://h", 2, "give an address with https://"},
		{"--results-file no/such/r.json", 3, "does not exist"},
		{"--api-base " + nobody, 3, "connection refused; start the server"},
		{"--api-base " + locked.URL, 3, "wants an API key"},
		{"--api-base " + none.URL, 2, "lists 0 models; name one with --model"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			code, stdout, stderr := loadgenRun(t.Context(), t, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("exit code %d, want %d with %q in one line; stdout %q, stderr:\n%s", code, tt.code, tt.want, stdout, stderr)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

// TestProxyVariablesAreNotForUs: a host whose proxies are set up by environment
// variables can still run a plain sweep.
func TestProxyVariablesAreNotForUs(t *testing.T) {
	t.Setenv("TOKENOMICS_OTLP_ENDPOINT", "http://127.0.0.1:4318")
	code, _, stderr := loadgenRun(t.Context(), t, "--api-base", fakeServer(t, answers), "--batch-sizes", "1", "--num-runs", "1",
		"--results-file", filepath.Join(t.TempDir(), "r.json"))
	if code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestLoadgenShapes runs each shape of load through the command.
func TestLoadgenShapes(t *testing.T) {
	for _, tt := range []struct {
		name, args, point, table string
		requests                 int
	}{
		{"sustained concurrency", "--max-concurrency 2,3 --num-prompts 7 --num-runs 2", "3", "concurrency", 14},
		{"by its other name, as others write it", "--concurrency 3 --request-rate inf --num-prompts 5 --num-runs 1", "3", "concurrency", 5},
		{"open loop", "--request-rate 200 --num-prompts 20 --num-runs 1", "200", "rate", 20},
		{"open loop by time", "--request-rate 200 --arrival constant --duration 0.1 --num-runs 1", "200", "rate", 20},
		{"all at once", "--request-rate inf --num-prompts 6 --num-runs 1", "inf", "rate", 6},
		{"bursty", "--request-rate 400 --burstiness 0.5 --num-prompts 10 --num-runs 1 --ramp-up 20ms", "400", "rate", 10},
		{"until it is known", "--batch-sizes 2 --stop-when failed_ratio=1% --goodput ttft:60000", "2", "batch", 10},
		{"search", "--find max-concurrency --slo ttft_p99=1m --find-most 2 --num-prompts 4 --num-runs 1", "2", "The knee: 2 requests in flight", 4},
		{"goodput", "--max-concurrency 2 --goodput e2e=1m --num-prompts 4 --num-runs 1", "2", "a second, 100 % of all", 4},
		{"cost", "--max-concurrency 2 --cost-per-hour 2 --num-prompts 4 --num-runs 1", "2", "a million tokens cost ", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.json")
			code, stdout, stderr := loadgenRun(t.Context(), t, append(strings.Fields(tt.args), "--api-base", fakeServer(t, answers), "--warmup", "0", "--results-file", path)...)
			if code != 0 || !strings.Contains(stdout, tt.table) {
				t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
			}
			if p := readResults(t, path).Results[tt.point]; p.Requests != tt.requests || p.Succeeded != tt.requests {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestLoadgenFindsNothing: that no load is good enough is a bar that was missed.
func TestLoadgenFindsNothing(t *testing.T) {
	code, stdout, stderr := loadgenRun(t.Context(), t, "--api-base", fakeServer(t, answers), "--find", "max-concurrency", "--slo", "ttft_p99=1ns",
		"--num-prompts", "2", "--num-runs", "1", "--results-file", filepath.Join(t.TempDir(), "r.json"))
	if code != 1 || !strings.Contains(stdout, "1 is too much: ttft_p99 is") || !strings.Contains(stderr, "no load meets the service level") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

// TestLoadgenABNotBegun: a server that can't be asked is told of, and no more.
func TestLoadgenABNotBegun(t *testing.T) {
	url := fakeServer(t, answers)
	code, stdout, stderr := loadgenRun(t.Context(), t, "--ab", url+","+url, "--prefix-tokens", "5", "--tokenizer", "none.json", "--results-file", filepath.Join(t.TempDir(), "r.json"))
	if code != 2 || strings.Count(stderr, "--tokenizer: reading") != 1 {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

// TestLoadgenABStopped keeps what both servers came to.
func TestLoadgenABStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var n atomic.Int32
	second := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 1 {
			cancel()
		}
		answers(w, r)
	})
	path := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := loadgenRun(ctx, t, "--ab", fakeServer(t, answers)+","+second, "--batch-sizes", "1,2", "--num-runs", "2", "--warmup", "0", "--results-file", path)
	if code != 3 || !strings.Contains(stderr, "stopped") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	for _, side := range []string{"a", "b"} {
		r := readResults(t, strings.TrimSuffix(path, ".json")+"-"+side+".json")
		if p := r.Results["1"]; !r.Partial || len(r.Results) != 1 || p.Requests < 1 {
			t.Errorf("side %s: %+v", side, r)
		}
	}
}

// TestLoadgenAB finds the difference between two servers that it is planted in.
func TestLoadgenAB(t *testing.T) {
	slow := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		answers(w, r)
	})
	path := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := loadgenRun(t.Context(), t, "--ab", fakeServer(t, answers)+","+slow, "--batch-sizes", "1", "--num-runs", "5", "--results-file", path)
	if code != 0 || !strings.Contains(stderr, "batch 1 of B, run 2/5") {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	for _, side := range []string{"a", "b"} {
		if p := readResults(t, strings.TrimSuffix(path, ".json")+"-"+side+".json").Results["1"]; p.Succeeded != 5 {
			t.Errorf("side %s: %+v", side, p)
		}
	}
	line := regexp.MustCompile(`1 +ttft_p50 .* worse\n`)
	if !line.MatchString(stdout) {
		t.Errorf("the slower server is not said to be worse:\n%s", stdout)
	}
}

// TestLoadgenPrompts runs each kind of prompt against a simulated engine, which
// counts its tokens.
func TestLoadgenPrompts(t *testing.T) {
	base, stop := simulatedEngine(t)
	defer stop()
	trace := filepath.Join(t.TempDir(), "trace.jsonl")
	const three = `{"timestamp": 0, "input_length": 600, "output_length": 12, "hash_ids": [46, 47]}
{"timestamp": 20, "input_length": 700, "output_length": 20, "hash_ids": [46, 48]}
{"timestamp": 30, "input_length": 300, "output_length": 5, "hash_ids": [49]}
`
	if err := os.WriteFile(trace, []byte(three), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, args, point string
		requests          int
		input, output     int // tokens; 0 is not looked at
	}{
		{"made, of one length", "--input-len 300 --output-len 20 --batch-sizes 3", "3", 3, 900, 60},
		{"made, in a completion", "--dataset-key random --scenario D(64,8) --endpoint completions --batch-sizes 2", "2", 2, 128, 16},
		{"a shared prefix", "--scenario D(100,10) --prefix-tokens 50 --batch-sizes 2", "2", 2, 300, 20},
		{"a trace", "--trace " + trace, "trace", 3, 1600, 37},
		{"conversations", "--input-len 30 --output-len 10 --conversations 2 --num-prompts 3 --turns 2", "2", 6, 0, 60},
		{"verses", "--dataset-key sonnet --batch-sizes 2 --max-tokens 5", "2", 2, 0, 10},
		{"answers in one piece", "--dataset-key builtin --no-stream --batch-sizes 2 --max-tokens 5 -n 2", "2", 2, 0, 20},
		{"responses", "--dataset-key builtin --endpoint responses --batch-sizes 2 --max-tokens 5", "2", 2, 0, 10},
		{"messages", "--dataset-key builtin --endpoint messages --batch-sizes 2 --max-tokens 5", "2", 2, 0, 10},
		{"embeddings", "--dataset-key builtin --endpoint embeddings --batch-sizes 2", "2", 2, 0, 0},
		{"rankings", "--dataset-key builtin --endpoint rerank --documents 3 --batch-sizes 2", "2", 2, 0, 0},
		{"images", "--dataset-key builtin --num-images 2 --image-size 64x32 --batch-sizes 2 --max-tokens 5", "2", 2, 0, 10},
		{"adapters", "--dataset-key builtin --lora a,b --lora-mix single --batch-sizes 1 --max-tokens 5", "1", 1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.json")
			var out, errs strings.Builder
			code := run(t.Context(), append([]string{"loadgen", "--api-base", base, "--num-runs", "1", "--warmup", "0", "--results-file", path}, strings.Fields(tt.args)...), strings.NewReader(""), &out, &errs)
			p := readResults(t, path).Results[tt.point]
			if code != 0 && tt.name != "adapters" || p.Requests != tt.requests {
				t.Fatalf("exit code %d: %+v\n%s\n%s", code, p, out.String(), errs.String())
			}
			if tt.input > 0 && p.InputTokens != tt.input || tt.output > 0 && p.OutputTokens != tt.output {
				t.Errorf("%d tokens in and %d out, want %d and %d", p.InputTokens, p.OutputTokens, tt.input, tt.output)
			}
		})
	}
}

// simulatedEngine is a vLLM with no delays.
func simulatedEngine(t *testing.T) (base string, stop func()) {
	t.Helper()
	server, err := sim.New(sim.Config{Model: "tiny", TTFT: sim.ConstantDuration(0), ITL: sim.ConstantDuration(0), OutputTokens: sim.ConstantCount(1000)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	return "http://" + ln.Addr().String(), func() {
		if err := errors.Join(server.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	}
}

// TestLoadgenSavesForOthers writes every format, one file a run or a point.
func TestLoadgenSavesForOthers(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := loadgenRun(t.Context(), t, "--api-base", fakeServer(t, answers), "--batch-sizes", "2", "--num-runs", "2", "--warmup", "0",
		"--save-as", "vllm,aiperf,tokenomics-py", "--results-file", filepath.Join(dir, "r.json"))
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	for name, want := range map[string]string{
		"r-2-run1.vllm.json": `"completed":2`, "r-2-run2.vllm.json": `"total_output_tokens":4`, "r-2-run1.profile_export.jsonl": `"benchmark_phase":"profiling"`,
		"r-2-run2.profile_export_aiperf.json": `"request_throughput"`, "r-2.tokenomics-py.json": `"total_requests":4`,
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), want) || !strings.Contains(stdout, name) {
			t.Errorf("%s: %v: %.2000s", name, err, text)
		}
	}
}
