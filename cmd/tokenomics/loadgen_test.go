package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
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

// TestLoadgenLosesRequestLines: a disk that is full is told of at once, the
// results are written, and the command fails.
func TestLoadgenLosesRequestLines(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no /dev/full here")
		}
		t.Skip("there is no /dev/full here")
	}
	path := filepath.Join(t.TempDir(), "r.json")
	code, _, stderr := loadgenRun(t.Context(), t, "--api-base", fakeServer(t, answers), "--batch-sizes", "2", "--num-runs", "2", "--warmup", "0",
		"--requests-file", "/dev/full", "--results-file", path)
	told, ended := strings.Index(stderr, "Warning: --requests-file /dev/full lacks lines"), strings.Index(stderr, "batch 2, run 1/2: 2 requests")
	if code != 3 || told < 0 || told > ended || !strings.Contains(stderr, "(4 lines lost)") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if r := readResults(t, path); r.Results["2"].Requests != 4 || len(r.Warnings) == 0 {
		t.Errorf("results: %+v", r)
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

// TestLoadgenResultsOnStandardOutput: nothing but the JSON is there, and what
// other tools read goes to files of the default name.
func TestLoadgenResultsOnStandardOutput(t *testing.T) {
	url := fakeServer(t, answers)
	for _, tt := range []struct {
		name  string
		alone bool // JSON is all that is on standard output
	}{{"-", true}, {"/dev/stdout", true}, {"/dev/null", false}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			code, stdout, stderr := loadgenRun(t.Context(), t, "--api-base", url, "--batch-sizes", "2", "--num-runs", "1", "--warmup", "0",
				"--save-as", "vllm", "--results-file", tt.name)
			if code != 0 {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			var r struct{ Results map[string]any }
			if err := json.Unmarshal([]byte(stdout), &r); (err == nil) != tt.alone || tt.alone && (len(r.Results) != 1 || !strings.Contains(stderr, "Results: standard output")) {
				t.Errorf("%v: standard output is %s\nstandard error is %s", err, stdout, stderr)
			}
			saved, err := filepath.Glob(filepath.Join(dir, "results-*-2-run1.vllm.json"))
			if err != nil || len(saved) != 1 {
				t.Errorf("saved are %q, %v", saved, err)
			}
		})
	}
}
