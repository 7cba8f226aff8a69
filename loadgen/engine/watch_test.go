package engine

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/results"
	"tokenomics/internal/sim"
)

// near compares figures that went through text.
func near(t *testing.T, what string, got figure, want float64) {
	t.Helper()
	if v, ok := got.Get(); !ok || math.Abs(v-want) > 1e-6*max(1, math.Abs(want)) {
		t.Errorf("%s is %v (known: %v), want %v", what, v, ok, want)
	}
}

func absent(t *testing.T, what string, got figure) {
	t.Helper()
	if v, ok := got.Get(); ok {
		t.Errorf("%s is %v, want none", what, v)
	}
}

// TestSideIsTheTruth watches two runs in each dialect and holds the engine's
// account against the simulator's truth log. What is sent between the runs is in
// neither.
func TestSideIsTheTruth(t *testing.T) {
	for _, name := range []string{"vllm", "sglang", "llama_cpp"} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, name, sim.Config{
				Slots: 2, TTFT: sim.ConstantDuration(20 * time.Millisecond), ITL: sim.ConstantDuration(2 * time.Millisecond),
				OutputTokens: sim.ConstantCount(10), CachedTTFT: 1, CacheBlock: 1,
			})
			e := open(t, s.base, name)
			w := e.Watch()
			for _, run := range []string{"measured-a", "between", "measured-b"} {
				if run != "between" {
					w.Begin(t.Context())
				}
				s.together(run, 5)
				s.complete(run+"-same", run+" asks number 1 of several things")
				w.End(t.Context())
			}
			side, doubts := w.Side()
			if len(doubts) > 0 {
				t.Error(doubts)
			}
			holds(t, name, side, s.truths("measured", 12))
		})
	}
}

func holds(t *testing.T, name string, side *results.EngineSide, truths []sim.Truth) {
	t.Helper()
	var prompt, output, cached, queued float64
	for _, tr := range truths {
		prompt, output, cached = prompt+float64(tr.PromptTokens), output+float64(tr.CompletionTokens), cached+float64(tr.CachedTokens)
		queued += float64(tr.AdmittedNS) / 1e6
	}
	if cached == 0 || queued == 0 {
		t.Errorf("the test has %v cached tokens and %v ms in the queue: it shows nothing", cached, queued)
	}
	near(t, "prompt tokens", side.PromptTokens, prompt)
	near(t, "output tokens", side.OutputTokens, output)
	near(t, "prefix hits", side.PrefixHits, cached/prompt)
	if name == "llama_cpp" {
		absent(t, "queue", side.Queue)
		absent(t, "requests", side.Requests)
		return
	}
	n := float64(len(truths))
	near(t, "requests", side.Requests, n)
	near(t, "preemptions", side.Preemptions, 0)
	near(t, "queue", side.Queue, queued/n)
	near(t, "TTFT", side.TTFT, queued/n+20)
	near(t, "E2E", side.E2E, queued/n+38)
	if name == "sglang" {
		absent(t, "prefill", side.Prefill)
		return
	}
	near(t, "prefill", side.Prefill, 20)
	near(t, "decode", side.Decode, 18)
}

// metrics is a scrape of vLLM's.
func metrics(run, wait int, kv float64, output int) string {
	return fmt.Sprintf("vllm:num_requests_running %d\nvllm:num_requests_waiting %d\nvllm:kv_cache_usage_perc %g\nvllm:generation_tokens_total %d\n",
		run, wait, kv, output)
}

// play answers scrapes with scenes, one after the other; done is closed when
// the one before the last has been read. The last stays.
func play(t *testing.T, scenes ...string) (base string, done chan struct{}) {
	done = make(chan struct{})
	s := script(t, func(_ *http.Request, n int) (int, string) {
		if n == len(scenes) {
			close(done)
		}
		scene := scenes[min(n, len(scenes))-1]
		if scene == "" {
			return 500, ""
		}
		return 200, scene
	})
	return s.URL, done
}

func TestWatchFollowsGauges(t *testing.T) {
	idle := metrics(0, 0, 0, 100)
	base, done := play(t, idle, idle, metrics(2, 4, 0.5, 150), "", metrics(4, 0, 0.75, 180), metrics(0, 0, 0, 200))
	w := open(t, base, "vllm").Watch()
	w.Begin(t.Context())
	<-done
	// The last scene may have been looked at before the end too, any number of
	// times: it pulls the means down, and leaves the peaks.
	w.End(t.Context())
	side, doubts := w.Side()
	if len(doubts) > 0 {
		t.Error(doubts)
	}
	near(t, "output tokens", side.OutputTokens, 100)
	near(t, "the most running", side.RunningMax, 4)
	near(t, "the most waiting", side.WaitingMax, 4)
	near(t, "the highest use", side.KVUseMax, 0.75)
	if m := side.Running.Or(0); m <= 0 || m > 3 {
		t.Errorf("%v running on average, want at most 3", m)
	}
	if r, kv := side.Running.Or(0)/6, side.KVUse.Or(0)/1.25; math.Abs(r-kv) > 1e-9 {
		t.Errorf("the means are not over the same looks: %v and %v", r, kv)
	}
	absent(t, "queue", side.Queue)
	absent(t, "prefix hits", side.PrefixHits)
}

func TestWatchDoubts(t *testing.T) {
	before, after := metrics(0, 0, 0, 100), metrics(0, 0, 0, 900)
	for _, tt := range []struct {
		what   string
		scenes []string
		doubt  string
	}{
		{"a restart", []string{before, before, metrics(1, 0, 0, 500), metrics(0, 0, 0, 3)}, "went back"},
		{"a restart that has caught up", []string{before, before, metrics(1, 0, 0, 500), metrics(1, 0, 0, 3), after}, "went back"},
		{"a counter that is gone", []string{before, before, "vllm:num_requests_running 0\n"}, "went back"},
		{"no beginning", []string{before, "", after}, "status 500"},
		{"no end", []string{before, before, metrics(1, 0, 0, 500), ""}, "status 500"},
	} {
		base, done := play(t, tt.scenes...)
		w := open(t, base, "vllm").Watch()
		w.Begin(t.Context())
		<-done
		w.End(t.Context())
		side, doubts := w.Side()
		if len(doubts) != 1 || !strings.Contains(doubts[0], tt.doubt) {
			t.Errorf("%s: doubts %q, want one with %q", tt.what, doubts, tt.doubt)
		}
		absent(t, tt.what+": output tokens", side.OutputTokens)
	}
}

// TestFirstCount: SGLang tells of no counter before it has counted.
func TestFirstCount(t *testing.T) {
	idle := "sglang:num_running_reqs 0\n"
	base, done := play(t, idle, idle, idle+"sglang:generation_tokens_total 12\n")
	w := open(t, base, "vllm").Watch()
	w.Begin(t.Context())
	<-done
	w.End(t.Context())
	side, doubts := w.Side()
	if len(doubts) > 0 {
		t.Error(doubts)
	}
	near(t, "output tokens", side.OutputTokens, 12)
}

func TestWatchWithoutMetrics(t *testing.T) {
	s := script(t, func(*http.Request, int) (int, string) { return 404, "" })
	w := open(t, s.URL, "ollama").Watch()
	w.Begin(t.Context())
	w.End(t.Context())
	if side, doubts := w.Side(); side != nil || len(doubts) > 0 {
		t.Errorf("an account of an engine that gives none: %+v, %q", side, doubts)
	}
	if n := s.count("/metrics"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

// TestStoppedRun: the end of a run that was stopped is still read.
func TestStoppedRun(t *testing.T) {
	base, done := play(t, metrics(0, 0, 0, 1), metrics(0, 0, 0, 1), metrics(0, 0, 0, 5))
	ctx, stop := context.WithCancel(t.Context())
	w := open(t, base, "vllm").Watch()
	w.Begin(ctx)
	<-done
	stop()
	w.End(t.Context())
	side, _ := w.Side()
	near(t, "output tokens", side.OutputTokens, 4)
}
