package loadgen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/sim"
	"tokenomics/internal/upstream"
	"tokenomics/loadgen/dataset"
)

// simulated starts a simulated engine; stop ends it and returns its truth.
func simulated(t *testing.T, cfg sim.Config) (base string, stop func() []truthLine) {
	t.Helper()
	var truth bytes.Buffer
	cfg.Truth = &truth
	cfg.TTFT, cfg.ITL = sim.ConstantDuration(0), sim.ConstantDuration(0)
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	return "http://" + ln.Addr().String() + "/v1", func() (lines []truthLine) {
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Fatal(err)
		}
		for text := range strings.Lines(truth.String()) {
			var l truthLine
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
		return lines
	}
}

// truthLine is what the simulator knows of one request.
type truthLine struct {
	RequestID        string `json:"request_id"`
	PromptTokens     int64  `json:"prompt_tokens"`
	CachedTokens     int64  `json:"cached_tokens"`
	CompletionTokens int64  `json:"completion_tokens"`
}

// TestTokensAreTheEngines sweeps both engines, with several tokens an event,
// and compares every count of every request with the engine's own books. The
// salt keeps the prefix cache out of every run; without it, it answers.
func TestTokensAreTheEngines(t *testing.T) {
	for _, engine := range []string{"vllm", "sglang"} { // those that report cached tokens and take a salt
		for _, mode := range []string{"salt", "keep"} {
			t.Run(engine+" "+string(mode), func(t *testing.T) {
				base, stop := simulated(t, sim.Config{Dialect: engine, Model: "m", TokensPerStep: sim.ConstantCount(3), ReportCached: true})
				target, err := upstream.ParseTarget(base)
				if err != nil {
					t.Fatal(err)
				}
				found, err := upstream.Fingerprint(t.Context(), target.Root(), "")
				if err != nil || found.Name != engine {
					t.Fatalf("the server is taken for %q: %v", found.Name, err)
				}
				sweep, warnings := Plan{
					Loads: batchesOf(1, 4), Runs: 2, Warmup: 1, Nonce: "n",
					Make: beginning(chats(long(t), 1, 40)),
				}.Sweep()
				if len(warnings) > 0 {
					t.Errorf("warnings %q", warnings)
				}
				sink := new(kept)
				if mode == "salt" {
					sweep.Prepare = salted
				}
				sweep.Sink, sweep.Client = sink, newClient(t, ClientConfig{Target: target, Timeout: time.Minute})
				done, err := sweep.Do(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				truth := map[string]truthLine{}
				for _, l := range stop() {
					truth[l.RequestID] = l
				}
				for _, r := range sink.records {
					l := truth[r.RequestID]
					if r.Outcome != "complete" || l.CompletionTokens == 0 || r.Usage.Prompt.Or(-1) != l.PromptTokens ||
						r.Usage.Completion.Or(-1) != l.CompletionTokens || r.Usage.Cached.Or(0) != l.CachedTokens {
						t.Errorf("%s is %s (%s) with %+v; the engine had %+v", r.RequestID, r.Outcome, r.Error, r.Usage, l)
					}
				}
				cached, input := int64(0), int64(0)
				for _, m := range done {
					cached += m.Summary().CachedTokens.Or(0)
					input += m.Summary().InputTokens.Or(0)
				}
				// The second runs are half of the input. The few tokens that a chat
				// template puts before every prompt are shared within a run.
				if len(sink.records) != 10 || (cached > input/4) != (mode == "keep") {
					t.Errorf("%d requests with %d of %d tokens cached", len(sink.records), cached, input)
				}
			})
		}
	}
}

// long are prompts of several blocks of a prefix cache.
func long(t *testing.T) *dataset.Dataset {
	t.Helper()
	var list []dataset.Prompt
	for i := range 20 {
		list = append(list, dataset.Prompt{Text: strings.Repeat(fmt.Sprintf("word%c ", 'a'+i), 100)})
	}
	d, err := dataset.New("long", "made for the test", list)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
