package loadgen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// SchemaVersion is of the results file. It changes when a key changes its
// meaning or goes; new keys may come without.
const SchemaVersion = 1

// Results is the results file; docs/results.md documents every key. A key is
// there only when its value is known.
type Results struct {
	SchemaVersion int          `json:"schema_version"`
	Metadata      Metadata     `json:"metadata"`
	Results       PointResults `json:"results"`
	Warnings      []string     `json:"warnings,omitempty"`
	Partial       bool         `json:"partial,omitempty"` // it was stopped before its end
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

	DatasetKey     string `json:"dataset_key,omitempty"`
	DatasetFile    string `json:"dataset_file,omitempty"`
	PromptColumn   string `json:"prompt_column,omitempty"`
	DatasetSource  string `json:"dataset_source,omitempty"`
	DatasetPrompts int    `json:"dataset_prompts,omitempty"`
	DatasetDigest  string `json:"dataset_digest,omitempty"`

	BatchSizes  []int       `json:"batch_sizes"`
	NumRuns     int         `json:"num_runs"`
	MaxTokens   int         `json:"max_tokens"`
	Temperature float64     `json:"temperature"`
	Stream      bool        `json:"stream"`
	Seed        int64       `json:"seed"`
	TimeoutS    float64     `json:"timeout_s"`
	Warmup      int         `json:"warmup"`
	PrefixCache PrefixCache `json:"prefix_cache"`
	// PrefixCacheMethod is the request's key that keeps the engine's prefix
	// cache out, "" where nothing does.
	PrefixCacheMethod string `json:"prefix_cache_method,omitempty"`
	ResultsFile       string `json:"results_file"`
	RequestsFile      string `json:"requests_file,omitempty"`
	OTLPEndpoint      string `json:"otlp_endpoint,omitempty"`
	Admin             string `json:"admin,omitempty"`
	LogRequests       string `json:"log_requests,omitempty"`
}

// PointResults are filed by name, and written in the order they were measured.
type PointResults []PointResult

// PointResult is a point's aggregate over its runs, and each run.
type PointResult struct {
	Name string `json:"-"`
	Figures
	Warnings []string    `json:"warnings,omitempty"`
	Partial  bool        `json:"partial,omitempty"` // fewer runs than were asked for, or one was stopped
	Runs     []RunResult `json:"runs"`
}

// RunResult is one run.
type RunResult struct {
	Run   int       `json:"run"`
	Start time.Time `json:"start"`
	Figures
	Partial bool `json:"partial,omitempty"`
}

// Figures are what a run came to, or the runs of a point. The first five keys
// are those of older result files. Failed requests are counted and averaged
// into nothing.
type Figures struct {
	AvgInputTokens         record.Opt[float64] `json:"avg_input_tokens,omitzero"`
	AvgOutputTokens        record.Opt[float64] `json:"avg_output_tokens,omitzero"`
	ElapsedTime            record.Opt[float64] `json:"elapsed_time,omitzero"`
	TokensPerSecondInBatch record.Opt[float64] `json:"tokens_per_second_in_batch,omitzero"`
	AvgTokensPerSecond     record.Opt[float64] `json:"avg_tokens_per_second,omitzero"`

	Requests   int                    `json:"requests"`
	Succeeded  int                    `json:"succeeded"`
	Failed     int                    `json:"failed"`
	Aborted    int                    `json:"aborted,omitempty"`
	Outcomes   map[record.Outcome]int `json:"outcomes,omitempty"`
	FirstError string                 `json:"first_error,omitempty"`
	Retries    int                    `json:"retries,omitempty"`

	InputTokens        record.Count               `json:"input_tokens,omitzero"`
	OutputTokens       record.Count               `json:"output_tokens,omitzero"`
	CachedTokens       record.Count               `json:"cached_tokens,omitzero"`
	ReasoningTokens    record.Count               `json:"reasoning_tokens,omitzero"`
	FailedOutputTokens record.Count               `json:"failed_output_tokens,omitzero"`
	TokenSources       map[record.TokenSource]int `json:"token_sources,omitempty"`

	InputTokS    record.Opt[float64] `json:"input_tok_s,omitzero"`
	OutputTokS   record.Opt[float64] `json:"output_tok_s,omitzero"`
	RequestsPerS record.Opt[float64] `json:"requests_per_s,omitzero"`

	NoFirstToken int `json:"no_first_token,omitempty"`
	Buffered     int `json:"buffered,omitempty"`

	RequestOutputTokS *stats.Quantiles `json:"request_output_tok_s,omitempty"`
	RequestDecodeTokS *stats.Quantiles `json:"request_decode_tok_s,omitempty"`
	TTFT              *stats.Quantiles `json:"ttft_ms,omitempty"`
	TTFO              *stats.Quantiles `json:"ttfo_ms,omitempty"`
	TPOT              *stats.Quantiles `json:"tpot_ms,omitempty"`
	Gap               *stats.Quantiles `json:"gap_ms,omitempty"`
	ITL               *stats.Quantiles `json:"itl_ms,omitempty"`
	E2E               *stats.Quantiles `json:"e2e_ms,omitempty"`
	ClientQueue       *stats.Quantiles `json:"client_queue_ms,omitempty"`
}

// FiguresOf is s as it is written. runs is how many runs of known length s
// pools: elapsed_time is their mean, to be compared with that of one run.
func FiguresOf(s stats.Summary, runs int) Figures {
	f := Figures{
		AvgInputTokens: s.AvgInput, AvgOutputTokens: s.AvgOutput, TokensPerSecondInBatch: s.OutputTokS,
		Requests: s.Requests, Succeeded: s.Succeeded, Failed: s.Failed, Aborted: s.Aborted,
		Outcomes: s.Outcomes, FirstError: s.FirstError, Retries: s.Retries,
		InputTokens: s.InputTokens, OutputTokens: s.OutputTokens, CachedTokens: s.CachedTokens,
		ReasoningTokens: s.ReasoningTokens, FailedOutputTokens: s.FailedOutput, TokenSources: s.TokenSources,
		InputTokS: s.InputTokS, OutputTokS: s.OutputTokS, RequestsPerS: s.RequestsPS,
		NoFirstToken: s.NoFirstToken, Buffered: s.Buffered,
		RequestOutputTokS: s.RequestTokS, RequestDecodeTokS: s.DecodeTokS,
		TTFT: s.TTFT, TTFO: s.TTFO, TPOT: s.TPOT, Gap: s.Gap, ITL: s.ITL, E2E: s.E2E, ClientQueue: s.ClientQueue,
	}
	if span, ok := s.Span.Get(); ok && runs > 0 {
		f.ElapsedTime = record.Some(span.Seconds() / float64(runs))
	}
	if s.RequestTokS != nil {
		f.AvgTokensPerSecond = record.Some(s.RequestTokS.Mean)
	}
	return f
}

// ResultOf is one measured point as it is written. planned is the number of
// runs that were asked for.
func ResultOf(m Measured, planned int) PointResult {
	p := PointResult{Name: m.Point.Name, Partial: len(m.Runs) < planned}
	for _, r := range m.Runs {
		p.Runs = append(p.Runs, RunResult{
			Run: r.Number, Start: r.Start.UTC(), Partial: r.Partial, Figures: FiguresOf(r.Window.Summary(), 1),
		})
		p.Partial = p.Partial || r.Partial
	}
	timed := 0
	for _, w := range m.pooled() {
		if w.Summary().Span.Ok() {
			timed++
		}
	}
	sum := m.Summary()
	p.Figures, p.Warnings = FiguresOf(sum, timed), doubts(sum)
	return p
}

// doubts are the warnings that the figures of one point call for.
func doubts(s stats.Summary) []string {
	var out []string
	doubt := func(n int, format string) {
		if n > 0 {
			out = append(out, fmt.Sprintf(format, n))
		}
	}
	doubt(s.TokenSources[record.SourceEvents], "%d requests have estimated token counts: the server told none")
	doubt(s.Untold, "%d requests have no token count and are missing in every rate")
	doubt(s.Buffered, "%d streams arrived in lumps and are left out of the decode figures (is there a buffering hop?)")
	if cached, ok := s.CachedTokens.Get(); ok && cached > 0 {
		out = append(out, fmt.Sprintf("the prefix cache answered for %d of %d input tokens", cached, s.InputTokens.Or(0)))
	}
	return out
}

// MarshalJSON writes an object in the points' order.
func (p PointResults) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, r := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(r.Name)
		if err != nil {
			return nil, fmt.Errorf("encoding the name of point %d: %w", i, err)
		}
		value, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encoding the results of %s: %w", r.Name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
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
