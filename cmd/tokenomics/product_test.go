package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"tokenomics/internal/sim"
)

// These tests run the product as its user does, in front of the simulator,
// whose truth is known.

const productPatience = 30 * time.Second

// output collects what a command writes while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(productPatience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", productPatience, what)
		}
	}
}

func startSim(t *testing.T, cfg sim.Config) string {
	t.Helper()
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), productPatience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

// startedProxy is "tokenomics proxy" running in this process.
type startedProxy struct {
	url, admin string
	stop       func() (code int, stderr string)
}

// freeAddr is an address that was free a moment ago. Its port is none that the
// system gives out by itself: a connection of some other test could have it by the
// time that it is listened on.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(17000)))
		if ln, err := net.Listen("tcp", addr); err == nil {
			ln.Close()
			return addr
		}
	}
	t.Fatal("no port from 15000 to 32000 is free")
	return ""
}

func runProxy(t *testing.T, args ...string) startedProxy {
	t.Helper()
	listen, admin := freeAddr(t), freeAddr(t)
	stderr, stop := launch(t, admin, append([]string{"--listen", listen}, args...)...)
	return startedProxy{
		url: "http://" + listen, admin: "http://" + admin,
		stop: func() (int, string) { return stop(), stderr.String() },
	}
}

func postJSON(t *testing.T, url, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		b = append(b, ("<" + err.Error() + ">")...)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// TestInvisible: in every usage mode and dialect, a client gets the same bytes
// through the proxy as without it.
func TestInvisible(t *testing.T) {
	chat := func(rest string) string {
		return `{"model":"sim-model","messages":[{"role":"user","content":"Tell me why."}],"max_tokens":7` + rest + `}`
	}
	completions := func(rest string) string {
		return `{"model":"sim-model","prompt":"Once upon a time","max_tokens":7` + rest + `}`
	}
	type exchange struct{ path, body, fault string }
	var exchanges []exchange
	for _, options := range []string{
		``, `,"stream":false`, `,"stream":true`, `,"stream":true,"stream_options":{"include_usage":true}`, `,"stream":true,"stream_options":{"include_usage":false}`,
		`,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`, `,"stream":true,"stream_options":null`, `,"stream":true,"n":2`,
		`,"stream_options":{"include_usage":true}`,
	} {
		exchanges = append(exchanges, exchange{"/v1/chat/completions", chat(options), ""}, exchange{"/v1/completions", completions(options), ""})
	}
	exchanges = append(exchanges,
		exchange{"/v1/completions", `{"model":"sim-model","prompt":["one","two"],"max_tokens":3,"stream":true}`, ""},
		exchange{"/v1/embeddings", `{"model":"sim-model","input":"text"}`, ""},
		exchange{"/v1/chat/completions", `{"model":"nobody","messages":[],"stream":true}`, ""},
		exchange{"/v1/chat/completions", `not JSON`, ""},
		exchange{"/v1/unknown", `{}`, ""},
	)
	for _, fault := range []string{"error-event=3", "garbage=2", "no-done", "split", "coalesce=4", "crlf", "abort", "cut=3", "status=503"} {
		exchanges = append(exchanges, exchange{"/v1/chat/completions", chat(`,"stream":true`), fault})
	}
	for _, dialect := range sim.Dialects() {
		engine := startSim(t, sim.Config{
			Dialect: dialect, Deterministic: true, Seed: 5, CacheTokens: -1,
			TTFT: sim.ConstantDuration(2 * time.Millisecond), ITL: sim.ConstantDuration(time.Millisecond),
		})
		modes := []string{"observe", "auto"}
		if dialect == "vllm" || dialect == "sglang" {
			modes = append(modes, "final", "continuous") // elsewhere asking changes more than its answer
		}
		for _, usage := range modes {
			proxy := runProxy(t, "--upstream", engine, "--usage", usage)
			for i, x := range exchanges {
				header := []string{"X-Request-Id", fmt.Sprint("r", i), "X-Sim-Fault", x.fault}
				wantStatus, wantHead, want := postJSON(t, engine+x.path, x.body, header...)
				gotStatus, gotHead, got := postJSON(t, proxy.url+x.path, x.body, header...)
				if gotStatus != wantStatus || got != want {
					t.Errorf("%s, --usage %s, %s %s %s:\n got %d %s\nwant %d %s", dialect, usage, x.path, x.body, x.fault, gotStatus, got, wantStatus, want)
				}
				for _, h := range []string{"Content-Type", "Server", "X-Simulated-By"} {
					if gotHead.Get(h) != wantHead.Get(h) {
						t.Errorf("%s %s: header %s is %q, want %q", x.path, x.body, h, gotHead.Get(h), wantHead.Get(h))
					}
				}
			}
			if code, stderr := proxy.stop(); code != exitGood {
				t.Errorf("the proxy ended with %d: %s", code, stderr)
			}
		}
	}
}

// TestSumsAgree: the load generator, the proxy's log, its metrics and the
// simulator's truth count the same tokens.
func TestSumsAgree(t *testing.T) {
	dir := t.TempDir()
	var truth output
	engine := startSim(t, sim.Config{
		TTFT: sim.ConstantDuration(5 * time.Millisecond), ITL: sim.ConstantDuration(time.Millisecond),
		OutputTokens: mustCount(t, "uniform(3,30)"), ReportCached: true, Truth: &truth,
	})
	log := filepath.Join(dir, "log.jsonl")
	proxy := runProxy(t, "--upstream", engine, "--log-requests", log)
	results := filepath.Join(dir, "results.json")
	var stdout, stderr output
	code := run(t.Context(), []string{"loadgen", "--api_base", proxy.url + "/v1", "--dataset_key", "builtin", "--batch_sizes", "1,3,8", "--num_runs", "2",
		"--max_tokens", "20", "--warmup", "0", "--results_file", results}, strings.NewReader(""), &stdout, &stderr)
	if code != exitGood {
		t.Fatalf("loadgen ended with %d: %s", code, stderr.String())
	}
	var metrics string
	waitFor(t, "the metrics to have every request", func() bool { // they come a moment after its answer
		metrics = get(t, proxy.admin+"/metrics")
		return strings.Contains(metrics, `tokenomics_endpoint="chat",tokenomics_outcome="complete"} 24`)
	})
	if code, stderr := proxy.stop(); code != exitGood {
		t.Fatalf("the proxy ended with %d: %s", code, stderr)
	}

	fromLog := sums(t, readFile(t, log), `outcome`, "complete")
	fromTruth := sums(t, truth.String(), `endpoint`, "chat")
	if fromLog != fromTruth || fromLog.requests != 24 {
		t.Errorf("the proxy logged %+v, the truth is %+v", fromLog, fromTruth)
	}
	var fromResults tokenSums
	gjson.Get(readFile(t, results), "results").ForEach(func(_, point gjson.Result) bool {
		fromResults.requests += int(point.Get("requests").Int())
		fromResults.prompt += point.Get("input_tokens").Int()
		fromResults.completion += point.Get("output_tokens").Int()
		return true
	})
	if fromResults != fromLog {
		t.Errorf("loadgen's results say %+v, the proxy %+v", fromResults, fromLog)
	}
	for name, want := range map[string]int64{
		"gen_ai_client_inference_usage_input_tokens_total": fromLog.prompt, "gen_ai_client_inference_usage_output_tokens_total": fromLog.completion,
		"tokenomics_tokens_streamed_total": fromLog.completion,
	} {
		if got := metric(t, metrics, name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

type tokenSums struct {
	requests           int
	prompt, completion int64
}

// sums adds up the JSON lines whose key has the value.
func sums(t *testing.T, lines, key, value string) (s tokenSums) {
	t.Helper()
	for line := range strings.Lines(lines) {
		if !gjson.Valid(line) {
			t.Fatalf("not JSON: %s", line)
		}
		if gjson.Get(line, key).String() != value || gjson.Get(line, "endpoint").String() == "" {
			continue
		}
		s.requests++
		s.prompt += gjson.Get(line, "prompt_tokens").Int()
		s.completion += gjson.Get(line, "completion_tokens").Int()
	}
	return s
}

// metric adds up the samples of a Prometheus counter.
func metric(t *testing.T, text, name string) (sum int64) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^`+name+`(?:\{[^}]*\})? ([0-9.e+]+)$`).FindAllStringSubmatch(text, -1)
	if len(found) == 0 {
		t.Errorf("no metric %s", name)
	}
	for _, m := range found {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += int64(v)
	}
	return sum
}

func mustCount(t *testing.T, s string) sim.Dist {
	t.Helper()
	d, err := sim.ParseCounts(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestProxyRefusals: one line that says what and how to mend it, and the exit
// code.
func TestProxyRefusals(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"proxy", "--upstream", "localhost:8000"}, exitUsage, "has no scheme: write http://localhost:8000"},
		{[]string{"proxy", "--usage", "some"}, exitUsage, "is not one of auto, final, continuous, observe"},
		{[]string{"proxy", "--listen", "8080"}, exitUsage, "write host:port"},
		{[]string{"proxy", "--upstream", "http://localhost:8000/v1"}, exitUsage, "write http://localhost:8000"},
		{[]string{"proxy", "--upstream", "http://localhost:99999"}, exitUsage, "port 99999"},
		{[]string{"proxy", "--upstream", "http://127.0.0.1:8080"}, exitUsage, "own address"},
		{[]string{"proxy", "--semconv", "1.0"}, exitUsage, "--semconv"},
		{[]string{"proxy", "--trace-sample-ratio", "2"}, exitUsage, "--trace-sample-ratio"},
		{[]string{"proxy", "--otlp-protocol", "smtp"}, exitUsage, "--otlp-protocol"},
		{[]string{"proxy", "--timeline"}, exitUsage, "--log-requests"},
		{[]string{"loadgen", "--batch_sizes", "1", "2"}, exitUsage, "with commas"},
		{[]string{"loadgen", "--timeline"}, exitUsage, "--requests-file"},
		{[]string{"loadgen", "--connect-before", "-1"}, exitUsage, "auto, or a number from 0"},
		{[]string{"proxy", "--no-such"}, exitUsage, "unknown flag: --no-such; see 'tokenomics proxy --help'"},
		{[]string{"proxy", "--drain-timeout", "-1s"}, exitUsage, "--drain-timeout"},
		{[]string{"proxy", "--otlp-endpoint", "nowhere", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, exitUsage, "http://host:4318"},
		{[]string{"proxy", "--listen", busy.Addr().String()}, exitNotRun, "is in use by another process: stop it, or give another address with --listen"},
		{[]string{"proxy", "--listen", "127.0.0.1:0", "--admin", busy.Addr().String()}, exitNotRun, "give another address with --admin"},
		{[]string{"proxy", "--listen", "127.0.0.1:0", "--admin", "", "--log-requests", "/no/such/dir/f"}, exitNotRun, "--log-requests"},
		{[]string{"nonsense"}, exitUsage, `unknown command "nonsense"`},
		{[]string{"proxy", "extra"}, exitUsage, "extra"},
	} {
		var stdout, stderr output
		code := run(t.Context(), tt.args, strings.NewReader(""), &stdout, &stderr)
		got := stderr.String()
		if code != tt.code || !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 || stdout.String() != "" {
			t.Errorf("%q: exit %d, %q; want %d and %q on one line", tt.args, code, got, tt.code, tt.want)
		}
	}
}

func TestEnvironmentSetsFlags(t *testing.T) {
	t.Setenv("TOKENOMICS_USAGE", "bogus")
	var stderr output
	if code := run(t.Context(), []string{"proxy"}, nil, io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), `"bogus"`) {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	t.Setenv("TOKENOMICS_DRAIN_TIMEOUT", "soon")
	if code := run(t.Context(), []string{"proxy"}, nil, io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "TOKENOMICS_DRAIN_TIMEOUT") {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
}

// TestTheCommandLineBeatsTheEnvironment: also under another name of a flag,
// and where two flags exclude each other.
func TestTheCommandLineBeatsTheEnvironment(t *testing.T) {
	engine := startSim(t, sim.Config{TTFT: sim.ConstantDuration(time.Millisecond), ITL: sim.ConstantDuration(100 * time.Microsecond)})
	t.Setenv("TOKENOMICS_API_BASE", "http://127.0.0.1:1/v1")
	t.Setenv("TOKENOMICS_WARMUP", "0")
	t.Setenv("TOKENOMICS_DATASET_KEY", "aime")
	t.Setenv("TOKENOMICS_NO_STREAM", "true")
	dir := t.TempDir()
	prompts := filepath.Join(dir, "prompts.txt")
	if err := os.WriteFile(prompts, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, "r.json")
	var stdout, stderr output
	code := run(t.Context(), []string{"loadgen", "--base-url", engine, "--warmup-runs", "2", "--dataset-file", prompts, "--stream",
		"--batch-sizes", "1", "--num-runs", "1", "--max-tokens", "3", "--results-file", results}, nil, &stdout, &stderr)
	if code != exitGood {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	meta := gjson.Get(readFile(t, results), "metadata")
	if meta.Get("warmup").Int() != 2 || !meta.Get("stream").Bool() || meta.Get("dataset_file").String() != prompts || meta.Get("dataset_key").Exists() {
		t.Errorf("metadata %s", meta.Raw)
	}
}

func TestDemo(t *testing.T) {
	results := filepath.Join(t.TempDir(), "demo.json")
	var stdout, stderr output
	if code := run(t.Context(), []string{"demo", "--results-file", results}, nil, &stdout, &stderr); code != exitGood {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	for _, want := range []string{"SIMULATED", "tok/s", results, "tokenomics proxy --upstream"} {
		if !strings.Contains(stdout.String()+stderr.String(), want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	var r struct {
		Results map[string]struct {
			Requests int `json:"requests"`
			Failed   int `json:"failed"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(readFile(t, results)), &r); err != nil || len(r.Results) != 4 || r.Results["8"].Requests != 16 || r.Results["8"].Failed != 0 {
		t.Errorf("results %+v, %v", r, err)
	}
}
