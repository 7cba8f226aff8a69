package export

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// vllmFile is the result of vLLM's bench serve with --save-detailed
// (vllm/benchmarks/serve.py). Null are the values that it too has as null.
type vllmFile struct {
	Date           string              `json:"date"`
	EndpointType   string              `json:"endpoint_type"`
	Backend        string              `json:"backend"`
	Label          *string             `json:"label"`
	ModelID        string              `json:"model_id"`
	TokenizerID    *string             `json:"tokenizer_id"` // null: the engine counts the tokens
	NumPrompts     int                 `json:"num_prompts"`
	RequestRate    results.Rate        `json:"request_rate"`
	Burstiness     record.Opt[float64] `json:"burstiness"` // null where arrivals are evenly spaced, which is infinity
	MaxConcurrency record.Opt[int]     `json:"max_concurrency"`

	Duration        float64             `json:"duration"` // s
	Completed       int                 `json:"completed"`
	Failed          int                 `json:"failed"`
	InputTokens     int64               `json:"total_input_tokens"`
	OutputTokens    int64               `json:"total_output_tokens"`
	RequestRateDone float64             `json:"request_throughput"`
	Goodput         record.Opt[float64] `json:"request_goodput"`
	OutputTokS      float64             `json:"output_throughput"`
	TotalTokS       float64             `json:"total_token_throughput"`
	MaxTokS         float64             `json:"max_output_tokens_per_s"`
	MaxInFlight     int                 `json:"max_concurrent_requests"`

	InputLens  []int64     `json:"input_lens"`
	OutputLens []int64     `json:"output_lens"`
	TTFTs      []float64   `json:"ttfts"`       // s
	ITLs       [][]float64 `json:"itls"`        // s
	StartTimes []float64   `json:"start_times"` // s since the run's clock started
	Texts      []string    `json:"generated_texts"`
	Errors     []string    `json:"errors"`
}

// VLLM writes a run as vLLM's bench serve does.
func VLLM(w io.Writer, in Run) error {
	fixed, err := json.Marshal(vllmOf(in))
	if err != nil {
		return fmt.Errorf("writing the results as vLLM's: %w", err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(fixed, &all); err != nil {
		return fmt.Errorf("writing the results as vLLM's: %w", err)
	}
	d := distsOf(in.Records)
	for name, dist := range map[string]*dist{"ttft": &d.ttft, "tpot": &d.tpot, "itl": &d.gap, "e2el": &d.e2e} {
		for key, value := range vllmStatistics(name, dist) {
			text, err := json.Marshal(value)
			if err != nil {
				return fmt.Errorf("writing %s as vLLM's: %w", key, err)
			}
			all[key] = text
		}
	}
	return write(w, "vLLM's", all)
}

// vllmStatistics are absent for a figure without samples, as they are there
// for one that --percentile-metrics does not name.
func vllmStatistics(name string, d *dist) map[string]float64 {
	if d.count() == 0 {
		return nil
	}
	return map[string]float64{
		"mean_" + name + "_ms": d.mean(), "median_" + name + "_ms": d.quantile(0.5), "std_" + name + "_ms": d.std(),
		"p50_" + name + "_ms": d.quantile(0.5), "p90_" + name + "_ms": d.quantile(0.9),
		"p95_" + name + "_ms": d.quantile(0.95), "p99_" + name + "_ms": d.quantile(0.99),
	}
}

// vllmBackends are its names for what a request asks for.
var vllmBackends = map[string]string{
	"chat": "openai-chat", "completions": "openai", "embeddings": "openai-embeddings", "rerank": "vllm-rerank",
}

func vllmOf(in Run) vllmFile {
	f, l := in.Run.Figures, in.load()
	v := vllmFile{
		Date: in.Run.Start.UTC().Format("20060102-150405"), Backend: in.endpoint(),
		ModelID: in.Metadata.Model, NumPrompts: f.Requests, RequestRate: results.Rate(math.Inf(1)), Burstiness: record.Some(1.0),
		Duration: in.seconds(), Completed: f.Succeeded, Failed: f.Requests - f.Succeeded,
		InputTokens: f.InputTokens.Or(0), OutputTokens: f.OutputTokens.Or(0), RequestRateDone: f.RequestsPerS.Or(0), Goodput: f.GoodputRPS,
		OutputTokS: f.OutputTokS.Or(0), TotalTokS: f.TotalTokS.Or(0), MaxTokS: f.MaxTokS.Or(0), MaxInFlight: f.PeakInFlight,
	}
	if name, ok := vllmBackends[v.Backend]; ok {
		v.Backend = name
	}
	v.EndpointType = v.Backend
	if in.Metadata.Description != "" {
		v.Label = &in.Metadata.Description
	}
	if l.MaxConcurrency > 0 {
		v.MaxConcurrency = record.Some(l.MaxConcurrency)
	}
	if l.RequestRate > 0 {
		v.RequestRate = l.RequestRate
	}
	switch l.Arrival {
	case "constant":
		v.Burstiness = record.Opt[float64]{}
	case "gamma":
		v.Burstiness = record.Some(l.Burstiness)
	}
	for _, r := range in.ordered() {
		v.add(r, in)
	}
	return v
}

// add appends a request to the lists. As there, a request that failed has 0
// for all that it did not come to.
func (v *vllmFile) add(r *record.Record, in Run) {
	output := int64(0)
	if r.Outcome == record.Complete {
		output = r.Usage.Completion.Or(0)
	}
	ttft, _ := r.TTFT()
	between := []float64{}
	for _, gap := range gaps(r) {
		between = append(between, gap.Seconds())
	}
	v.InputLens = append(v.InputLens, r.Usage.Prompt.Or(0))
	v.OutputLens = append(v.OutputLens, output)
	v.TTFTs = append(v.TTFTs, ttft.Seconds())
	v.ITLs = append(v.ITLs, between)
	v.StartTimes = append(v.StartTimes, r.Start.Add(r.Sent.Or(0)).Sub(in.Run.Start).Seconds())
	v.Texts = append(v.Texts, "")
	v.Errors = append(v.Errors, failure(r))
}
