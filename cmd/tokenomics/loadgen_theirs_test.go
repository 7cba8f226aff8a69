package main

import (
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"

	"tokenomics/internal/results"
)

// TestAsVLLMsClient: a command line as people's fingers know it.
func TestAsVLLMsClient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := loadgenRun(t.Context(), t, "--base-url", fakeServer(t, answers), "--endpoint", "/v1/chat/completions",
		"--num-prompts", "4", "--request-rate", "inf", "--max-concurrency", "2", "--num-runs", "1", "--goodput", "ttft:5000", "e2el:60000", "--results-file", path)
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	r, err := results.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Results[0]; p.Name != "2" || p.Requests != 4 || p.GoodputRatio.Or(0) != 1 || r.Metadata.Goodput != "ttft:5000 e2el:60000" || r.Metadata.Endpoint != "chat" {
		t.Errorf("goodput %q of %s, %+v", r.Metadata.Goodput, r.Metadata.Endpoint, p)
	}
}

// TestTheirsAreNotOurs: what is said to be another tool's is no flag of ours.
func TestTheirsAreNotOurs(t *testing.T) {
	var loadgen *cobra.Command
	for _, cmd := range newRoot(new(env)).Commands() {
		if cmd.Name() == "loadgen" {
			loadgen = cmd
		}
	}
	for name := range theirs {
		if loadgen.Flags().Lookup(name) != nil {
			t.Errorf("--%s is a flag here", name)
		}
	}
}
