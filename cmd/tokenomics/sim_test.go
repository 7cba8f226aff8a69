package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenomics/internal/sim"
)

func TestSimWrongUse(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--ttft", "soon"}, exitUsage, `"soon" is not a duration such as 50ms`},
		{[]string{"--itl", "uniform(2s,1s)"}, exitUsage, "a <= b"},
		{[]string{"--dialect", "gpt"}, exitUsage, "speaks vllm, sglang, llamacpp, ollama, tgi"},
		{[]string{"--fault", "boom"}, exitUsage, "want one of status"},
		{[]string{"--listen", "8000"}, exitUsage, "write host:port"},
		{[]string{"--path-prefix", "engine"}, exitUsage, "such as /engine"},
		{[]string{"--fault", "encode=lzw"}, exitUsage, "one of auto, gzip, br, zstd"},
		{[]string{"--slots", "-1"}, exitUsage, "below zero"},
		{[]string{"--no-such-flag"}, exitUsage, "sim --help"},
		{[]string{"extra"}, exitUsage, "extra"},
		{[]string{"--listen", busy.Addr().String()}, exitNotRun, "is in use"},
		{[]string{"--listen", "127.0.0.1:0", "--truth", filepath.Join(t.TempDir(), "no", "file")}, exitNotRun, "can be written"},
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), append([]string{"sim"}, c.args...), strings.NewReader(""), &out, &errs)
		if code != c.code || !strings.Contains(errs.String(), c.want) || strings.Count(errs.String(), "\n") != 1 || out.Len() > 0 {
			t.Errorf("sim %v: exit %d, %q; want %d and one line with %q", c.args, code, errs.String(), c.code, c.want)
		}
	}
}

// TestSimServes starts the command, reads its banner, asks once, and stops it.
func TestSimServes(t *testing.T) {
	truth := filepath.Join(t.TempDir(), "truth.jsonl")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	banner, errs := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"sim", "--listen", "127.0.0.1:0", "--ttft", "1ms", "--itl", "0s", "--output_tokens", "5", "--truth", truth},
			strings.NewReader(""), io.Discard, errs)
		_ = errs.Close()
	}()
	line := make([]byte, 256)
	n, err := banner.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`^tokenomics sim: SIMULATED vllm engine on (http://\S+) \(model sim-model, ttft 1ms, itl 0s\)\n$`).FindSubmatch(line[:n])
	if m == nil {
		t.Fatalf("the banner is %q", line[:n])
	}
	var drain sync.WaitGroup
	drain.Go(func() { _, _ = io.Copy(io.Discard, banner) }) // until the command ends
	client := http.Client{Timeout: 20 * time.Second}
	resp, err := client.Post(string(m[1])+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"hi"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Contains(body, []byte(`"completion_tokens":5`)) {
		t.Errorf("answer %s %v", body, err)
	}
	stop()
	if c := <-code; c != exitGood {
		t.Errorf("stopped with exit code %d", c)
	}
	drain.Wait()
	b, err := os.ReadFile(truth)
	if err != nil {
		t.Fatal(err)
	}
	var tr sim.Truth
	if err := json.Unmarshal(b, &tr); err != nil || tr.CompletionTokens != 5 || tr.Outcome != sim.TruthComplete {
		t.Errorf("truth %s %v", b, err)
	}
}

// TestSimHelpNamesEveryDialect, and what it serves is served.
func TestSimHelpNamesEveryDialect(t *testing.T) {
	var out bytes.Buffer
	if code := run(context.Background(), []string{"sim", "--help"}, strings.NewReader(""), &out, io.Discard); code != exitGood {
		t.Fatalf("sim --help: exit %d", code)
	}
	_, table, _ := strings.Cut(out.String(), "Dialects, for --dialect")
	table, _, _ = strings.Cut(table, "Durations and counts")
	paths := map[string][]string{}
	dialect := ""
	for line := range strings.Lines(table) {
		if name, ok := strings.CutPrefix(line, "  "); ok && !strings.HasPrefix(name, " ") {
			dialect = strings.Fields(name)[0]
		}
		if dialect != "" {
			paths[dialect] = append(paths[dialect], regexp.MustCompile(`/[a-z0-9/_]+`).FindAllString(strings.ReplaceAll(line, "no /v1/embeddings", ""), -1)...)
		}
	}
	for _, dialect := range sim.Dialects() {
		engine := startSim(t, sim.Config{Dialect: dialect})
		if len(paths[dialect]) < 3 {
			t.Errorf("the help names %q for %s", paths[dialect], dialect)
		}
		for _, path := range paths[dialect] {
			// What is read takes a HEAD, what is posted to refuses it: 404 is neither.
			resp, err := http.Head(engine + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close() // a HEAD has none
			if resp.StatusCode == http.StatusNotFound {
				t.Errorf("%s does not serve %s", dialect, path)
			}
		}
	}
}
