package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// asked is one endpoint of one dialect in one mode, and where its answer tells the
// counts: a path of the last event that has it, or with "sum:" before it of all, or
// with "len:" the lengths of the lists there. More than one are added up.
type asked struct {
	dialect, path, body string
	endpoint            endpoint
	prompt, completion  string
}

const (
	say      = `"messages":[{"role":"user","content":"Say hello to the people who wait."}]`
	streamed = `,"stream":true`
	usage    = `,"stream":true,"stream_options":{"include_usage":true}`
)

// openAI are the modes that all dialects have.
func openAI(dialect string) []asked {
	const prompt, completion = "usage.prompt_tokens", "usage.completion_tokens"
	return []asked{
		{dialect, "/v1/chat/completions", `{` + say + `}`, chat, prompt, completion},
		{dialect, "/v1/chat/completions", `{` + say + usage + `}`, chat, prompt, completion},
		{dialect, "/v1/completions", `{"prompt":"Once upon"}`, completions, prompt, completion},
		{dialect, "/v1/completions", `{"prompt":"Once upon"` + usage + `}`, completions, prompt, completion},
	}
}

// anthropicModes are /v1/messages. start is what message_start tells of the
// prompt, where that is the truth.
func anthropicModes(dialect, body, stream string) []asked {
	const completion = "usage.output_tokens"
	return []asked{
		{dialect, "/v1/messages", `{"max_tokens":50,` + say + `}`, messages, body, completion},
		{dialect, "/v1/messages", `{"max_tokens":50,` + say + streamed + `}`, messages, stream, completion},
	}
}

func responseModes(dialect string) []asked {
	return []asked{
		{dialect, "/v1/responses", `{"input":"Say hello"}`, responses, "usage.input_tokens", "usage.output_tokens"},
		{dialect, "/v1/responses", `{"input":"Say hello"` + streamed + `}`, responses, "response.usage.input_tokens", "response.usage.output_tokens"},
	}
}

func ollamaModes(dialect string) []asked {
	const prompt, completion = "prompt_eval_count", "eval_count"
	return []asked{
		{dialect, "/api/chat", `{` + say + `,"stream":false}`, ollamaChat, prompt, completion},
		{dialect, "/api/generate", `{"prompt":"Once upon","stream":false}`, ollamaGenerate, prompt, completion},
		{dialect, "/api/chat", `{` + say + `}`, ollamaChat, prompt, completion},
		{dialect, "/api/generate", `{"prompt":"Once upon"}`, ollamaGenerate, prompt, completion},
	}
}

// everything is every endpoint of every dialect, streamed and not.
func everything() []asked {
	const prompt, generated, none = "usage.prompt_tokens", "usage.completion_tokens", ""
	all := slices.Concat(
		openAI("vllm"), openAI("sglang"), openAI("llamacpp"), openAI("ollama"), openAI("tgi"),
		responseModes("vllm"), responseModes("sglang"), responseModes("llamacpp"),
		anthropicModes("vllm", "usage.input_tokens", "usage.input_tokens"),
		anthropicModes("sglang", "usage.input_tokens", "message.usage.input_tokens"),
		anthropicModes("llamacpp", "usage.input_tokens+usage.cache_read_input_tokens", "message.usage.input_tokens+message.usage.cache_read_input_tokens"),
		anthropicModes("ollama", "usage.input_tokens", "usage.input_tokens"),
		ollamaModes("ollama"), ollamaModes("sglang")[:2],
	)
	// SGLang's shim counts nothing in a stream.
	for _, a := range ollamaModes("sglang")[2:] {
		a.prompt, a.completion = none, none
		all = append(all, a)
	}
	continuous := `,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`
	for _, d := range []string{"vllm", "sglang"} {
		all = append(all,
			asked{d, "/v1/chat/completions", `{"n":2,` + say + continuous + `}`, chat, prompt, generated},
			asked{d, "/v1/completions", `{"n":2,"prompt":["one","two of them"],"echo":true` + continuous + `}`, completions, prompt, generated},
			asked{d, "/v1/completions", `{"n":2,"prompt":["one","two of them"]}`, completions, prompt, generated},
			asked{d, "/v1/embeddings", `{"input":["one","two"]}`, embeddings, prompt, none},
			asked{d, "/v1/score", `{"text_1":"one","text_2":["two","three"]}`, score, prompt, none})
	}
	return append(all,
		asked{"vllm", "/v1/chat/completions", `{` + say + `,"stream":true,"return_token_ids":true}`, chat, "len:prompt_token_ids", "len:choices.0.token_ids"},
		asked{"vllm", "/v1/chat/completions", `{` + say + `,"stream":true,"logprobs":true}`, chat, none, "len:choices.0.logprobs.content"},
		asked{"vllm", "/v1/completions", `{"prompt":"x","stream":true,"logprobs":1}`, completions, none, "len:choices.0.logprobs.tokens"},
		asked{"vllm", "/inference/v1/generate", `{"token_ids":[4,5,6],"sampling_params":{"max_tokens":9}` + usage + `}`, generate, prompt, generated},
		asked{"vllm", "/inference/v1/generate", `{"token_ids":[4,5,6]` + streamed + `}`, generate, none, "len:choices.0.token_ids"},
		asked{"vllm", "/inference/v1/generate", `{"token_ids":[4,5,6]}`, generate, prompt, generated},
		asked{"vllm", "/pooling", `{"input":"one"}`, pooling, prompt, none},
		asked{"vllm", "/classify", `{"input":"one"}`, classify, prompt, none},
		asked{"vllm", "/v1/rerank", `{"query":"q","documents":["one","two"]}`, rerank, prompt, none},
		asked{"vllm", "/v2/embed", `{"texts":["one","two"]}`, embeddings, "meta.billed_units.input_tokens", none},
		asked{"sglang", "/generate", `{"text":"one"}`, generate, "meta_info.prompt_tokens", "meta_info.completion_tokens"},
		asked{"sglang", "/generate", `{"input_ids":[1,2,3]` + streamed + `}`, generate, "meta_info.prompt_tokens", "meta_info.completion_tokens"},
		asked{"sglang", "/generate", `{"text":["one","two"],"sampling_params":{"n":2}}`, generate, "0.meta_info.prompt_tokens+2.meta_info.prompt_tokens",
			"0.meta_info.completion_tokens+1.meta_info.completion_tokens+2.meta_info.completion_tokens+3.meta_info.completion_tokens"},
		asked{"sglang", "/v1/rerank", `{"query":"q","documents":["one","two"]}`, rerank, "0.meta_info.prompt_tokens+1.meta_info.prompt_tokens", none},
		asked{"llamacpp", "/completion", `{"prompt":"Once upon"}`, completion, "tokens_evaluated", "tokens_predicted"},
		asked{"llamacpp", "/completions", `{"prompt":"Once upon"` + streamed + `}`, completion, "timings.cache_n+timings.prompt_n", "timings.predicted_n"},
		asked{"llamacpp", "/v1/chat/completions", `{` + say + `,"stream":true,"timings_per_token":true,"return_progress":true}`, chat, "prompt_progress.total", "timings.predicted_n"},
		asked{"llamacpp", "/v1/chat/completions", `{"n":2,` + say + usage + `}`, chat, prompt, "sum:usage.completion_tokens"},
		asked{"llamacpp", "/v1/completions", `{"n":2,"prompt":"x"` + streamed + `}`, completions, prompt, "sum:usage.completion_tokens"},
		asked{"llamacpp", "/v1/embeddings", `{"input":["one","two"]}`, embeddings, prompt, none},
		asked{"llamacpp", "/embedding", `{"content":"one"}`, embeddings, none, none},
		asked{"llamacpp", "/v1/rerank", `{"query":"q","documents":["one","two"]}`, rerank, prompt, none},
		asked{"ollama", "/api/chat", `{` + say + `,"logprobs":true}`, ollamaChat, "prompt_eval_count", "eval_count"},
		asked{"ollama", "/api/embed", `{"input":["one","two"]}`, embeddings, "prompt_eval_count", none},
		asked{"ollama", "/v1/embeddings", `{"input":["one","two"]}`, embeddings, prompt, none},
		asked{"ollama", "/api/embeddings", `{"prompt":"one"}`, embeddings, none, none},
		asked{"tgi", "/generate", `{"inputs":"one","parameters":{"details":true}}`, generate, none, "details.generated_tokens"},
		asked{"tgi", "/generate_stream", `{"inputs":"one","parameters":{"details":true}}`, generate, "details.input_length", "details.generated_tokens"},
		asked{"tgi", "/generate_stream", `{"inputs":"one"}`, generate, none, "index"},
	)
}

// read finds the count at the paths, -1 if nothing tells it.
func read(events []string, paths string) (total int64) {
	for path := range strings.SplitSeq(paths, "+") {
		how, where, ok := strings.Cut(path, ":")
		if !ok {
			how, where = "last", path
		}
		n, found := int64(0), false
		for _, e := range events {
			v := gjson.Get(e, where)
			switch {
			case !v.Exists() || v.Type == gjson.Null:
				continue
			case how == "last":
				n = v.Int()
			case how == "sum":
				n += v.Int()
			case how == "len":
				n += int64(len(v.Array()))
			}
			found = true
		}
		if !found {
			return -1
		}
		total += n
	}
	return total
}

// TestToldIsTrue asks every endpoint in every mode, with tokens that come one by
// one, several at a time, silent, as reasoning, cut off: what an answer tells is
// what the truth log says, and events tell of every token. Asked again, the answer
// is the same, byte for byte.
func TestToldIsTrue(t *testing.T) {
	engines := map[string]func(c *Config){
		"plain":   func(*Config) {},
		"several": func(c *Config) { c.TokensPerStep, c.OutputTokens = ConstantCount(3), ConstantCount(14) },
		"silent":  func(c *Config) { c.SilentTokenRate, c.OutputTokens = 0.5, ConstantCount(12) },
		"thinking": func(c *Config) {
			c.ReasoningTokens, c.TokensPerStep, c.SilentTokenRate = ConstantCount(4), ConstantCount(3), 0.2
			c.OutputTokens = ConstantCount(12)
		},
		"cut off":  func(c *Config) { c.OutputTokens, c.MaxModelLen = ConstantCount(1000), 60 },
		"interval": func(c *Config) { c.StreamInterval, c.OutputTokens = 4, ConstantCount(11) },
	}
	for name, edit := range engines {
		servers := map[string]*engine{}
		for i, a := range everything() {
			e := servers[a.dialect]
			if e == nil {
				cfg := fast(a.dialect)
				cfg.ITL = ConstantDuration(0)
				edit(&cfg)
				e = start(t, cfg)
				servers[a.dialect] = e
			}
			what := fmt.Sprintf("%s, %s %s %s", name, a.dialect, a.path, a.body)
			id := fmt.Sprint("r", i)
			first := dateLine.ReplaceAllString(e.raw(t, a.path, a.body, "X-Request-Id: "+id), "")
			if again := dateLine.ReplaceAllString(e.raw(t, a.path, a.body, "X-Request-Id: "+id), ""); again != first {
				t.Errorf("%s: asked again it says\n%s\nafter\n%s", what, again, first)
			}
			if !strings.HasPrefix(first, "HTTP/1.1 200 ") {
				t.Fatalf("%s: %s", what, first)
			}
			tr := e.truthOf(t, id)
			got := payloads(first)
			if a.dialect == "llamacpp" && a.endpoint == messages && !strings.Contains(first, "message_start") && strings.Contains(first, "message_stop") {
				a.prompt = "" // its first token showed nothing
			}
			if n := read(got, a.prompt); a.prompt != "" && n != int64(tr.PromptTokens) {
				t.Errorf("%s: the prompt has %d tokens, in truth %d: %s", what, n, tr.PromptTokens, first)
			}
			if n := read(got, a.completion); a.completion != "" && n != int64(tr.CompletionTokens) {
				t.Errorf("%s: %d tokens, in truth %d: %s", what, n, tr.CompletionTokens, first)
			}
			sum, reasons := 0, 0
			for _, ev := range tr.Events {
				sum += ev.Tokens
			}
			for _, c := range tr.Choices {
				if c.FinishReason != "" {
					reasons++
				}
			}
			if sum != tr.PlannedTokens || tr.CompletionTokens != sum || reasons != len(tr.Choices) || tr.Outcome != TruthComplete ||
				tr.Endpoint != a.endpoint.name() || tr.Dialect != a.dialect {
				t.Errorf("%s: %d tokens in events, truth %+v", what, sum, tr)
			}
		}
	}
}
