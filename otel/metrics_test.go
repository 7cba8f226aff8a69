package otel

import (
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

const (
	genAI  = "gen_ai.operation.name=chat,gen_ai.provider.name=vllm,gen_ai.request.model=llama,gen_ai.response.model=llama-8b"
	ours   = "gen_ai.operation.name=chat,gen_ai.request.model=llama"
	engine = "server.address=127.0.0.1,server.port=8001"
	asked  = "gen_ai.provider.name=vllm,gen_ai.request.model=llama,tokenomics.endpoint=chat,tokenomics.outcome=complete"
)

func expand(golden string) string {
	return strings.NewReplacer("GENAI", genAI, "OURS", ours, "ENGINE", engine, "ASKED", asked).Replace(golden)
}

func TestOneStreamNewestNames(t *testing.T) {
	r := newRig(t, Config{}, nil)
	r.Observe(streamed())
	wantLines(t, r.dump(t), expand(`
		gen_ai.client.inference.duration histogram s {GENAI,ENGINE} count=1 sum=0.205
		gen_ai.client.inference.operation.input_tokens histogram {token} {GENAI} count=1 sum=9
		gen_ai.client.inference.operation.output_tokens histogram {token} {GENAI} count=1 sum=11
		gen_ai.client.inference.time_per_output_chunk histogram s {GENAI} count=1 sum=0.01
		gen_ai.client.inference.time_to_first_chunk histogram s {GENAI} count=1 sum=0.05
		gen_ai.client.inference.usage.cache_read.input_tokens counter {token} {GENAI,gen_ai.token.modality=unknown,ENGINE} 0
		gen_ai.client.inference.usage.input_tokens counter {token} {GENAI,gen_ai.token.modality=unknown,ENGINE} 9
		gen_ai.client.inference.usage.output_tokens counter {token} {GENAI,gen_ai.token.modality=unknown,ENGINE} 11
		gen_ai.client.inference.usage.reasoning.output_tokens counter {token} {GENAI,gen_ai.token.modality=unknown,ENGINE} 4
		http.client.request.duration histogram s {http.request.method=POST,http.response.status_code=200,ENGINE} count=1 sum=0.205
		http.server.request.duration histogram s {http.request.method=POST,http.response.status_code=200,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.206
		tokenomics.events counter {event} {ASKED} 13
		tokenomics.labels.overflow counter {request} {} 0
		tokenomics.load.time_per_output_token histogram s {OURS,tokenomics.in_flight.range=2} count=1 sum=0.01
		tokenomics.load.time_to_first_token histogram s {OURS,tokenomics.in_flight.range=2} count=1 sum=0.1
		tokenomics.proxy.overhead histogram s {OURS} count=1 sum=0.00013
		tokenomics.request.decode_token_rate histogram {token}/s {OURS} count=1 sum=100
		tokenomics.request.event_gap.max histogram s {OURS} count=1 sum=0.015
		tokenomics.request.inter_token_latency histogram s {OURS} count=1 sum=0.005
		tokenomics.request.output_token_rate histogram {token}/s {OURS} count=1 sum=55
		tokenomics.request.time_to_first_output histogram s {OURS} count=1 sum=0.11
		tokenomics.request.time_to_first_token histogram s {OURS} count=1 sum=0.1
		tokenomics.requests counter {request} {ASKED} 1
		tokenomics.tokens.estimated counter {token} {} 0`))
}

func TestOneStreamOlderNames(t *testing.T) {
	r := newRig(t, Config{Semconv: Semconv141}, nil)
	r.Observe(streamed())
	wantLines(t, with(r.dump(t), "gen_ai.client", "gen_ai.server"), expand(`
		gen_ai.client.operation.duration histogram s {GENAI,ENGINE} count=1 sum=0.205
		gen_ai.client.operation.time_per_output_chunk histogram s {GENAI} count=1 sum=0.01
		gen_ai.client.operation.time_to_first_chunk histogram s {GENAI} count=1 sum=0.05
		gen_ai.client.token.usage histogram {token} {GENAI,gen_ai.token.type=input} count=1 sum=9
		gen_ai.client.token.usage histogram {token} {GENAI,gen_ai.token.type=output} count=1 sum=11
		gen_ai.server.request.duration histogram s {GENAI,ENGINE} count=1 sum=0.2
		gen_ai.server.time_per_output_token histogram s {GENAI} count=1 sum=0.01
		gen_ai.server.time_to_first_token histogram s {GENAI} count=1 sum=0.1`))
}

func TestEngineViewIsByFlag(t *testing.T) {
	for _, on := range []bool{false, true} {
		r := newRig(t, Config{EngineView: on}, nil)
		r.Observe(streamed())
		want := 0
		if on {
			want = 3
		}
		if got := with(r.dump(t), "gen_ai.server."); len(got) != want {
			t.Errorf("EngineView %v: %d series, want %d: %v", on, len(got), want, got)
		}
	}
}

// What is not known is not recorded: no zeros.
func TestAbsentIsNotZero(t *testing.T) {
	r := newRig(t, Config{}, nil)
	rec := &record.Record{Start: start, Outcome: record.Complete, Status: 200}
	rec.Method, rec.Path, rec.Endpoint, rec.Model, rec.Stream = "POST", "/v1/chat/completions", "chat", "llama", true
	rec.Sent, rec.End = at(0), at(50)
	r.Observe(rec)
	wantLines(t, r.dump(t), `
		gen_ai.client.inference.duration histogram s {gen_ai.operation.name=chat,gen_ai.provider.name=unknown,gen_ai.request.model=llama} count=1 sum=0.05
		http.client.request.duration histogram s {http.request.method=POST,http.response.status_code=200} count=1 sum=0.05
		http.server.request.duration histogram s {http.request.method=POST,http.response.status_code=200,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.05
		tokenomics.labels.overflow counter {request} {} 0
		tokenomics.requests counter {request} {gen_ai.provider.name=unknown,gen_ai.request.model=llama,tokenomics.endpoint=chat,tokenomics.outcome=complete} 1
		tokenomics.tokens.estimated counter {token} {} 0`)
}

// What is only passed through counts as HTTP and by its outcome.
func TestPassedThrough(t *testing.T) {
	r := newRig(t, Config{}, nil)
	rec := &record.Record{Start: start, Outcome: record.Error, Status: 404, Server: "127.0.0.1:8001", Provider: "vllm"}
	rec.Method, rec.Path, rec.Sent, rec.End, rec.Overhead = "BREW", "/pot", at(0), at(2), at(1)
	r.Observe(rec)
	wantLines(t, r.dump(t), expand(`
		http.client.request.duration histogram s {error.type=404,http.request.method=_OTHER,http.response.status_code=404,ENGINE} count=1 sum=0.002
		http.server.request.duration histogram s {http.request.method=_OTHER,http.response.status_code=404,url.scheme=http} count=1 sum=0.002
		tokenomics.labels.overflow counter {request} {} 0
		tokenomics.requests counter {request} {error.type=404,gen_ai.provider.name=vllm,tokenomics.endpoint=other,tokenomics.outcome=error} 1
		tokenomics.tokens.estimated counter {token} {} 0`))
}

func TestOutcomes(t *testing.T) {
	tests := []struct {
		outcome record.Outcome
		edit    func(*record.Record)
		want    string // of the lines that tell how it ended
	}{
		{record.Truncated, func(r *record.Record) {}, `
			gen_ai.client.inference.duration histogram s {error.type=truncated,GENAI,ENGINE} count=1 sum=0.205
			http.server.request.duration histogram s {error.type=truncated,http.request.method=POST,http.response.status_code=200,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.206
			tokenomics.requests counter {request} {error.type=truncated,REQUEST,tokenomics.outcome=truncated} 1`},
		{record.ClientAbort, func(r *record.Record) {}, `
			gen_ai.client.inference.duration histogram s {error.type=client_abort,GENAI,ENGINE} count=1 sum=0.205
			http.server.request.duration histogram s {http.request.method=POST,http.response.status_code=200,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.206
			tokenomics.requests counter {request} {error.type=client_abort,REQUEST,tokenomics.outcome=client_abort} 1
			tokenomics.requests.aborted counter {request} {error.type=client_abort,REQUEST,tokenomics.outcome=client_abort,tokenomics.phase=streaming} 1`},
		{record.EngineAbort, func(r *record.Record) { r.FirstToken = record.Offset{} }, `
			gen_ai.client.inference.duration histogram s {error.type=engine_abort,GENAI,ENGINE} count=1 sum=0.205
			http.server.request.duration histogram s {error.type=engine_abort,http.request.method=POST,http.response.status_code=200,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.206
			tokenomics.requests counter {request} {error.type=engine_abort,REQUEST,tokenomics.outcome=engine_abort} 1
			tokenomics.requests.aborted counter {request} {error.type=engine_abort,REQUEST,tokenomics.outcome=engine_abort,tokenomics.phase=before_first_token} 1`},
		{record.Error, func(r *record.Record) { r.ErrorType = "queue_full" }, `
			gen_ai.client.inference.duration histogram s {error.type=queue_full,GENAI,ENGINE} count=1 sum=0.205
			http.server.request.duration histogram s {error.type=queue_full,http.request.method=POST,http.response.status_code=200,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.206
			tokenomics.requests counter {request} {error.type=queue_full,REQUEST,tokenomics.outcome=error} 1`},
		{record.Unreachable, func(r *record.Record) { r.Status, r.Sent = 502, record.Offset{} }, `
			gen_ai.client.inference.duration histogram s {error.type=502,GENAI,ENGINE} count=1 sum=0.206
			http.server.request.duration histogram s {error.type=502,http.request.method=POST,http.response.status_code=502,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.206
			tokenomics.requests counter {request} {error.type=502,REQUEST,tokenomics.outcome=unreachable} 1`},
		{record.Timeout, func(r *record.Record) { r.Status, r.ErrorType = 504, "timeout" }, `
			gen_ai.client.inference.duration histogram s {error.type=timeout,GENAI,ENGINE} count=1 sum=0.205
			http.server.request.duration histogram s {error.type=timeout,http.request.method=POST,http.response.status_code=504,http.route=/v1/chat/completions,url.scheme=http} count=1 sum=0.206
			tokenomics.requests counter {request} {error.type=timeout,REQUEST,tokenomics.outcome=timeout} 1`},
	}
	for _, tt := range tests {
		t.Run(string(tt.outcome), func(t *testing.T) {
			r := newRig(t, Config{}, nil)
			rec := streamed()
			rec.Outcome = tt.outcome
			tt.edit(rec)
			r.Observe(rec)
			want := expand(strings.ReplaceAll(tt.want, "REQUEST", "gen_ai.provider.name=vllm,gen_ai.request.model=llama,tokenomics.endpoint=chat"))
			wantLines(t, with(r.dump(t), "inference.duration", "http.server", "tokenomics.requests"), want)
		})
	}
}

func TestEmbeddingsAndCompletions(t *testing.T) {
	r := newRig(t, Config{FromClient: true}, nil)
	rec := streamed()
	rec.Endpoint, rec.Stream, rec.Usage = "embeddings", false, record.Usage{Prompt: count(7)}
	r.Observe(rec)
	rec = streamed()
	rec.Endpoint = "completions"
	r.Observe(rec)
	got := r.dump(t)
	if l := with(got, "operation.name=embeddings"); len(with(l, "output_tokens", "first_chunk", "first_token")) != 0 || len(with(l, "usage.input_tokens")) != 1 {
		t.Errorf("embeddings: %v", l)
	}
	if l := with(got, "operation.name=text_completion"); len(with(l, "usage.output_tokens")) != 1 {
		t.Errorf("completions: %v", l)
	}
	if l := with(got, "http.server"); len(l) != 0 {
		t.Errorf("a load generator's Records counted as requests to us: %v", l)
	}
}

func TestBufferedStreamsHaveNoDecodeFigures(t *testing.T) {
	r := newRig(t, Config{}, nil)
	rec := streamed()
	rec.Buffered = true
	r.Observe(rec)
	got := r.dump(t)
	if l := with(got, "decode_token_rate", "inter_token_latency"); len(l) != 0 {
		t.Errorf("recorded all the same: %v", l)
	}
	if l := with(got, "tokenomics.requests.buffered"); len(l) != 1 {
		t.Errorf("not counted: %v", got)
	}
}

func TestLiveCounters(t *testing.T) {
	var live record.Live
	live.Active.Add(3)
	live.Requests.Add(5)
	live.AfterClient.Add(2)
	live.ParseFailures.Add(1)
	live.Panics.Add(6)
	live.Connections.Add(8)
	live.Refused.Add(9)
	live.Replays.Add(10)
	live.Upgrades.Add(11)
	live.Stream(40)
	cfg := Config{
		Live: &live, SinkPanics: func() int64 { return 4 },
		Drops: func() map[string]int64 { return map[string]int64{"jsonl": 7} },
	}
	r := newRig(t, cfg, nil)
	wantLines(t, with(r.dump(t), "tokenomics."), `
		tokenomics.connections updown {connection} {} 8
		tokenomics.labels.overflow counter {request} {} 0
		tokenomics.panics counter {panic} {} 6
		tokenomics.parse_failures counter {failure} {} 1
		tokenomics.requests.active updown {request} {} 3
		tokenomics.requests.refused counter {request} {} 9
		tokenomics.requests.replayed counter {request} {} 10
		tokenomics.requests.started counter {request} {} 5
		tokenomics.tokens.estimated counter {token} {} 0
		tokenomics.sink.dropped counter {record} {tokenomics.sink=jsonl} 7
		tokenomics.sink.panics counter {record} {} 4
		tokenomics.upgrades counter {connection} {} 11
		tokenomics.tokens.after_client counter {token} {} 2
		tokenomics.tokens.streamed counter {token} {} 40`)
	cfg.FromClient = true
	if l := with(newRig(t, cfg, nil).dump(t), "connections", "refused", "replayed", "upgrades"); len(l) > 0 {
		t.Errorf("a load generator has a proxy's counters: %v", l)
	}
	r.window.add(time.Now().Add(-2*time.Second), 20)
	if l := with(r.dump(t), "tokenomics.token_rate gauge {token}/s {tokenomics.window=1s}"); len(l) != 1 {
		t.Errorf("no rate over 1 s though there is a reading 2 s old")
	}
}

func TestWindow(t *testing.T) {
	var w window
	if _, ok := w.rate(start, 5, shortWindow); ok {
		t.Error("a rate without a reading")
	}
	for i := range 60 { // 15 s of 100 tokens/s, then nothing more
		w.add(start.Add(time.Duration(i)*windowEvery), int64(i*25))
	}
	end := start.Add(59 * windowEvery)
	for _, tt := range []struct {
		after time.Duration
		span  time.Duration
		want  float64
	}{
		{0, shortWindow, 100},
		{0, longWindow, 100},
		{100 * time.Millisecond, shortWindow, 25 * 4 / 1.1}, // the window reaches back to the reading before it
		{time.Second, shortWindow, 0},
		{5 * time.Second, longWindow, 50},
	} {
		got, ok := w.rate(end.Add(tt.after), 59*25, tt.span)
		if !ok || got-tt.want > 1e-9 || tt.want-got > 1e-9 {
			t.Errorf("%v later over %v: %v, %v; want %v", tt.after, tt.span, got, ok, tt.want)
		}
	}
	if _, ok := w.rate(start.Add(-time.Hour), 0, shortWindow); ok {
		t.Error("a rate from readings of the future")
	}
}

// TestEstimatesAndFragmentsStandApart: what nobody told is in no usage
// counter, and a request cut short has no rate.
func TestEstimatesAndFragmentsStandApart(t *testing.T) {
	r := newRig(t, Config{}, nil)
	guess := streamed()
	guess.Outcome, guess.Usage.Source = record.ClientAbort, record.SourceEvents
	r.Observe(guess)
	told := streamed()
	told.Outcome, told.Usage.Source = record.Truncated, record.SourceContinuous
	r.Observe(told)
	got := r.dump(t)
	for name, want := range map[string]int{"usage.output_tokens counter": 11, "tokens.estimated counter": 11, "usage.input_tokens counter": 18} {
		if n := sum(t, with(got, name)); n != want {
			t.Errorf("%s: %d, want %d", name, n, want)
		}
	}
	for _, name := range []string{"token_rate", "operation.output_tokens", "time_per_output_chunk", "event_gap", "inter_token_latency"} {
		if l := with(got, name); len(l) > 0 {
			t.Errorf("requests cut short have figures of whole ones: %v", l)
		}
	}
	if l := with(got, "request.time_to_first_token histogram"); len(l) != 1 || !strings.Contains(l[0], "count=2") {
		t.Errorf("TTFT is over every request that got a token: %v", l)
	}
}
