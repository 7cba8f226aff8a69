package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sim"
)

// simulated is an exchange with the simulator: what was measured of it, and
// what the simulator says it did.
type simulated struct {
	*record.Record
	truth sim.Truth
}

// truthLog gives out the truth of each request as it is written.
type truthLog struct {
	mu    sync.Mutex // protects bytes
	bytes bytes.Buffer
}

func (l *truthLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(p)
}

// simulate runs a simulator, sends it one request twice, and measures the second
// answer, whose prompt is in the cache, byte by byte. The clock of the
// measurement is the count of bytes, so that moments are places in the body
// and can be told from the truth.
func simulate(t *testing.T, cfg sim.Config, path, body, fault string) simulated {
	t.Helper()
	log := new(truthLog)
	cfg.Truth = log
	server, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	var rec *record.Record
	for range 2 {
		rec = watch(t, ReadQuery("POST", path, []byte(body)), asked(t, "http://"+ln.Addr().String()+path, body, fault))
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	out := simulated{Record: rec}
	for line := range bytes.Lines(log.bytes.Bytes()) {
		var truth sim.Truth
		if err := json.Unmarshal(line, &truth); err != nil {
			t.Fatal(err)
		}
		if truth.Number > out.truth.Number { // they may be written in either order
			out.truth = truth
		}
	}
	return out
}

// asked is the head of the answer to a request, and a body to be read.
func asked(t *testing.T, url, body, fault string) *http.Response {
	t.Helper()
	request, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if fault != "" {
		request.Header.Set(sim.FaultHeader, fault)
	}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// watch measures response, as simulate says.
func watch(t *testing.T, query Query, response *http.Response) *record.Record {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	how := record.Complete
	if err != nil {
		how = record.Truncated
	}
	live := new(record.Live)
	r := NewRelay(Config{Query: query, Timeline: true, Live: live}, Strip{}, nil)
	r.Head(0, AnswerHead{
		Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"),
		ContentEncoding: response.Header.Get("Content-Encoding"), Field: response.Header.Get,
	})
	var out []byte
	for i := range body {
		out = append(out, r.Feed(time.Duration(i+1)*place, body[i:i+1])...)
	}
	out = append(out, r.Rest()...)
	rec := new(record.Record)
	r.End(time.Duration(len(body)+1)*place, how, rec)
	if !bytes.Equal(out, body) || live.Panics.Load() > 0 {
		t.Errorf("measuring changed the body, or panicked: %q", out)
	}
	return rec
}

// place is the time of one byte: long enough that two events are two arrivals.
const place = time.Millisecond

const (
	simSay        = `"messages":[{"role":"user","content":"Say hello to the people who wait."}]`
	simStream     = `,"stream":true`
	simUsage      = `,"stream":true,"stream_options":{"include_usage":true}`
	simContinuous = `,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`
	simTools      = `,"tools":[{"type":"function","name":"look","function":{"name":"look","parameters":{"type":"object"}}}]`
)

type simCase struct {
	name, path, body string
	// told is what the answer tells, or lets be counted exactly: p, c, o and r
	// of the usage, e of each event (E: but for the finish, which shows no text and
	// no count), i of each choice. l: the first token may be seen late, because it
	// shows no text; f: it is seen early, in the frame that names its tool.
	told string
	edit func(*sim.Config)
}

func simCases() map[string][]simCase {
	const chat, comp = "/v1/chat/completions", "/v1/completions"
	thinks := func(c *sim.Config) { c.ReasoningTokens = sim.ConstantCount(2) }
	steps := func(c *sim.Config) { c.TokensPerStep = sim.ConstantCount(3); c.OutputTokens = sim.ConstantCount(11) }
	silent := func(c *sim.Config) { c.SilentTokenRate = 0.4; c.OutputTokens = sim.ConstantCount(20) }
	openAI := func(stream, unasked, usage, body string) []simCase {
		return []simCase{
			{"chat", chat, `{` + simSay + `}`, body, nil},
			{"chat stream", chat, `{` + simSay + simStream + `}`, stream, nil},
			{"chat usage", chat, `{` + simSay + simUsage + `}`, usage, nil},
			{"chat usage, steps of several tokens", chat, `{` + simSay + simUsage + `}`, usage, steps},
			{"chat usage, silent tokens", chat, `{` + simSay + simUsage + `}`, usage + "l", silent},
			{"chat usage, tool", chat, `{"tool_choice":"required",` + simSay + simTools + simUsage + `}`, usage, nil},
			{"completions", comp, `{"prompt":"one two"}`, body, nil},
			{"completions stream", comp, `{"prompt":"one two"` + simStream + `}`, unasked, nil},
			{"completions usage", comp, `{"prompt":"one two"` + simUsage + `}`, usage, nil},
		}
	}
	several := func(usage, continuous, completions string) []simCase {
		return []simCase{
			{"chat n=3", chat, `{"n":3,` + simSay + `}`, "pco", nil},
			{"chat usage n=3", chat, `{"n":3,` + simSay + simUsage + `}`, usage, nil},
			{"completions batch", comp, `{"n":2,"prompt":["one","two three"]}`, usage, nil},
			{"completions batch usage", comp, `{"n":2,"prompt":["one","two three"]` + simUsage + `}`, usage, nil},
			{"chat continuous", chat, `{` + simSay + simContinuous + `}`, continuous, nil},
			{"chat continuous, steps of several tokens", chat, `{` + simSay + simContinuous + `}`, continuous, steps},
			{"chat continuous, silent tokens", chat, `{` + simSay + simContinuous + `}`, continuous, silent},
			{"chat continuous, thinking", chat, `{` + simSay + simContinuous + `}`, continuous + "r", thinks},
			{"chat continuous n=3", chat, `{"n":3,` + simSay + simContinuous + `}`, continuous, nil},
			{"completions continuous batch", comp, `{"n":2,"prompt":["one","two three"]` + simContinuous + `}`, completions, nil},
			{"completions continuous, silent tokens", comp, `{"prompt":"one two"` + simContinuous + `}`, completions, silent},
			{"completions token ids", comp, `{"prompt":[[5,6],[7]]` + simUsage + `}`, usage, nil},
		}
	}
	inputs := func(path, told string) []simCase {
		return []simCase{{path, path, `{"input":["one","two three"]}`, told, nil}}
	}
	responses := func(told string) []simCase {
		return []simCase{
			{"responses", "/v1/responses", `{"input":"Say hello"}`, told, thinks},
			{"responses stream", "/v1/responses", `{"input":"Say hello","stream":true}`, told, thinks},
			{"responses stream, cut", "/v1/responses", `{"input":"Say hello","stream":true,"max_output_tokens":4}`, told, thinks},
			{"responses stream, tool", "/v1/responses", `{"input":"Say hello","stream":true,"tool_choice":"required"` + simTools + `}`, told, nil},
		}
	}
	messages := func(body, stream, silence string) []simCase {
		return []simCase{
			{"messages", "/v1/messages", `{"max_tokens":50,` + simSay + `}`, body, thinks},
			{"messages stream", "/v1/messages", `{"max_tokens":50,"stream":true,` + simSay + `}`, stream, thinks},
			{"messages stream, silent tokens", "/v1/messages", `{"max_tokens":50,"stream":true,` + simSay + `}`, silence + "l", silent},
			{"messages stream, tool", "/v1/messages", `{"max_tokens":50,"stream":true,"tool_choice":{"type":"any"},` + simSay + simTools + `}`, stream + "f", nil},
		}
	}
	return map[string][]simCase{
		"vllm": slices.Concat(openAI("", "", "pco", "pco"), several("pco", "pcoei", "pcoei"), responses("pcor"), messages("pco", "pco", "pco"), inputs("/v1/embeddings", "p"), inputs("/pooling", "p"), inputs("/classify", "p"), []simCase{
			{"token_ids", chat, `{"return_token_ids":true,` + simSay + simStream + `}`, "poei", silent},
			{"logprobs", chat, `{"logprobs":true,` + simSay + simStream + `}`, "oei", nil},
			{"generate", "/inference/v1/generate", `{"token_ids":[4,5,6],"sampling_params":{"max_tokens":5}}`, "pco", nil},
			{"generate stream", "/inference/v1/generate", `{"token_ids":[4,5,6],"sampling_params":{"max_tokens":5}` + simStream + `}`, "oei", nil},
			{"generate usage, steps of several tokens", "/inference/v1/generate", `{"token_ids":[4,5,6],"sampling_params":{"max_tokens":50}` + simUsage + `}`, "pcoei", steps},
			{"rerank", "/v1/rerank", `{"query":"q","documents":["one","two"]}`, "p", nil},
			{"score", "/score", `{"text_1":"q","text_2":["one","two"]}`, "p", nil},
			{"embeddings bytes", "/v1/embeddings", `{"encoding_format":"bytes","input":["one","two three"]}`, "p", nil},
			{"embeddings bytes_only", "/v1/embeddings", `{"encoding_format":"bytes_only","input":["one","two three"]}`, "", nil},
			{"cohere", "/v2/embed", `{"texts":["one","two three"],"input_type":"x"}`, "p", nil},
			{"forced", chat, `{` + simSay + simStream + `}`, "pcoei", func(c *sim.Config) { c.ForceUsage = true }},
			{"stream interval", chat, `{` + simSay + simContinuous + `}`, "pcoei", func(c *sim.Config) { c.StreamInterval = 4 }},
		}),
		"sglang": slices.Concat(openAI("", "", "pco", "pco"), several("pco", "pcoE", "pcoei"), responses("pcor"), messages("pco", "pco", "pco"), inputs("/v1/embeddings", "p"), []simCase{
			{"generate", "/generate", `{"text":"x y","sampling_params":{"max_new_tokens":5}}`, "pcor", nil},
			{"generate batch", "/generate", `{"text":["x y","z"],"sampling_params":{"max_new_tokens":5,"n":2}}`, "pcor", nil},
			{"generate stream", "/generate", `{"text":"x y"` + simStream + `}`, "pcorei", silent},
			{"generate stream, steps of several tokens", "/generate", `{"text":"x y"` + simStream + `}`, "pcorei", steps},
			{"generate stream, incremental", "/generate", `{"text":"x y"` + simStream + `}`, "pcorei", func(c *sim.Config) { silent(c); c.Incremental = true }},
			{"generate stream, batch", "/generate", `{"text":["x y","z"],"sampling_params":{"n":2}` + simStream + `}`, "pcorei", nil},
			{"generate stream, batch, incremental", "/generate", `{"text":["x y","z"],"sampling_params":{"n":2}` + simStream + `}`, "pcorei", func(c *sim.Config) { steps(c); c.Incremental = true }},
			{"ollama's chat", "/api/chat", `{"stream":false,` + simSay + `}`, "po", nil},
			{"ollama's chat, stream", "/api/chat", `{` + simSay + `}`, "", nil},
			{"ollama's generate, stream", "/api/generate", `{"prompt":"x"}`, "", nil},
			{"rerank", "/v1/rerank", `{"query":"q","documents":["one","two"]}`, "p", nil},
			{"forced", chat, `{` + simSay + simStream + `}`, "pco", func(c *sim.Config) { c.ForceUsage = true }},
		}),
		"llamacpp": slices.Concat(openAI("pco", "pco", "pco", "pco"), responses("pco"), messages("pco", "pco", "o"), inputs("/v1/embeddings", "p"), []simCase{
			{"chat n=3", chat, `{"n":3,` + simSay + `}`, "pc", nil},
			{"chat stream n=3", chat, `{"n":3,` + simSay + simStream + `}`, "pcoi", nil},
			{"chat usage n=3", chat, `{"n":3,` + simSay + simUsage + `}`, "pco", nil},
			{"chat timings", chat, `{"timings_per_token":true,` + simSay + simStream + `}`, "pcoei", silent},
			{"chat progress", chat, `{"return_progress":true,` + simSay + simStream + `}`, "pco", nil},
			{"completions batch stream", comp, `{"prompt":["one","two three"]` + simStream + `}`, "pcoi", nil},
			{"completion", "/completion", `{"prompt":"x y"}`, "pco", nil},
			{"completion batch", "/completion", `{"prompt":["x y","z"]}`, "pco", nil},
			{"completion stream", "/completion", `{"prompt":"x y"` + simStream + `}`, "pcoei", silent},
			{"completion stream, progress", "/completion", `{"prompt":"x y","return_progress":true,"timings_per_token":true` + simStream + `}`, "pcoei", nil},
			{"completion stream, batch", "/completions", `{"prompt":["x y","z"]` + simStream + `}`, "pcoei", nil},
			{"chat without /v1", "/chat/completions", `{` + simSay + simUsage + `}`, "pco", nil},
			{"rerank", "/v1/rerank", `{"query":"q","documents":["one","two"]}`, "p", nil},
			{"embedding", "/embedding", `{"content":"one"}`, "", nil},
		}),
		"ollama": slices.Concat(openAI("", "", "po", "po"), messages("po", "po", "po"), inputs("/v1/embeddings", "p"), inputs("/api/embed", "p"), []simCase{
			{"api chat", "/api/chat", `{"stream":false,` + simSay + `}`, "po", thinks},
			{"api chat stream", "/api/chat", `{` + simSay + `}`, "po", thinks},
			{"api chat stream, silent tokens", "/api/chat", `{` + simSay + `}`, "po", silent},
			{"api chat stream, tool", "/api/chat", `{"tool_choice":"required",` + simSay + simTools + `}`, "po", nil},
			{"api chat load", "/api/chat", `{"model":"sim-model"}`, "o", nil},
			{"api generate", "/api/generate", `{"prompt":"x","stream":false}`, "po", nil},
			{"api generate stream", "/api/generate", `{"prompt":"x"}`, "po", nil},
			{"api generate logprobs", "/api/generate", `{"prompt":"x","logprobs":true}`, "poE", nil},
		}),
		"tgi": slices.Concat(openAI("", "po", "po", "po"), []simCase{
			{"generate", "/generate", `{"inputs":"x y","parameters":{"details":true}}`, "po", nil},
			{"generate without details", "/generate", `{"inputs":"x y"}`, "po", nil},
			{"generate stream", "/generate_stream", `{"inputs":"x y","parameters":{"details":true}}`, "poei", silent},
			{"generate stream without details", "/generate_stream", `{"inputs":"x y"}`, "oei", nil},
		}),
	}
}

func simConfig(dialect string) sim.Config {
	return sim.Config{
		Dialect: dialect, Deterministic: true, Seed: 1, ReportCached: true, CacheBlock: 1,
		TTFT: sim.ConstantDuration(time.Microsecond), ITL: sim.ConstantDuration(time.Microsecond), OutputTokens: sim.ConstantCount(9),
	}
}
