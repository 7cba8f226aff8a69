package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tokenomics/internal/upstream"
	"tokenomics/loadgen"
	"tokenomics/loadgen/dataset"
	"tokenomics/loadgen/prompt"
	"tokenomics/loadgen/tokenizer"
	"tokenomics/loadgen/trace"
)

// randomKey is the dataset of made prompts.
const randomKey = "random"

// promptFlags say what requests say.
type promptFlags struct {
	datasetConfig string
	hfDataset     string
	hfSubset      string
	hfSplit       string
	imageColumn   string
	turns         int
	history       string
	thinkTime     time.Duration
	datasetKey    string
	datasetFile   string
	promptColumn  string
	scenario      string
	inputLen      int
	outputLen     int
	tokenizer     string
	prefixTokens  int
	prefixGroups  int
	numImages     int
	imageSize     string
	loras         []string
	loraMix       string
	documents     int
}

// What --history takes.
const (
	historyModel   = "model"
	historyDataset = "dataset"
)

// Lengths of made prompts where none are given: those of vLLM's random dataset.
const (
	defaultInput  = 1024
	defaultOutput = 128
)

func (f *promptFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.datasetKey, "dataset-key", dataset.DefaultKey, "prompts: "+strings.Join(append(dataset.Keys(), randomKey), ", "))
	fs.StringVar(&f.datasetKey, "dataset-name", dataset.DefaultKey, "the same as --dataset-key")
	fs.StringVar(&f.datasetFile, "dataset-file", "", "prompts from a .txt, .csv, .json, .jsonl or .parquet `file`")
	fs.StringVar(&f.datasetConfig, "dataset-config", "", "prompts as a JSON `file` says: {\"source\":{\"type\":...},\"prompt_column\":...}")
	fs.StringVar(&f.hfDataset, "hf-dataset", "", "prompts from any dataset of the Hugging Face hub, `owner/name`")
	fs.StringVar(&f.hfSubset, "hf-subset", "", "its `subset`, also called configuration")
	fs.StringVar(&f.hfSplit, "hf-split", "", "its `split`, such as test or train[:1000]")
	fs.StringVar(&f.imageColumn, "image-column", "", "`column` or key that holds the image, or a list of them")
	fs.StringVar(&f.promptColumn, "prompt-column", "", "`column` or key that holds the prompt (default: guessed)")
	fs.StringVar(&f.scenario, "scenario", "", "made prompts and answers of these `lengths`, in the model's tokens: "+prompt.ScenarioSyntax)
	fs.IntVar(&f.inputLen, "input-len", defaultInput, "made prompts of so many `tokens`: --scenario 'D(INPUT,OUTPUT)'")
	fs.IntVar(&f.outputLen, "output-len", defaultOutput, "with made prompts: answers of so many `tokens`")
	fs.StringVar(&f.tokenizer, "tokenizer", "", "tokenizer.json `file` to size made prompts by (default: the engine's /tokenize, else its usage)")
	fs.IntVar(&f.turns, "turns", 4, "with --conversations of made prompts: `turns` of each")
	fs.StringVar(&f.history, "history", historyModel, "with --conversations: whose answers later turns refer to: model (the real ones) or dataset (its own)")
	fs.Var(newSeconds(&f.thinkTime, 0), "think-time", "with --conversations: `time` between an answer and the next turn")
	fs.IntVar(&f.prefixTokens, "prefix-tokens", 0, "put a prefix of so many `tokens`, which others share, before each prompt")
	fs.IntVar(&f.prefixGroups, "prefix-groups", 1, "with --prefix-tokens: how many such prefixes there are")
	fs.IntVar(&f.numImages, "num-images", 0, "add so many made images to each prompt, other ones for each request")
	fs.StringVar(&f.imageSize, "image-size", "512x512", "with --num-images: their `size` in pixels")
	fs.StringSliceVar(&f.loras, "lora", nil, "`names` of LoRA adapters to ask, separated by commas")
	fs.StringVar(&f.loraMix, "lora-mix", string(prompt.MixUniform), "with --lora: how requests are spread over them: "+strings.Join(mixNames(), ", "))
	fs.IntVar(&f.documents, "documents", 8, "with --endpoint rerank: documents to each query")
}

func mixNames() (names []string) {
	for _, m := range prompt.Mixes() {
		names = append(names, string(m))
	}
	return names
}

// promptPlan is what requests say, as far as it is known without the server.
type promptPlan struct {
	scenario  *prompt.Scenario // nil: the prompts of a dataset
	image     prompt.Size
	tokenizer *tokenizer.File // nil: none was named
}

func (f *promptFlags) plan(given func(string) bool) (p promptPlan, err error) {
	made, sized := f.datasetKey == randomKey, given("input-len") || given("output-len")
	switch {
	case given("dataset-key") && given("dataset-name"):
		return p, errors.New("--dataset-key and --dataset-name are one option: give one of the two")
	case (given("dataset-key") || given("dataset-name")) && f.datasetFile+f.datasetConfig+f.hfDataset != "":
		return p, errors.New("--dataset-key, --dataset-file, --dataset-config and --hf-dataset each name a dataset: give one of them")
	case f.turns < 1 || f.thinkTime < 0:
		return p, errors.New("--turns: give 1 or more; --think-time: give 0 or more")
	case f.history != historyModel && f.history != historyDataset:
		return p, fmt.Errorf("--history %q: give model or dataset", f.history)
	case f.scenario != "" && sized:
		return p, errors.New("--scenario says the lengths that --input-len and --output-len say: give one")
	case (f.scenario != "" || sized) && !made && (given("dataset-key") || given("dataset-name") || f.datasetFile != ""):
		return p, errors.New("--scenario, --input-len and --output-len are of made prompts, and a dataset has its own: leave one out, or give --dataset-key random")
	case f.prefixTokens < 0 || f.prefixGroups < 1 || f.numImages < 0 || f.documents < 1:
		return p, errors.New("--prefix-tokens and --num-images: give 0 (none) or more; --prefix-groups and --documents: give 1 or more")
	case f.prefixTokens == 0 && given("prefix-groups"):
		return p, errors.New("--prefix-groups is how many prefixes there are: say how long they are with --prefix-tokens")
	case f.numImages == 0 && given("image-size"):
		return p, errors.New("--image-size is that of made images: say how many with --num-images")
	case len(f.loras) == 0 && given("lora-mix"):
		return p, errors.New("--lora-mix is how requests are spread over adapters: name some with --lora")
	case len(f.loras) > 0 && !slices.Contains(mixNames(), f.loraMix):
		return p, fmt.Errorf("--lora-mix %q: give one of %s", f.loraMix, strings.Join(mixNames(), ", "))
	}
	if f.scenario == "" && (made || sized) {
		f.scenario = fmt.Sprintf("D(%d,%d)", f.inputLen, f.outputLen)
	}
	if f.scenario != "" {
		s, err := prompt.ParseScenario(f.scenario)
		if err != nil {
			return p, err
		}
		p.scenario = &s
	}
	if f.tokenizer != "" {
		if p.tokenizer, err = tokenizer.Open(f.tokenizer); err != nil {
			return p, fmt.Errorf("--tokenizer: %w", err)
		}
	}
	if f.numImages > 0 {
		p.image, err = prompt.ParseSize(f.imageSize)
	}
	return p, err
}

// dataset opens the prompts that exist; nil where they are made. HF_* variables
// are the hub's own.
func (p *loadgenPlan) dataset(ctx context.Context) (*dataset.Dataset, error) {
	if p.prompts.scenario != nil || p.trace != nil {
		return nil, nil
	}
	offline := os.Getenv("HF_HUB_OFFLINE")
	d, err := dataset.Open(ctx, dataset.Config{
		Key: p.say.datasetKey, File: p.say.datasetFile, ConfigFile: p.say.datasetConfig,
		HFPath: p.say.hfDataset, HFSubset: p.say.hfSubset, HFSplit: p.say.hfSplit,
		PromptColumn: p.say.promptColumn, ImageColumn: p.say.imageColumn,
		HFToken: os.Getenv("HF_TOKEN"), HFEndpoint: os.Getenv("HF_ENDPOINT"),
		Offline: offline == "1" || strings.EqualFold(offline, "true"),
	})
	switch {
	case errors.Is(err, dataset.ErrConfig):
		return nil, usageError(err)
	case err != nil:
		return nil, runError(err)
	}
	return d, nil
}

// counter counts the model's tokens: by a file, else by the engine itself; nil
// where nobody does.
func (p *loadgenPlan) counter(engine upstream.Engine) tokenizer.Counter {
	switch {
	case p.prompts.tokenizer != nil:
		return p.prompts.tokenizer
	case slices.Contains([]string{"vllm", "sglang", "llama_cpp"}, engine.Name):
		root, client := p.base.target.Root().HTTPClient(time.Minute)
		return tokenizer.Engine{Root: root, Name: engine.Name, Model: p.model, APIKey: p.apiKey, Client: client}
	}
	return nil
}

// source is where the requests' prompts come from.
func (s *loadgenSession) source(v *prompt.Vocabulary, overhead int) (prompt.Source, error) {
	p := s.plan
	seed := uint64(p.seed)
	var source prompt.Source
	switch {
	case p.trace != nil:
		source = prompt.Blocks{Vocabulary: v, Seed: seed, Size: trace.BlockTokens, Overhead: overhead, Of: func(i int) prompt.Shape {
			n := p.trace.Len()
			r := p.trace.At((i%n + n) % n)
			return prompt.Shape{Input: r.Input, Output: r.Output, Blocks: r.Blocks}
		}}
	case p.prompts.scenario != nil:
		source = prompt.Synthetic{Vocabulary: v, Scenario: *p.prompts.scenario, Seed: seed, Overhead: overhead}
	default:
		order := loadgen.NewOrder(seed, s.data.Len())
		source = prompt.Rows{Order: order.Row, At: func(row int) (prompt.Prompt, error) { return promptOf(s.data.At(row)), nil }}
	}
	if p.say.prefixTokens > 0 {
		var err error
		if source, err = prompt.NewPrefixed(source, v, seed, p.say.prefixTokens, p.say.prefixGroups); err != nil {
			return nil, err
		}
	}
	if p.say.numImages > 0 {
		source = prompt.Illustrated{Source: source, Seed: seed, Images: p.say.numImages, Size: p.prompts.image}
	}
	if len(p.say.loras) > 0 {
		mixed := prompt.Adapted{Source: source, Seed: seed, Names: p.say.loras, Mix: prompt.Mix(p.say.loraMix)}
		if err := mixed.Check(); err != nil {
			return nil, err
		}
		source = mixed
	}
	if p.ask.endpoint == "rerank" {
		source = prompt.Ranked{Source: source, Documents: p.say.documents}
	}
	return source, nil
}

// promptOf is a dataset's row as it is asked.
func promptOf(row dataset.Prompt) prompt.Prompt {
	p := prompt.Prompt{Text: row.Text}
	for _, i := range row.Images {
		p.Images = append(p.Images, prompt.Image{MIME: i.MIME, Data: i.Bytes, URL: i.URL})
	}
	return p
}

// needsWords says whether anything is made of words.
func (p *loadgenPlan) needsWords() bool {
	return p.prompts.scenario != nil || p.trace != nil || p.say.prefixTokens > 0
}
