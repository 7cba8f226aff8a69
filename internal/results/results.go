// Package results is the results file: what the load generator writes and
// reports and comparisons read. docs/results.md documents every key.
//
//	Results     the file (results.go), Metadata what was measured and how
//	Point       one load of a sweep, over its runs (point.go)
//	Figures     what a run came to, or the runs of a point (figures.go)
//	Measured    the same while it is still Records' sums (measured.go)
//	OutFile     a file written whole or not at all (outfile.go)
package results

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// SchemaVersion is of the results file. It changes when a key changes its
// meaning or goes; new keys may come without.
const SchemaVersion = 1

// Results is the results file; docs/results.md documents every key. A key is
// there only when its value is known.
type Results struct {
	SchemaVersion int      `json:"schema_version"`
	Metadata      Metadata `json:"metadata"`
	Results       Points   `json:"results"`
	Warnings      []string `json:"warnings,omitempty"`
	Partial       bool     `json:"partial,omitempty"` // it was stopped before its end
}

// Metadata says what was measured, and how.
type Metadata struct {
	Time        time.Time `json:"time"` // when the sweep began
	DurationS   float64   `json:"duration_s"`
	Tool        string    `json:"tool"`
	ToolVersion string    `json:"tool_version"`
	Description string    `json:"description"`

	Model          string `json:"model"`
	APIBase        string `json:"api_base"`
	ViaProxy       bool   `json:"via_proxy"`
	Engine         string `json:"engine,omitempty"`
	EngineVersion  string `json:"engine_version,omitempty"`
	EngineFrontEnd string `json:"engine_front_end,omitempty"` // its Server header
	SimulatedBy    string `json:"simulated_by,omitempty"`     // the engine is a simulation

	DatasetKey     string  `json:"dataset_key,omitempty"`
	DatasetFile    string  `json:"dataset_file,omitempty"`
	DatasetConfig  string  `json:"dataset_config,omitempty"`
	HFDataset      string  `json:"hf_dataset,omitempty"`
	HFSubset       string  `json:"hf_subset,omitempty"`
	HFSplit        string  `json:"hf_split,omitempty"`
	PromptColumn   string  `json:"prompt_column,omitempty"`
	ImageColumn    string  `json:"image_column,omitempty"`
	Trace          string  `json:"trace,omitempty"`
	TraceSpeed     float64 `json:"trace_speed,omitempty"`
	DatasetSource  string  `json:"dataset_source,omitempty"`
	DatasetPrompts int     `json:"dataset_prompts,omitempty"`
	DatasetDigest  string  `json:"dataset_digest,omitempty"`

	Shape        string   `json:"shape"` // of the load
	Find         string   `json:"find,omitempty"`
	SLO          string   `json:"slo,omitempty"`
	StopWhen     string   `json:"stop_when,omitempty"`
	Goodput      string   `json:"goodput,omitempty"`
	Endpoint     string   `json:"endpoint"`
	Scenario     string   `json:"scenario,omitempty"` // lengths of made prompts
	NumAnswers   int      `json:"num_answers,omitempty"`
	IgnoreEOS    bool     `json:"ignore_eos,omitempty"`
	ExtraBody    string   `json:"extra_body,omitempty"`
	PrefixTokens int      `json:"prefix_tokens,omitempty"`
	PrefixGroups int      `json:"prefix_groups,omitempty"`
	NumImages    int      `json:"num_images,omitempty"`
	ImageSize    string   `json:"image_size,omitempty"`
	LoRAMix      string   `json:"lora_mix,omitempty"`
	Turns        int      `json:"turns,omitempty"`
	History      string   `json:"history,omitempty"`
	ThinkTimeS   float64  `json:"think_time_s,omitempty"`
	MinTokens    int      `json:"min_tokens,omitempty"`
	WarmupTimeS  float64  `json:"warmup_time_s,omitempty"`
	LoRAs        []string `json:"loras,omitempty"`

	BatchSizes  []int   `json:"batch_sizes,omitempty"`
	NumRuns     int     `json:"num_runs"`
	MaxTokens   int     `json:"max_tokens"`
	Temperature float64 `json:"temperature"`
	Stream      bool    `json:"stream"`
	Seed        int64   `json:"seed"`
	TimeoutS    float64 `json:"timeout_s"`
	Warmup      int     `json:"warmup"`
	PrefixCache string  `json:"prefix_cache"`
	// PrefixCacheMethod is the request's key that keeps the engine's prefix
	// cache out, "" where nothing does.
	PrefixCacheMethod string `json:"prefix_cache_method,omitempty"`
	ResultsFile       string `json:"results_file"`
	RequestsFile      string `json:"requests_file,omitempty"`
	OTLPEndpoint      string `json:"otlp_endpoint,omitempty"`
	Admin             string `json:"admin,omitempty"`
	LogRequests       string `json:"log_requests,omitempty"`
	ProxyRecords      string `json:"proxy_records,omitempty"`
}

// Write writes the results as indented JSON.
func (r *Results) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

// Read reads a results file.
func Read(path string) (*Results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	r := new(Results)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading %q as a results file of tokenomics loadgen: %w", path, err)
	}
	switch {
	case r.SchemaVersion == 0:
		return nil, fmt.Errorf("%q is no results file of tokenomics loadgen: it has no schema_version", path)
	case r.SchemaVersion > SchemaVersion:
		return nil, fmt.Errorf("%q has schema version %d, newer than this tokenomics reads (%d): use the one that wrote it", path, r.SchemaVersion, SchemaVersion)
	}
	return r, nil
}
