package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestClientsAreJoinedToTheTruth with planted errors: what a client says is
// compared with its own request, and with the events that it takes for tokens.
func TestClientsAreJoinedToTheTruth(t *testing.T) {
	truths := write(t, "truth", `{"request_id":"try","received_unix_ns":1,"end_ns":1,"outcome":"complete","events":[]}
{"request_id":"vllm-1","received_unix_ns":3000000000,"end_ns":1000000000,"outcome":"complete","events":[{"at_ns":10000000,"kind":"role"},{"at_ns":10000000,"kind":"token"},{"at_ns":60000000,"kind":"token"},{"at_ns":60000000,"kind":"usage"}]}
{"request_id":"vllm-0","received_unix_ns":2000000000,"end_ns":1000000000,"outcome":"complete","events":[{"at_ns":20000000,"kind":"role"},{"at_ns":20000000,"kind":"token"},{"at_ns":80000000,"kind":"token"}]}
{"request_id":"vllm-2","received_unix_ns":2500000000,"end_ns":1000000000,"outcome":"broken","events":[{"at_ns":20000000,"kind":"role"}]}
`)
	vllm := write(t, "result", `{"ttfts":[0.021,0.013,0.5],"itls":[[0,0.062],[0,0.050],[]]}`)
	ours := write(t, "requests", `{"request_id":"vllm-0","ttft_ms":21,"event_ms":[21,83]}
{"request_id":"vllm-1","ttft_ms":13,"event_ms":[13,63]}
`)
	for name, result := range map[string]string{"vllm": vllm, "tokenomics": ours} {
		c, err := compared(options{name: name, truth: truths, result: result, requests: 3})
		if err != nil {
			t.Fatal(err)
		}
		if c.lost != 1 || c.events != 8 || c.from != 2e9 || c.to != 4e9 {
			t.Errorf("%s: %d lost of what had %d events from %d to %d", name, c.lost, c.events, c.from, c.to)
		}
		if near := quantile(c.ttft, 0.5); math.Abs(near-1) > 1e-9 {
			t.Errorf("%s: TTFT error %v, want 1 ms", name, near)
		}
		if far := quantile(c.ttft, 0.99); math.Abs(far-3) > 1e-9 {
			t.Errorf("%s: TTFT error p99 %v, want 3 ms", name, far)
		}
		if gap := quantile(c.gapErrors, 0.99); math.Abs(gap-2) > 1e-9 {
			t.Errorf("%s: gap error %v, want 2 ms", name, gap)
		}
	}
}

func TestUsageBetweenTwoMoments(t *testing.T) {
	list, err := readUsage(write(t, "cpu", "100 5 1\n200 6 2\n300 8 3\n400 9 4\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		from, to int64
		want     usage
	}{
		{"samples around it", 210, 290, usage{100, 2, 1}},
		{"samples at it", 200, 300, usage{100, 2, 1}},
		{"before the first and after the last", 0, 900, usage{300, 4, 3}},
	} {
		if got := between(list, tt.from, tt.to); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if _, err := readUsage(write(t, "cpu", "nothing\n")); err == nil {
		t.Error("a file of something else is read")
	}
}
