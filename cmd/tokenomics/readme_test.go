package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenomics/internal/sim"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// readmeCommands are the lines of the README's sh blocks, as the shell splits
// them, comments gone.
func readmeCommands(t *testing.T) (lines []string) {
	t.Helper()
	for _, block := range shellBlock.FindAllStringSubmatch(readFile(t, filepath.Join("..", "..", "README.md")), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// words splits a command as the shell does.
func words(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "set -- "+line+`; printf '%s\n' "$@"`).Output()
	if err != nil {
		t.Fatalf("splitting %q: %v", line, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// TestReadmeCommands runs every command of the README, on other ports.
func TestReadmeCommands(t *testing.T) {
	engine := startSim(t, sim.Config{
		Model: "distill-llama-8b", TTFT: sim.ConstantDuration(2 * time.Millisecond), ITL: sim.ConstantDuration(200 * time.Microsecond),
	})
	ran := map[string]int{}
	for _, line := range readmeCommands(t) {
		program, args, _ := strings.Cut(line, "tokenomics ")
		switch {
		case line == "go test ./...":
			ran["test"]++ // this is it
		case strings.HasPrefix(line, "go -C scripts/e2e/jaeger"):
			if !strings.Contains(readFile(t, filepath.Join("..", "..", "scripts", "e2e", "install.sh")), "jaegertracing/jaeger/cmd/jaeger") {
				t.Errorf("%q is run by nobody: the end-to-end checks do not build that Jaeger", line)
			}
			ran["jaeger"]++
		case strings.Contains(line, "scripts/vllm_run_server.sh"):
			cmd := exec.Command("sh", "-c", line+" --dry-run")
			cmd.Dir = filepath.Join("..", "..")
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--port 8001") {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
			ran["script"]++
		case strings.HasPrefix(line, "curl http://localhost:9464/metrics"):
			ran["curl"]++ // asked of every proxy below
		case program != "" && program != "go run ./cmd/":
			t.Errorf("%q: no test knows how to run this", line)
		default:
			given := words(t, args)
			t.Run(given[0], func(t *testing.T) { runReadmeCommand(t, engine, given) })
			ran[given[0]]++
		}
	}
	for _, command := range []string{"test", "jaeger", "script", "curl", "demo", "proxy", "loadgen", "sim", "report", "compare", "calibrate"} {
		if ran[command] == 0 {
			t.Errorf("the README shows no %s command, or this test does not see it", command)
		}
	}
}

func runReadmeCommand(t *testing.T, engine string, args []string) {
	addr := strings.TrimPrefix(engine, "http://")
	var exports atomic.Int32
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			exports.Add(1)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer backend.Close()
	elsewhere := strings.NewReplacer("localhost:8001", addr, "localhost:8000", addr, "http://localhost:4318", backend.URL)
	for i := range args {
		args[i] = elsewhere.Replace(args[i])
	}
	switch args[0] {
	case "demo":
		var stdout, stderr output
		if code := run(t.Context(), append(args, "--results-file", filepath.Join(t.TempDir(), "r.json")), nil, &stdout, &stderr); code != exitGood {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
	case "proxy":
		p := runProxy(t, without(args[1:], "--listen")...)
		status, _, body := postJSON(t, p.url+"/v1/chat/completions", `{"model":"distill-llama-8b","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
		if status != http.StatusOK || !strings.Contains(body, "[DONE]") {
			t.Errorf("a chat through it: %d %s", status, body)
		}
		waitFor(t, "the metrics", func() bool {
			return strings.Contains(get(t, p.admin+"/metrics"), `tokenomics_outcome="complete"`)
		})
		if code, stderr := p.stop(); code != exitGood {
			t.Errorf("exit %d: %s", code, stderr)
		}
		if strings.Contains(strings.Join(args, " "), "--otlp-endpoint") && exports.Load() == 0 {
			t.Error("no traces arrived at the OTLP endpoint")
		}
	case "loadgen":
		t.Setenv("TOKENOMICS_API_BASE", engine) // what "port 8000" is where no address is named
		readmeLoadgen(t, args)
	case "calibrate":
		// It starts the program itself, which is a test here: the end-to-end checks
		// run it. That its flags are there shows here too.
		var stderr output
		if code := run(t.Context(), append(args, "--help"), nil, io.Discard, &stderr); code != exitGood {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
	case "compare":
		dir := t.TempDir()
		t.Chdir(dir)
		measuredFile(t, dir, args[1], "", time.Millisecond)
		measuredFile(t, dir, args[2], "", time.Millisecond)
		var stdout, stderr output
		if code := run(t.Context(), append(args, "--threshold", "99%"), nil, &stdout, &stderr); code != exitGood || !strings.Contains(stdout.String(), "verdict") {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
	case "report":
		dir := t.TempDir()
		t.Chdir(dir)
		measuredFile(t, dir, args[1], "", time.Millisecond)
		var stdout, stderr output
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitGood {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
		if page := readFile(t, "report.html"); !strings.Contains(page, "Throughput against latency") {
			t.Error("the page is not a report")
		}
	case "sim":
		listen := freeAddr(t)
		ctx, cancel := context.WithCancel(t.Context())
		var stderr output
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, append(without(args, "--listen"), "--listen", listen), nil, io.Discard, &stderr)
		}()
		waitFor(t, "the simulator", func() bool {
			resp, err := http.Get("http://" + listen + "/v1/models")
			if err == nil {
				resp.Body.Close()
			}
			return err == nil
		})
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if code := <-ended; code != exitGood {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
	default:
		t.Errorf("no test knows how to run %q", args)
	}
}

// readmeLoadgen runs a sweep with the hub's stand-in, in a directory of its own.
func readmeLoadgen(t *testing.T, args []string) {
	dir := t.TempDir()
	hub := filepath.Join(dir, "hub")
	if out, err := exec.Command("go", "build", "-o", hub, "tokenomics/scripts/e2e/hub").CombinedOutput(); err != nil {
		t.Fatalf("building the hub's stand-in: %v\n%s", err, out)
	}
	addrFile := filepath.Join(dir, "addr")
	cmd := exec.Command(hub, "-listen", "127.0.0.1:0", "-addr-file", addrFile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		_ = cmd.Wait()
	}()
	waitFor(t, "the hub's stand-in", func() bool { _, err := os.Stat(addrFile); return err == nil })
	t.Setenv("HF_ENDPOINT", "http://"+strings.TrimPrefix(strings.TrimSpace(readFile(t, addrFile)), "http://"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Chdir(dir)
	var stdout, stderr output
	seed := slices.Contains(args, "--results_file")
	if !seed {
		args = shorter(args)
	}
	if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitGood {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	if !seed {
		return
	}
	results := readFile(t, "my_server_benchmark.json")
	for _, want := range []string{`"8"`, `"tokens_per_second_in_batch"`, `"Deepseek R1 distill 8B TP8 A100s"`} {
		if !strings.Contains(results, want) {
			t.Errorf("the results have no %s", want)
		}
	}
}

// shorter is the same command with less of it: what lasts minutes on an engine
// that is measured need not do so here.
func shorter(args []string) []string {
	for i, a := range args {
		switch {
		case a == "--duration" && slices.Contains(args, "--request-rate"): // one a second has none in so short a time
			args[i], args[i+1] = "--num-prompts", "2"
		case a == "--duration", a == "--think-time":
			args[i+1] = "50ms"
		case a == "--num-prompts", a == "--num-runs":
			args[i+1] = "2"
		}
	}
	if !slices.Contains(args, "--num-runs") {
		args = append(args, "--num-runs", "1")
	}
	return args
}

// without drops a flag and its value.
func without(args []string, flag string) (rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == flag {
			i++
			continue
		}
		rest = append(rest, args[i])
	}
	return rest
}
