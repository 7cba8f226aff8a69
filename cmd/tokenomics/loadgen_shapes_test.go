package main

import (
	"path/filepath"
	"strings"
	"testing"
)

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
