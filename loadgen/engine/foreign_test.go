package engine

import (
	"strings"
	"testing"
	"time"

	"tokenomics/internal/results"
	"tokenomics/internal/sim"
)

func TestForeign(t *testing.T) {
	for _, tt := range []struct {
		what           string
		prompt, output figure // the engine's
		ours           Ours
		foreign        figure
		word           string
	}{
		{"all ours", some(500), some(1000), Ours{Prompt: some(500), Output: some(1000)}, some(0), ""},
		{"a little more", some(500), some(1005), Ours{Prompt: some(500), Output: some(1000)}, some(5), ""},
		{"others", some(500), some(1500), Ours{Output: some(1000)}, some(500), "of the 1500 output tokens that the engine made, at least 500 were not for us"},
		{"others alone", some(50), some(7), Ours{Prompt: some(0), Output: some(0)}, some(7), "at least 7"},
		{"what was broken off may be ours", some(500), some(1500), Ours{Output: some(1000), Unseen: 600}, some(0), ""},
		{"not all of it", some(500), some(1800), Ours{Output: some(1000), Unseen: 600}, some(200), "at least 200"},
		{"others without output", some(900), some(1000), Ours{Prompt: some(500), Output: some(1000)}, some(0), "of the 900 prompt tokens that the engine took, 400 were not ours"},
		{"prompts of broken ones are not known", some(900), some(1000), Ours{Output: some(1000)}, some(0), ""},
		{"fewer", some(500), some(400), Ours{Output: some(1000)}, figure{}, "not of all that answered us"},
		{"nothing told", figure{}, figure{}, Ours{Prompt: some(1), Output: some(1000)}, figure{}, ""},
		{"ours not known", some(1), some(1000), Ours{}, figure{}, ""},
	} {
		side := &results.EngineSide{PromptTokens: tt.prompt, OutputTokens: tt.output}
		word := Foreign(side, tt.ours, 0.01)
		if side.Foreign != tt.foreign || !strings.Contains(word, tt.word) || (word == "") != (tt.word == "") {
			t.Errorf("%s: %v foreign tokens, %q; want %v, %q", tt.what, side.Foreign, word, tt.foreign, tt.word)
		}
	}
	if word := Foreign(nil, Ours{Output: some(1)}, 0.01); word != "" {
		t.Errorf("without an account: %q", word)
	}
}

// TestForeignRequestIsFound: someone else asks in the middle of a run.
func TestForeignRequestIsFound(t *testing.T) {
	for _, name := range []string{"vllm", "sglang", "llama_cpp"} {
		s := simulate(t, name, sim.Config{TTFT: sim.ConstantDuration(time.Millisecond), ITL: sim.ConstantDuration(time.Millisecond), OutputTokens: sim.ConstantCount(10)})
		w := open(t, s.base, name).Watch()
		w.Begin(t.Context())
		s.together("ours", 4)
		s.together("theirs", 2)
		w.End(t.Context())
		side, _ := w.Side()
		var output float64
		for _, tr := range s.truths("ours", 4) {
			output += float64(tr.CompletionTokens)
		}
		word := Foreign(side, Ours{Output: some(output)}, 0.01)
		if side.Foreign != some(20) || !strings.Contains(word, "at least 20") {
			t.Errorf("%s: %v foreign tokens, %q; want 20", name, side.Foreign, word)
		}
	}
}
