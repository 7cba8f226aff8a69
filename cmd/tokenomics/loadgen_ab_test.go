package main

import (
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestLoadgenABNotBegun: a server that can't be asked is told of, and no more.
func TestLoadgenABNotBegun(t *testing.T) {
	url := fakeServer(t, answers)
	code, stdout, stderr := loadgenRun(t.Context(), t, "--ab", url+","+url, "--endpoint", "ollama-chat", "--ignore-eos", "--results-file", filepath.Join(t.TempDir(), "r.json"))
	if code != 2 || strings.Count(stderr, "takes no ignore_eos") != 1 {
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
