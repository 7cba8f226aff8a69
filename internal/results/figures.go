package results

import (
	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

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
	BrokenOff  int                    `json:"broken_off,omitempty"`
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
	TotalTokS    record.Opt[float64] `json:"total_tok_s,omitzero"`
	SteadyTokS   record.Opt[float64] `json:"steady_state_tok_s,omitzero"`
	MaxTokS      record.Opt[float64] `json:"max_output_tok_s,omitzero"`
	RequestsPerS record.Opt[float64] `json:"requests_per_s,omitzero"`
	GoodputRPS   record.Opt[float64] `json:"goodput_rps,omitzero"`
	GoodputRatio record.Opt[float64] `json:"goodput_ratio,omitzero"`
	Unjudged     int                 `json:"goodput_unjudged,omitempty"`
	PeakInFlight int                 `json:"peak_in_flight,omitempty"`

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
	TTFTSched         *stats.Quantiles `json:"ttft_sched_ms,omitempty"`
	TTFOSched         *stats.Quantiles `json:"ttfo_sched_ms,omitempty"`
	E2ESched          *stats.Quantiles `json:"e2e_sched_ms,omitempty"`
	ClientQueue       *stats.Quantiles `json:"client_queue_ms,omitempty"`

	stats.EngineTimes // as each answer told them
}

// FiguresOf is s as it is written. runs is how many runs of known length s
// pools: elapsed_time is their mean, to be compared with that of one run.
func FiguresOf(s stats.Summary, runs int) Figures {
	f := Figures{
		AvgInputTokens: s.AvgInput, AvgOutputTokens: s.AvgOutput, TokensPerSecondInBatch: s.OutputTokS,
		Requests: s.Requests, Succeeded: s.Succeeded, Failed: s.Failed, Aborted: s.Aborted, BrokenOff: s.BrokenOff,
		Outcomes: s.Outcomes, FirstError: s.FirstError, Retries: s.Retries,
		InputTokens: s.InputTokens, OutputTokens: s.OutputTokens, CachedTokens: s.CachedTokens,
		ReasoningTokens: s.ReasoningTokens, FailedOutputTokens: s.FailedOutput, TokenSources: s.TokenSources,
		InputTokS: s.InputTokS, OutputTokS: s.OutputTokS, TotalTokS: s.TotalTokS, SteadyTokS: s.SteadyTokS, MaxTokS: s.MaxTokS,
		RequestsPerS: s.RequestsPS, GoodputRPS: s.GoodputRPS, GoodputRatio: s.GoodRatio, Unjudged: s.Unjudged, PeakInFlight: s.PeakInFlight,
		NoFirstToken: s.NoFirstToken, Buffered: s.Buffered,
		RequestOutputTokS: s.RequestTokS, RequestDecodeTokS: s.DecodeTokS,
		TTFT: s.TTFT, TTFO: s.TTFO, TPOT: s.TPOT, Gap: s.Gap, ITL: s.ITL, E2E: s.E2E, TTFTSched: s.TTFTSched, TTFOSched: s.TTFOSched, E2ESched: s.E2ESched,
		ClientQueue: s.ClientQueue, EngineTimes: s.EngineTimes,
	}
	if span, ok := s.Span.Get(); ok && runs > 0 {
		f.ElapsedTime = record.Some(span.Seconds() / float64(runs))
	}
	if s.RequestTokS != nil {
		f.AvgTokensPerSecond = record.Some(s.RequestTokS.Mean)
	}
	return f
}

// Summary is f as it was before it was written, but for the span, so that its
// figures can be asked for by name.
func (f *Figures) Summary() stats.Summary {
	return stats.Summary{
		AvgInput: f.AvgInputTokens, AvgOutput: f.AvgOutputTokens,
		Requests: f.Requests, Succeeded: f.Succeeded, Failed: f.Failed, Aborted: f.Aborted, BrokenOff: f.BrokenOff,
		Outcomes: f.Outcomes, FirstError: f.FirstError, Retries: f.Retries,
		InputTokens: f.InputTokens, OutputTokens: f.OutputTokens, CachedTokens: f.CachedTokens,
		ReasoningTokens: f.ReasoningTokens, FailedOutput: f.FailedOutputTokens, TokenSources: f.TokenSources,
		InputTokS: f.InputTokS, OutputTokS: f.OutputTokS, TotalTokS: f.TotalTokS, SteadyTokS: f.SteadyTokS, MaxTokS: f.MaxTokS,
		RequestsPS: f.RequestsPerS, GoodputRPS: f.GoodputRPS, GoodRatio: f.GoodputRatio, Unjudged: f.Unjudged, PeakInFlight: f.PeakInFlight,
		NoFirstToken: f.NoFirstToken, Buffered: f.Buffered, RequestTokS: f.RequestOutputTokS, DecodeTokS: f.RequestDecodeTokS,
		TTFT: f.TTFT, TTFO: f.TTFO, TPOT: f.TPOT, Gap: f.Gap, ITL: f.ITL, E2E: f.E2E, TTFTSched: f.TTFTSched, TTFOSched: f.TTFOSched, E2ESched: f.E2ESched,
		ClientQueue: f.ClientQueue, EngineTimes: f.EngineTimes,
	}
}
