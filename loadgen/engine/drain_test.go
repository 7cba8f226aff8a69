package engine

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/sim"
)

// TestDrain: requests that hang keep an engine busy until they are given up.
func TestDrain(t *testing.T) {
	for _, name := range []string{"vllm", "sglang", "llama_cpp"} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, name, sim.Config{Slots: 2, TTFT: sim.ConstantDuration(time.Hour)})
			e := open(t, s.base, name)
			if word, err := e.Drain(t.Context(), time.Minute); word != "" || err != nil {
				t.Errorf("an idle engine: %q, %v", word, err)
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			for range 3 {
				s.clients.Go(func() { s.ask(ctx) })
			}
			await(t, "three requests", func() bool { l, _, err := e.load(t.Context()); return err == nil && l == load{2, 1} })
			word, err := e.Drain(t.Context(), 0)
			if !strings.HasSuffix(word, "2 requests run and 1 wait: somebody else uses it") || err != nil {
				t.Errorf("a busy engine: %q, %v", word, err)
			}
			leave()
			if word, err := e.Drain(t.Context(), time.Minute); word != "" || err != nil {
				t.Errorf("when they have left: %q, %v", word, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := e.Drain(ctx, time.Minute); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}

// ask sends a request whose client will leave.
func (s *simulated) ask(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, "POST", s.base+"/v1/completions", strings.NewReader(`{"model":"sim-model","prompt":"wait","stream":true}`))
	if err != nil {
		s.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer key")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		<-ctx.Done()
		_ = resp.Body.Close()
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// TestDrainOtherwise: what is known without metrics, and what is not.
func TestDrainOtherwise(t *testing.T) {
	sglang := "sglang:num_running_reqs 7\nsglang:num_queue_reqs 1\n" // as long as 30 s after the last request
	for _, tt := range []struct {
		what, name, metrics, path, answer, word string
	}{
		{"llama.cpp's slots, free", "llama_cpp", "", "/slots", `[{"id":0,"is_processing":false}]`, ""},
		{"llama.cpp's slots, busy", "llama_cpp", "", "/slots", `[{"is_processing":true},{"is_processing":false}]`, "1 requests run"},
		{"llama.cpp without either", "llama_cpp", "", "", "", "not known: llama.cpp tells no metrics"},
		{"SGLang's scheduler over its gauges", "sglang", sglang, "/v1/loads", `{"loads":[{"dp_rank":0,"num_running_reqs":0,"num_waiting_reqs":0}]}`, ""},
		{"two ranks of it", "sglang", sglang, "/v1/loads", `{"loads":[{"num_running_reqs":1,"num_waiting_reqs":2},{"num_running_reqs":3,"num_waiting_reqs":4}]}`, "4 requests run and 6 wait"},
		{"an SGLang that has no such path", "sglang", sglang, "", "", "7 requests run and 1 wait"},
		{"no JSON", "sglang", sglang, "/v1/loads", `<html>`, "not known: reading the answer"},
		{"a vLLM without that gauge", "vllm", "vllm:prompt_tokens_total 1\n", "", "", "not known: its metrics do not tell how many requests run"},
		{"Ollama", "ollama", "", "", "", "not known: Ollama has no metrics"},
	} {
		s := script(t, func(r *http.Request, _ int) (int, string) {
			switch {
			case r.URL.Path == tt.path:
				return 200, tt.answer
			case r.URL.Path == "/metrics" && tt.metrics != "":
				return 200, tt.metrics
			}
			return 404, ""
		})
		word, err := open(t, s.URL, tt.name).Drain(t.Context(), 0)
		if !strings.Contains(word, tt.word) || (word == "") != (tt.word == "") || err != nil {
			t.Errorf("%s: %q, %v; want %q", tt.what, word, err, tt.word)
		}
	}
}
