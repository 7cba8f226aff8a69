package dataset

// DefaultKey is the dataset used where none is named.
const DefaultKey = "aime"

// BuiltinKey names the prompts embedded in the binary.
const BuiltinKey = "builtin"

// SonnetKey names the poems embedded in the binary.
const SonnetKey = "sonnet"

// hubSource is where a dataset lives on the hub and which part of it is meant.
type hubSource struct {
	key      string
	repo     string   // owner/name, or a name alone that the hub knows to redirect
	revision string   // branch, tag or commit; "" means main
	subset   string   // files below this folder are taken; "" means there is one
	split    string   // files of this split are taken, where files name splits
	files    []string // these are taken, whatever they name; nil means by subset and split
	column   string   // holds the prompt; "" means a guess
	image    string   // holds the images; "" means none
	own      bool     // the user named it: what is wrong with it is wrong use
}

// hubSources are the hub's datasets that have a short name. A new one is a new
// row. Repositories, subsets, splits and columns are those that benchmark tools
// agree on: examples/dataset_configs of tugot17/tokenomics has all but
// sharegpt, which is in benchmarks/README.md of vllm-project/vllm and in
// bench_serving.py of sgl-project/sglang. Files are named where the hub has no
// parquet of a split: of a repository with a loading script we run no code.
func hubSources() []hubSource {
	return []hubSource{
		{key: "aime", repo: "gneubig/aime-1983-2024", split: "train", column: "Question"},
		{key: "aime25", repo: "math-ai/aime25", split: "test", column: "problem"},
		{key: "gsm8k", repo: "openai/gsm8k", subset: "main", split: "test", column: "question"},
		{key: "math500", repo: "HuggingFaceH4/MATH-500", split: "test", column: "problem"},
		{key: "mbpp", repo: "google-research-datasets/mbpp", subset: "sanitized", split: "test", column: "prompt"},
		{key: "humaneval", repo: "openai/openai_humaneval", split: "test", column: "prompt"},
		// test.jsonl is release_v1; its rows hold all tests of a problem, which
		// makes it 1.2 GB.
		{key: "lcb", repo: "livecodebench/code_generation_lite", split: "test", files: []string{"test.jsonl"}, column: "question_content"},
		{key: "mtbench", repo: "HuggingFaceH4/mt_bench_prompts", split: "train", column: "prompt"},
		{key: "alpaca", repo: "tatsu-lab/alpaca_eval", split: "eval", files: []string{"alpaca_eval.json"}, column: "instruction"},
		{key: "arena-hard", repo: "lmarena-ai/arena-hard-auto-v0.1", split: "train", column: "turns"},
		{key: "sharegpt", repo: "anon8231489123/ShareGPT_Vicuna_unfiltered", split: "train",
			files: []string{"ShareGPT_V3_unfiltered_cleaned_split.json"}, column: "conversations"},
		{key: "chartqa", repo: "lmms-lab/ChartQA", split: "test", column: "question", image: "image"},
		{key: "docvqa", repo: "lmms-lab/DocVQA", subset: "DocVQA", split: "validation", column: "question", image: "image"},
		{key: "vqa-rad", repo: "flaviagiammarino/vqa-rad", split: "test", column: "question", image: "image"},
	}
}

// Keys lists what Config.Key may be: the default, those that need no network,
// then the hub's others.
func Keys() []string {
	keys := []string{DefaultKey, BuiltinKey, SonnetKey}
	for _, s := range hubSources() {
		if s.key != DefaultKey {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// lookup finds the hub dataset known as key.
func lookup(key string) (hubSource, bool) {
	for _, s := range hubSources() {
		if s.key == key {
			return s, true
		}
	}
	return hubSource{}, false
}
