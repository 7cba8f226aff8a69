package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenomics/internal/sim"
)

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
