package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// theirs are flags of vLLM's "bench serve" and SGLang's bench_serving that have
// another name here, and what to give in their place.
var theirs = map[string]string{
	"backend":             "what is asked for is --endpoint, and the engine is found out",
	"host":                "the server is --api-base http://HOST:PORT",
	"port":                "the server is --api-base http://HOST:PORT",
	"served-model-name":   "that is --model",
	"dataset-path":        "a file is --dataset-file FILE, and a dataset of the hub --hf-dataset OWNER/NAME",
	"hf-name":             "a dataset of the hub is --hf-dataset OWNER/NAME",
	"random-input":        "that is --input-len",
	"random-input-len":    "that is --input-len",
	"random-output":       "that is --output-len",
	"random-output-len":   "that is --output-len",
	"random-range-ratio":  "lengths that vary are --scenario 'U(MIN,MAX)/(MIN,MAX)'",
	"random-prefix-len":   "that is --prefix-tokens",
	"sharegpt-output-len": "a dataset's answers are bounded by --max-tokens",
	"hf-output-len":       "a dataset's answers are bounded by --max-tokens",
	"custom-output-len":   "a dataset's answers are bounded by --max-tokens",
	"num-warmups":         "that is --warmup",
	"warmup-requests":     "that is --warmup",
	"lora-modules":        "that is --lora",
	"lora-name":           "that is --lora",
	"disable-stream":      "that is --no-stream",
	"disable-ignore-eos":  "that is --ignore-eos=false",
	"extra-request-body":  "that is --extra-body",
	"save-result":         "results are always saved, to --results-file; --save-as vllm writes them as vLLM does too",
	"save-detailed":       "--requests-file has a line for each request; --save-as vllm writes details as vLLM does",
	"result-dir":          "the results go to --results-file",
	"result-filename":     "the results go to --results-file",
	"output-file":         "the results go to --results-file",
	"percentile-metrics":  "the results have percentiles of everything",
	"metric-percentiles":  "the results have percentiles of everything",
}

// flagError is for a flag that can't be read: one of another tool is known by
// its name.
func (f *loadgenFlags) flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := strings.ReplaceAll(unknown.GetSpecifiedName(), "_", "-")
		if ours, ok := theirs[name]; ok {
			return usageError(fmt.Errorf("there is no --%s here: %s; see '%s --help'", name, ours, cmd.CommandPath()))
		}
	}
	return cmd.Parent().FlagErrorFunc()(cmd, err)
}

// takeArgs takes what follows --goodput as more bounds of it, as vLLM's client
// has them: --goodput ttft:500 tpot:50. Anything else is refused.
func (f *loadgenFlags) takeArgs(cmd *cobra.Command, args []string) error {
	for i, arg := range args {
		if !cmd.Flags().Changed("goodput") || !strings.Contains(arg, ":") {
			return noArgs(cmd, args[i:])
		}
		f.load.goodput += " " + arg
	}
	return nil
}
