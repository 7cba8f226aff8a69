package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/tidwall/gjson"

	"tokenomics/loadgen/body"
)

// askFlags say how requests ask.
type askFlags struct {
	endpoint         string
	maxTokens        int
	minTokens        int
	temperature      float64
	stream, noStream bool
	n                int
	ignoreEOS        bool
	extraBody        string
}

func (f *askFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.endpoint, "endpoint", "chat", "what is asked for: "+strings.Join(body.Endpoints(), ", ")+", or its path (/v1/completions)")
	fs.IntVar(&f.maxTokens, "max-tokens", 100, "bound of an answer, in tokens; --scenario and --output-len have their own")
	fs.IntVar(&f.minTokens, "min-tokens", 0, "least length of an answer, in `tokens` (vLLM, SGLang); 0 asks for none")
	fs.Float64Var(&f.temperature, "temperature", 0.5, "sampling temperature")
	fs.BoolVar(&f.stream, "stream", true, "stream the answers; TTFT and TPOT need it")
	fs.BoolVar(&f.noStream, "no-stream", false, "ask for answers in one piece")
	fs.IntVarP(&f.n, "num-answers", "n", 1, "`answers` to each prompt")
	fs.BoolVar(&f.ignoreEOS, "ignore-eos", false, "answers are as long as they may be, whatever the model would say (default with made prompts, where the engine can)")
	fs.StringVar(&f.extraBody, "extra-body", "", "`JSON` object merged into each request's body; null takes a member away")
}

// check finds what makes no sense, and settles what depends on other flags.
func (f *askFlags) check(given func(string) bool) error {
	if f.noStream && given("stream") && !given("no-stream") {
		f.noStream = false // the command line beats the environment
	}
	if f.noStream {
		if given("stream") && f.stream {
			return errors.New("--stream and --no-stream exclude each other: give one")
		}
		f.stream = false
	}
	if name, ok := body.EndpointAt(f.endpoint); ok { // as vLLM's client has it
		f.endpoint = name
	}
	switch {
	case !slices.Contains(body.Endpoints(), f.endpoint):
		return fmt.Errorf("--endpoint %q: give one of %s", f.endpoint, strings.Join(body.Endpoints(), ", "))
	case f.maxTokens < 1:
		return fmt.Errorf("--max-tokens %d: give 1 or more", f.maxTokens)
	case f.minTokens < 0:
		return fmt.Errorf("--min-tokens %d: give 0 (none) or more", f.minTokens)
	case f.minTokens > f.maxTokens && given("max-tokens"):
		return fmt.Errorf("--min-tokens %d is more than --max-tokens %d: give less", f.minTokens, f.maxTokens)
	case !(f.temperature >= 0 && f.temperature <= 100):
		return fmt.Errorf("--temperature %v: give 0 or more, usually 0 to 2", f.temperature)
	case f.n < 1:
		return fmt.Errorf("--num-answers %d: give 1 or more", f.n)
	case f.extraBody != "" && (!gjson.Valid(f.extraBody) || !gjson.Parse(f.extraBody).IsObject()):
		return fmt.Errorf("--extra-body %q is no JSON object: give one such as '{\"top_p\":0.9}'", f.extraBody)
	}
	return nil
}

// asking is what all requests have in common.
func (p *loadgenPlan) asking(engine string) body.Asking {
	a := body.Asking{
		Endpoint: p.ask.endpoint, Model: p.model, Engine: engine, Stream: p.ask.stream,
		MaxTokens: p.ask.maxTokens, MinTokens: p.ask.minTokens, Temperature: &p.ask.temperature, IgnoreEOS: p.ask.ignoreEOS,
	}
	if p.ask.n > 1 {
		a.N = p.ask.n
	}
	if p.ask.extraBody != "" {
		a.Extra = []byte(p.ask.extraBody)
	}
	return a
}
