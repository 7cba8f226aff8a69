package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tokenomics/loadgen"
)

// loadgenFlags are loadgen's options as they were given.
type loadgenFlags struct {
	model, apiBase, apiKey string
	ab                     string
	headers                []string
	load                   loadFlags
	client                 clientFlags
	say                    promptFlags
	ask                    askFlags
	seed                   int64
	timeout                time.Duration
	prefixCache            string
	costPerHour            float64
	saveAs                 []string
	description            string
	resultsFile            string
	requestsFile           string
	viaProxy               bool
	proxyRecords           string
	calibrationFile        string
	proxy                  proxyOptions
}

const loadgenExamples = `  # what one model on this machine does, with the prompts that are built in
  tokenomics loadgen --dataset-key builtin

  # a sweep over batch sizes; underscores are the same as dashes
  tokenomics loadgen --model distill-llama-8b --dataset_key aime --api_base http://localhost:8000/v1 \
    --batch_sizes 1,2,4,8 --num_runs 3 --max_tokens 100 --temperature 0.5 \
    --description "Deepseek R1 distill 8B TP8 A100s" --results_file my_server_benchmark.json

  # the same through our proxy, with its traces and metrics sent to a collector
  tokenomics loadgen --via-proxy --otlp-endpoint http://localhost:4318 --batch-sizes 1,8,64

  # prompts of your own
  tokenomics loadgen --dataset-file prompts.jsonl --prompt-column question

  # 8 and 64 requests in flight for a minute each, of 1,024 tokens in and 128 out
  tokenomics loadgen --max-concurrency 8,64 --input-len 1024 --output-len 128 --duration 60s

  # users who come by themselves, and how many of them are served in time
  tokenomics loadgen --request-rate 1,2,5 --goodput 'ttft:500 tpot:50' --duration 5m

  # the highest rate at which 99 of 100 wait at most half a second
  tokenomics loadgen --find max-rate --slo ttft_p99=500ms

  # two servers in turns
  tokenomics loadgen --ab http://localhost:8000,http://localhost:8001 --num-runs 8`

// newLoadgenCmd is "tokenomics loadgen".
func newLoadgenCmd(e *env) *cobra.Command {
	f := new(loadgenFlags)
	cmd := &cobra.Command{
		Use:   "loadgen",
		Short: "Measure a server: send it a load of your choice and sum up what came",
		Long: `Sends requests to an OpenAI-compatible server and measures tokens and latency of
each. The load has one of several shapes: bursts (the default), a number in
flight, a rate, a trace, conversations, or a search for the highest load that
meets a service level.

The results go to a JSON file (docs/results.md says what each key means) and, as
a table, to standard output; 'tokenomics report' makes a page of them. Other
tenants of the server flaw the figures. Ctrl-C ends the run and writes what was
measured; a second one waits for nothing more, a third one kills.

Exit code: 0 good, 1 every request failed or no load meets --slo, 2 wrong use,
3 could not run, was stopped, or could not write all that was asked for.`,
		Example: loadgenExamples,
		Args:    f.takeArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := f.plan(cmd.Flags().Changed)
			if err != nil {
				return usageError(err)
			}
			return plan.do(cmd.Context(), e)
		},
	}
	f.register(cmd)
	cmd.SetFlagErrorFunc(f.flagError)
	return cmd
}

func (f *loadgenFlags) register(cmd *cobra.Command) {
	g := groupFlags(cmd)
	g.add("The server", f.registerServer)
	g.add("The load, one shape of it", f.load.registerShapes)
	g.add("Search", f.load.findFlags.register)
	g.add("Runs", func(fs *pflag.FlagSet) {
		f.load.registerRuns(fs)
		f.client.register(fs)
		fs.StringVar(&f.prefixCache, "prefix-cache", "auto",
			"what is done about prompts that the engine has seen in an earlier run: reset its cache,\nsalt the requests, keep it, or auto: reset where it can be, else salt")
	})
	g.add("What requests say", func(fs *pflag.FlagSet) {
		f.say.register(fs)
		fs.Int64Var(&f.seed, "seed", 42, "chooses and makes the prompts, their order and the arrivals; not sent to the server")
	})
	g.add("How they ask", f.ask.register)
	g.add("Results", f.registerResults)
	g.add("A proxy in between", f.registerProxy)
}

func (f *loadgenFlags) registerServer(fs *pflag.FlagSet) {
	fs.StringVar(&f.model, "model", "", "model to ask for (default: the one that the server lists, if it is one)")
	fs.StringVar(&f.apiBase, "api-base", "http://localhost:8000/v1", "base `URL` of the OpenAI-compatible API; /v1 is added where there is no path")
	fs.StringVar(&f.apiBase, "base-url", "http://localhost:8000/v1", "the same as --api-base")
	fs.StringVar(&f.ab, "ab", "", "compare two servers, run by run in turns so that drift cancels out:\nthe `URLs` of both APIs, separated by a comma")
	fs.StringVar(&f.apiKey, "api-key", "", "`key` sent as a bearer token (default: $OPENAI_API_KEY)")
	fs.StringVar(&f.proxy.upstreamCA, "upstream-ca", "", "PEM `file` of the certificates to trust for an https server, instead of the system's")
	fs.BoolVar(&f.proxy.upstreamInsecure, "upstream-insecure", false, "do not check the certificate of an https server")
	fs.StringArrayVar(&f.headers, "header", nil, "`line` such as 'X-Team: a' sent with every request; may be given again")
	fs.Var(newSeconds(&f.timeout, 10*time.Minute), "timeout", "bound of one request, such as 90s, 10m or, in seconds, 600; 0 is none")
}

func (f *loadgenFlags) registerResults(fs *pflag.FlagSet) {
	fs.StringVar(&f.resultsFile, "results-file", "", "JSON `file` for the results, - for standard output (default results-<time>.json)")
	fs.StringVar(&f.requestsFile, "requests-file", "", "`file` for one JSON line per measured request, - for standard output")
	fs.StringSliceVar(&f.saveAs, "save-as", nil, "write the results in the `formats` of other tools too, beside the results file:\n"+strings.Join(exportFormats, ", ")+"; each request's events are then kept in memory to the end")
	fs.Float64Var(&f.costPerHour, "cost-per-hour", 0, "what an hour of the server costs: the results then have the cost of a million tokens")
	fs.StringVar(&f.description, "description", "", "`text` kept with the results")
	fs.StringVar(&f.calibrationFile, "calibration", "", "`file` of tokenomics calibrate, which says what loads this machine measures well; none for none\n(default: where calibrate keeps it)")
}

func (f *loadgenFlags) registerProxy(fs *pflag.FlagSet) {
	fs.StringVar(&f.proxyRecords, "proxy-records", "", "`file` that a tokenomics proxy on the way to the server writes with --log-requests:\nsay where each request's time went, with us, in the hop or in the engine")
	fs.BoolVar(&f.viaProxy, "via-proxy", false, "run our proxy in this process, between us and the server")
	fs.StringVar(&f.proxy.otlpEndpoint, "otlp-endpoint", "", "with --via-proxy: `URL` its traces and metrics are sent to")
	fs.StringVar(&f.proxy.admin, "admin", "", "with --via-proxy: `address` of its metrics and health endpoint (default: none)")
	fs.StringVar(&f.proxy.logRequests, "log-requests", "", "with --via-proxy: `file` for its JSON line per request")
}

// loadgenPlan is a sweep whose options have been found to make sense.
type loadgenPlan struct {
	*loadgenFlags
	loadPlan
	base  apiBase
	extra []loadgen.Header

	prompts promptPlan
	beside  string // where the results in other tools' formats go: beside that file
	forever bool   // made prompts have answers as long as they may be, where the engine can
}

// plan checks everything that can be checked without touching the world.
// given says whether a flag was named.
func (f *loadgenFlags) plan(given func(string) bool) (*loadgenPlan, error) {
	f.nameStdout()
	p := &loadgenPlan{loadgenFlags: f}
	var err error
	if p.loadPlan, err = f.load.plan(given); err != nil {
		return nil, err
	}
	if p.base, err = parseAPIBase(f.apiBase); err != nil {
		return nil, err
	}
	if f.ab == "" {
		if err := trust(f.proxy.upstreamCA, f.proxy.upstreamInsecure, &p.base.target); err != nil {
			return nil, err
		}
	}
	if p.extra, err = parseHeaders(f.headers); err != nil {
		return nil, err
	}
	if err := f.ask.check(given); err != nil {
		return nil, err
	}
	if p.prompts, err = f.say.plan(given); err != nil {
		return nil, err
	}
	p.forever = (p.prompts.scenario != nil || p.trace != nil) && !given("ignore-eos")
	if err := p.agree(given); err != nil {
		return nil, err
	}
	switch {
	case slices.ContainsFunc(f.saveAs, func(as string) bool { return !slices.Contains(exportFormats, as) }):
		return nil, fmt.Errorf("--save-as %s: give some of %s", strings.Join(f.saveAs, ","), strings.Join(exportFormats, ", "))
	case !(f.costPerHour >= 0):
		return nil, fmt.Errorf("--cost-per-hour %v: give 0 (not known) or more", f.costPerHour)
	case f.timeout < 0:
		return nil, fmt.Errorf("--timeout %v: give 0 (none) or more", f.timeout)
	case given("api-base") && given("base-url"):
		return nil, errors.New("--api-base and --base-url are one option: give one of the two")
	case !slices.Contains([]string{"auto", "reset", "salt", "keep"}, f.prefixCache):
		return nil, fmt.Errorf("--prefix-cache %q: give auto, reset, salt or keep", f.prefixCache)
	}
	if f.viaProxy && f.proxyRecords != "" {
		return nil, errors.New("--proxy-records is of a proxy that runs elsewhere, and --via-proxy runs one here: give one of the two")
	}
	if err := f.client.check(f.requestsFile); err != nil {
		return nil, err
	}
	if err := p.client.mode.Check(p.base.target.Scheme == "https" && !f.viaProxy); err != nil {
		return nil, err
	}
	if err := differentFiles(f.resultsFile, f.requestsFile, f.proxy.logRequests, f.proxyRecords); err != nil {
		return nil, err
	}
	if !f.viaProxy {
		for _, name := range []string{"otlp-endpoint", "admin", "log-requests"} {
			// Set in the environment it is meant for the proxies of a host, not for us.
			if _, inherited := os.LookupEnv(environmentName(name)); given(name) && !inherited {
				return nil, fmt.Errorf("--%s is an option of the proxy: add --via-proxy", name)
			}
		}
	}
	return p, nil
}

// agree finds options that don't go together.
func (p *loadgenPlan) agree(given func(string) bool) error {
	talks := p.shape == loadgen.ShapeConversations
	for _, name := range []string{"turns", "history", "think-time"} {
		if given(name) && !talks {
			return fmt.Errorf("--%s is for --conversations", name)
		}
	}
	switch {
	case p.ab != "" && (given("api-base") || given("base-url") || p.viaProxy || p.proxyRecords != "" || p.find != nil):
		return errors.New("--ab names both servers, and goes with neither --api-base, --via-proxy, --proxy-records nor --find")
	case talks && p.ask.endpoint != "chat":
		return fmt.Errorf("--conversations are chats: leave --endpoint %s out", p.ask.endpoint)
	case talks && p.prompts.scenario == nil && (p.say.numImages > 0 || p.say.prefixTokens > 0 || len(p.say.loras) > 0):
		return errors.New("conversations of a dataset are asked as they are: leave --num-images, --prefix-tokens and --lora out, or have prompts made, as with --input-len")
	case talks && p.prompts.scenario != nil && p.say.history == historyDataset:
		return errors.New("--history dataset needs a dataset that has answers: made prompts have none")
	case p.trace != nil && (p.prompts.scenario != nil || given("dataset-key") || given("dataset-name") || p.say.datasetFile+p.say.datasetConfig+p.say.hfDataset != ""):
		return errors.New("--trace says how long prompts and answers are: leave the dataset and the lengths out")
	}
	return nil
}
