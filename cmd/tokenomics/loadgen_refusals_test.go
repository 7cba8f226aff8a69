package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestLoadgenRefusals: one line on standard error, the promised exit code, and
// nothing written.
func TestLoadgenRefusals(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String() + "/v1"
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }))
	t.Cleanup(locked.Close)
	none := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[]}`) }))
	t.Cleanup(none.Close)
	t.Setenv("OPENAI_API_KEY", "")

	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--frobnicate", 2, "unknown flag"},
		{"--random_input_len 5", 2, "there is no --random-input-len here: that is --input-len; see 'tokenomics loadgen --help'"},
		{"--goodput ttft:500 tpot:fast", 2, "--goodput"},
		{"--goodput ttft:500 more", 2, "unexpected argument \"more\""},
		{"tpot:50", 2, "unexpected argument \"tpot:50\""},
		{"--endpoint /v1/chats", 2, "give one of chat, completions"},
		{"--batch_sizes 1,,2", 2, "such as 1,2,4,8"},
		{"--num-runs 0", 2, "--num-runs 0: give 1 or more"},
		{"--max-tokens 0", 2, "--max-tokens 0"},
		{"--temperature NaN", 2, "--temperature NaN"},
		{"--warmup -1", 2, "--warmup -1"},
		{"--timeout soon", 2, "such as 600, 90s or 10m"},
		{"--loop maybe", 2, `--loop: "maybe" is none of auto, on, off`},
		{"--loops -1", 2, "--loops -1: give 1 or more"},
		{"--loop on --api-base https://h/v1", 2, "--loop on: a readiness loop speaks no TLS"},
		{"--prefix-cache maybe", 2, "give auto, reset, salt or keep"},
		{"--stream --no-stream", 2, "exclude each other"},
		{"--dataset-file x.txt", 2, "each name a dataset"},
		{"--dataset-config x.json", 2, "each name a dataset"},
		{"--hf-dataset a/b", 2, "each name a dataset"},
		{"--otlp-endpoint http://h", 2, "add --via-proxy"},
		{"--via-proxy --proxy-records p.jsonl", 2, "give one of the two"},
		{"--calibration no/such/file", 2, "--calibration: "},
		{"--calibration /dev/null", 2, "--calibration: "},
		{"--proxy-records /", 2, "--proxy-records: "},
		{"--tokenizer no/such/file", 2, "--tokenizer: "},
		{"--upstream-ca no/such/file --api-base https://h", 2, "--upstream-ca"},
		{"--api-base localhost:8000", 2, "write http://localhost:8000"},
		{"--dataset-key nope", 2, "aime, builtin"},
		{"--batch-sizes 1 --max-concurrency 1", 2, "different shapes of load: give one"},
		{"--request-rate 2 --max-concurrency 1", 2, "different shapes of load: give one"},
		{"--find max-rate --request-rate 1", 2, "different shapes of load: give one"},
		{"--concurrency 1 --max-concurrency 1", 2, "one option"},
		{"--max-concurrency 1 --num-prompts 3 --duration 4", 2, "both end a run: give one"},
		{"--num-prompts 3", 2, "a burst sends its batch size at once"},
		{"--max-concurrency 1 --duration 0", 2, "give a time above 0"},
		{"--max-concurrency 1 --duration 2 --ramp-up 2", 2, "would end before it has its load"},
		{"--request-rate 1 --ramp-up 30s", 2, "a run of 30 s would end before"},
		{"--find max-rate --slo ttft_p99=1s --duration 2 --ramp-up 3", 2, "would end before it has its load"},
		{"--arrival poisson", 2, "are for --request-rate"},
		{"--request-rate 1,0", 2, `"0" is no rate`},
		{"--request-rate 1,1", 2, "there twice"},
		{"--request-rate 1,1e12", 2, "1e12 is above 65536, more than one machine sends"},
		{"--request-rate inf --num-prompts 1000000", 2, "what one machine can hold open"},
		{"--request-rate inf", 2, "say how many with --num-prompts"},
		{"--request-rate 0.5 --duration 1s", 2, "give a --duration of 2 s or more"},
		{"--request-rate 1 --arrival never", 2, "give constant, poisson or gamma"},
		{"--request-rate 1 --arrival constant --burstiness 2", 2, "shape of gamma arrivals"},
		{"--stop-when goodput_rps=2%", 2, "there is no goodput without its bounds"},
		{"--find most", 2, "give max-concurrency or max-rate"},
		{"--find max-rate", 2, "such as --slo ttft_p99=500ms"},
		{"--find max-rate --slo speed=1", 2, "is no bound"},
		{"--slo ttft_p99=1s", 2, "add --find"},
		{"--stop-when speed=1%", 2, "there is no figure"},
		{"--stop-when output_tok_s=1% --num-runs 3", 2, "both end the runs"},
		{"--max-runs 9", 2, "is for --stop-when"},
		{"--goodput speed:1", 2, "is no bound"},
		{"--ab http://a,http://b --upstream-insecure", 2, "give an address with https://"},
		{"--ab http://a", 2, "two servers, separated by a comma"},
		{"--ab http://a,http://b --results-file -", 2, "give --results-file one that is a file's"},
		{"--ab http://a,http://b --results-file /dev/null", 2, "give --results-file one that is a file's"},
		{"--results-file - --requests-file /dev/stdout", 2, "give each output its own"},
		{"--ab http://a,http://b --via-proxy", 2, "names both servers"},
		{"--save-as excel", 2, "give some of vllm, aiperf, tokenomics-py"},
		{"--cost-per-hour -1", 2, "--cost-per-hour -1"},
		{"--endpoint chats", 2, "give one of chat, completions"},
		{"--extra-body x", 2, "is no JSON object"},
		{"--scenario D(1)", 2, "has its own: leave one out"},
		{"--conversations 1 --endpoint messages", 2, "are chats"},
		{"--conversations 1 --lora a,b", 2, "are asked as they are"},
		{"--think-time 1s", 2, "is for --conversations"},
		{"--trace-speed 2", 2, "are for --trace"},
		{"--trace nowhere.jsonl", 2, "nowhere.jsonl"},
		{"--lora-mix zipf", 2, "name some with --lora"},
		{"--prefix-groups 2", 2, "with --prefix-tokens"},
		{"--image-size 8x8", 2, "with --num-images"},
		{"--min-tokens 9 --max-tokens 8", 2, "more than --max-tokens 8"},
		{"--max-concurrency 1 --num-prompts 0", 2, "give 1 or more"},
		{"--num-images 1 --image-size big", 2, "WIDTHxHEIGHT"},
		{"--header X", 2, "give a name and a value"},
		{"--header Host:a", 2, "the client makes that line itself"},
		{"--upstream-insecure --api-base http://h", 2, "give an address with https://"},
		{"--results-file no/such/r.json", 3, "does not exist"},
		{"--api-base " + nobody, 3, "connection refused; start the server"},
		{"--api-base " + locked.URL, 3, "wants an API key"},
		{"--api-base " + none.URL, 2, "lists 0 models; name one with --model"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			code, stdout, stderr := loadgenRun(t.Context(), t, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("exit code %d, want %d with %q in one line; stdout %q, stderr:\n%s", code, tt.code, tt.want, stdout, stderr)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}
