package wire

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sim"
)

// TestTruth: what is measured of the simulator's answers is what it did, in all
// dialects, endpoints and modes.
func TestTruth(t *testing.T) {
	for dialect, cases := range simCases() {
		for _, tt := range cases {
			t.Run(dialect+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				cfg := simConfig(dialect)
				if tt.edit != nil {
					tt.edit(&cfg)
				}
				s := simulate(t, cfg, tt.path, tt.body, "")
				if s.Outcome != record.Complete || s.truth.Outcome != sim.TruthComplete || s.Stream != s.truth.Stream {
					t.Errorf("%s (%s), stream %v; the truth is %+v", s.Outcome, s.Error, s.Stream, s.truth)
				}
				s.checkUsage(t, tt.told)
				s.checkChoices(t, strings.Contains(tt.told, "i"))
				if s.Stream {
					s.checkMoments(t, tt.told)
				}
			})
		}
	}
}

// checkUsage holds the usage to the truth: what is told is so, and the rest is
// absent.
func (s *simulated) checkUsage(t *testing.T, told string) {
	t.Helper()
	for _, tt := range []struct {
		key  string
		got  record.Count
		want int
	}{
		{"p", s.Usage.Prompt, s.truth.PromptTokens}, {"c", s.Usage.Cached, s.truth.CachedTokens},
		{"o", s.Usage.Completion, s.truth.CompletionTokens}, {"r", s.Usage.Reasoning, s.truth.ReasoningTokens},
	} {
		if tt.key == "c" && s.truth.Dialect == "vllm" && slices.Contains(s.Warnings, cachedOfFirst) {
			continue
		}
		got, ok := tt.got.Get()
		switch {
		case strings.Contains(told, tt.key) && (!ok || got != int64(tt.want)):
			t.Errorf("%s: %d (%v), the truth is %d", tt.key, got, ok, tt.want)
		case !strings.Contains(told, tt.key) && got != 0 && !(tt.key == "o" && !s.Usage.Source.Exact()):
			t.Errorf("%s: %d, which nothing tells (%s)", tt.key, got, s.Usage.Source)
		}
	}
	if makesTokens[s.Endpoint] && s.Usage.Source.Exact() != strings.Contains(told, "o") {
		t.Errorf("source %q", s.Usage.Source)
	}
}

// checkChoices holds each choice to the truth; its tokens may be unknown where
// they are not told.
func (s *simulated) checkChoices(t *testing.T, told bool) {
	t.Helper()
	if makesTokens[s.Endpoint] && len(s.FinishReasons) != len(s.truth.Choices) {
		t.Errorf("finish reasons %q of %d choices", s.FinishReasons, len(s.truth.Choices))
	}
	for i, c := range s.Choices {
		n, ok := c.Completion.Get()
		if want := s.truth.Choices[i]; c.Index != want.Index || ok && n != int64(want.CompletionTokens) || told && !ok {
			t.Errorf("choice %+v, the truth is %+v", c, want)
		}
	}
}

// checkMoments holds the moments to the places of the events.
func (s *simulated) checkMoments(t *testing.T, told string) {
	t.Helper()
	choices, events := s.tokenEvents(strings.Contains(told, "e"))
	exact := strings.ContainsAny(told, "eE")
	if exact && !slices.Equal(s.Timeline, events) {
		t.Errorf("timeline\n%v, the truth is\n%v", s.Timeline, events)
	}
	if (s.ITL != nil) != exact && len(events) > len(s.Choices) {
		t.Errorf("ITL %v where exact is %v", s.ITL != nil, exact)
	}
	for _, c := range s.Choices {
		if len(choices[c.Index]) == 0 {
			continue
		}
		first, got := choices[c.Index][0].At, c.FirstToken.Or(0)
		if late, early := strings.Contains(told, "l"), strings.Contains(told, "f"); got < first && !early || got > first && !late || got == 0 {
			t.Errorf("choice %d: first token at %v, the truth is %v", c.Index, got, first)
		}
		if last := s.lastPlace(c.Index); c.LastToken.Or(0) != last {
			t.Errorf("choice %d: last token at %v, the truth is %v", c.Index, c.LastToken, last)
		}
	}
}

// lastPlace is where the event that ends the choice is. SGLang's chat ends
// several choices when all are over, which says nothing of one: there it is the
// last token event.
func (s *simulated) lastPlace(choice int) time.Duration {
	held := s.truth.Dialect == "sglang" && s.Endpoint == "chat" && len(s.Choices) > 1
	last, at := 0, 0
	for _, e := range s.truth.Events {
		at += e.Bytes
		if e.Choice != choice {
			continue
		}
		ends := e.Kind == sim.EventFinish || e.Kind == sim.EventUsage && s.Endpoint == "responses"
		if e.Kind == sim.EventToken || ends && !held {
			last = at
		}
	}
	return time.Duration(last) * place
}

// simFaults are what may go wrong, or be unusual, in a stream, and what becomes
// of it. Where the outcome is complete the figures are those of a stream
// without.
var simFaults = []struct {
	fault   string
	outcome record.Outcome
}{
	{"error-event=4", record.Error},
	{"status=503", record.Error},
	{"cut=4", record.Truncated},
	{"reset=4", record.Truncated},
	{"no-done", record.Truncated},
	{"abort=3", record.EngineAbort},
	{"garbage=3", record.Complete},
	{"comment=1", record.Complete},
	{"comment=4", record.Complete},
	{"encode=gzip", record.Complete},
	{"encode=br", record.Complete},
	{"encode=zstd", record.Complete},
	{"trailers", record.Complete},
	{"content-length", record.Complete},
	{"close-delimited", record.Complete},
	{"split=5", record.Complete},
	{"coalesce=3", record.Complete},
	{"crlf", record.Complete},
	{"big-event=5000", record.Complete},
}

// TestTruthOfFaults: the same, where something goes wrong.
func TestTruthOfFaults(t *testing.T) {
	for dialect, cases := range simCases() {
		for _, tt := range cases {
			if tt.edit != nil {
				continue // the same endpoint in another mode
			}
			t.Run(dialect+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				cfg := simConfig(dialect)
				plain := simulate(t, cfg, tt.path, tt.body, "")
				if !plain.Stream {
					return
				}
				for _, f := range simFaults {
					t.Run(f.fault, func(t *testing.T) {
						faulty := simulate(t, cfg, tt.path, tt.body, f.fault)
						faulty.checkFault(t, &plain, f.outcome)
					})
				}
			})
		}
	}
}

// checkFault holds what was measured of a fault to the truth, and, where it is
// to change nothing, to what is measured without.
func (s *simulated) checkFault(t *testing.T, plain *simulated, want record.Outcome) {
	t.Helper()
	if s.hides(want) {
		want = map[record.Outcome]record.Outcome{record.EngineAbort: record.Complete, record.Error: record.Truncated}[want]
	} else if want == record.Complete {
		s.checkSame(t, plain)
	}
	if s.Outcome != want {
		t.Errorf("%s (%s), want %s; the truth is %+v", s.Outcome, s.Error, want, s.truth)
	}
	if want == record.Error && s.Endpoint == "responses" {
		return // the simulator's response.failed tells the usage of all that was planned
	}
	if total, ok := s.Usage.Completion.Get(); ok && s.Usage.Source.Exact() && total != int64(s.truth.CompletionTokens) {
		t.Errorf("%d tokens by %s, the truth is %d", total, s.Usage.Source, s.truth.CompletionTokens)
	}
}

// hides says whether an engine tells nothing of what happened: only vLLM and
// SGLang are sure to have a finish reason for an abort, in the formats that are
// theirs or OpenAI's older ones; Ollama loses errors where it speaks OpenAI's
// way, and vLLM's Responses end without a word (WIRE.md 2.5).
func (s *simulated) hides(what record.Outcome) bool {
	if s.Status != 200 {
		return false
	}
	switch what {
	case record.EngineAbort:
		theirs := s.truth.Dialect == "vllm" || s.truth.Dialect == "sglang"
		older := s.Dialect != dialectOllama && s.Endpoint != "messages" && s.Endpoint != "responses"
		return !(theirs && older) && !slices.Contains(s.FinishReasons, "abort")
	case record.Error:
		return s.truth.Dialect == "ollama" && s.Dialect == dialectOpenAI || s.truth.Dialect == "vllm" && s.Endpoint == "responses"
	}
	return false
}

// checkSame holds what was measured to what is measured without a fault.
func (s *simulated) checkSame(t *testing.T, plain *simulated) {
	t.Helper()
	if s.Usage != plain.Usage || !slices.Equal(s.FinishReasons, plain.FinishReasons) || len(s.Timeline) != len(plain.Timeline) {
		t.Errorf("%+v %q, %d token events; without the fault %+v %q, %d", s.Usage, s.FinishReasons, len(s.Timeline), plain.Usage, plain.FinishReasons, len(plain.Timeline))
	}
	for i, c := range s.Choices {
		if want := plain.Choices[i]; c.Completion != want.Completion || c.FinishReason != want.FinishReason || c.FirstToken.Ok() != want.FirstToken.Ok() {
			t.Errorf("choice %+v, without the fault %+v", c, want)
		}
	}
}

// tokenEvents are the truth's token events: where in the body each ends, and
// how many tokens it brought.
func (s *simulated) tokenEvents(finishes bool) (choices map[int][]record.Event, events []record.Event) {
	choices, at := map[int][]record.Event{}, 0
	for _, e := range s.truth.Events {
		at += e.Bytes
		if e.Kind == sim.EventToken || finishes && e.Kind == sim.EventFinish && e.Tokens > 0 {
			event := record.Event{At: time.Duration(at) * place, Tokens: e.Tokens}
			choices[e.Choice] = append(choices[e.Choice], event)
			events = append(events, event)
		}
	}
	return choices, events
}

// TestTruthOfTimes: what engines tell of their own time is what they took.
func TestTruthOfTimes(t *testing.T) {
	const say, chat = `{` + simSay, "/v1/chat/completions"
	for _, tt := range []struct {
		name, dialect, path, body string
		queue, load, phases       bool // which are told; phases are prefill and decode
		compute, total            bool
	}{
		{"body", "vllm", chat, say + `}`, true, false, true, false, false},
		{"stream", "vllm", chat, say + simUsage + `}`, true, false, true, false, false},
		{"stream without usage", "vllm", chat, say + simStream + `}`, false, false, false, false, false},
		{"two choices", "vllm", chat, `{"n":2,` + simSay + simUsage + `}`, false, false, false, false, false},
		{"completions", "vllm", "/v1/completions", `{"prompt":"one two"` + simUsage + `}`, true, false, true, false, false},
		{"responses", "vllm", "/v1/responses", `{"input":"Say hello"}`, true, false, true, false, false},
		{"responses stream", "vllm", "/v1/responses", `{"input":"Say hello","stream":true}`, true, false, true, false, false},
		{"body", "sglang", "/generate", `{"text":"x y"}`, true, false, true, false, true},
		{"stream", "sglang", "/generate", `{"text":"x y"` + simStream + `}`, true, false, true, false, true},
		{"batch", "sglang", "/generate", `{"text":["x y","z"]` + simStream + `}`, false, false, false, false, false},
		{"chat", "sglang", chat, say + simUsage + `}`, false, false, false, false, false},
		{"body", "llamacpp", chat, say + `}`, false, false, true, false, false},
		{"stream", "llamacpp", chat, say + simStream + `}`, false, false, true, false, false},
		{"stream, usage", "llamacpp", chat, say + simUsage + `}`, false, false, true, false, false},
		{"two choices", "llamacpp", chat, `{"n":2,` + simSay + `}`, false, false, false, false, false},
		{"two choices in a stream", "llamacpp", chat, `{"n":2,` + simSay + simStream + `}`, false, false, false, false, false},
		{"completion", "llamacpp", "/completion", `{"prompt":"x y"` + simStream + `}`, false, false, true, false, false},
		{"body", "ollama", "/api/chat", `{"stream":false,` + simSay + `}`, false, true, true, false, true},
		{"stream", "ollama", "/api/generate", `{"prompt":"x"}`, false, true, true, false, true},
		{"OpenAI's", "ollama", chat, say + simUsage + `}`, false, false, false, false, false},
		{"body", "tgi", "/generate", `{"inputs":"x y"}`, true, false, false, true, true},
		{"stream", "tgi", "/generate_stream", `{"inputs":"x y"}`, false, false, false, false, false},
	} {
		t.Run(tt.dialect+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := simConfig(tt.dialect)
			cfg.Deterministic, cfg.RequestMetrics = false, true
			cfg.TTFT, cfg.ITL = sim.ConstantDuration(3*time.Millisecond+250*time.Microsecond), sim.ConstantDuration(1125*time.Microsecond)
			s := simulate(t, cfg, tt.path, tt.body, "")
			queue, prefill, decode := time.Duration(s.truth.AdmittedNS), time.Duration(s.truth.PrefillNS), time.Duration(s.truth.DecodeNS)
			var got record.EngineTimes
			if s.Engine != nil {
				got = *s.Engine
			}
			for _, f := range []struct {
				name string
				told bool
				got  record.Span
				want time.Duration
			}{
				{"queue", tt.queue, got.Queue, queue},
				{"load", tt.load, got.Load, time.Millisecond + queue}, // the simulator's takes one
				{"prefill", tt.phases, got.Prefill, prefill},
				{"decode", tt.phases, got.Decode, decode},
				{"compute", tt.compute, got.Compute, prefill + decode},
				{"total", tt.total, got.Total, queue + prefill + decode + got.Load.Or(queue) - queue},
			} {
				// TGI tells whole milliseconds, llama.cpp microseconds, and SGLang what is
				// left of them in a number of seconds since 1970.
				unit := map[string]time.Duration{"tgi": time.Millisecond, "llamacpp": time.Microsecond, "sglang": time.Microsecond}[tt.dialect]
				if d, ok := f.got.Get(); ok != f.told || ok && (d < f.want-unit || d > f.want+unit) {
					t.Errorf("%s: %v (%v), the truth is %v", f.name, d, ok, f.want)
				}
			}
		})
	}
}
