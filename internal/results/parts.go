package results

import (
	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// Sustainable says whether a point's load could have gone on for ever.
type Sustainable struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // what grew, where it is not
}

// Instrument is what the tool itself did to the figures of a point.
type Instrument struct {
	Lateness      *stats.Quantiles    `json:"send_lateness_ms,omitempty"`   // how late requests left, after the moment they were due
	SchedulingLag *stats.Quantiles    `json:"scheduling_lag_ms,omitempty"`  // how late a timer of ours fired
	CPUShare      record.Opt[float64] `json:"cpu_share,omitzero"`           // of all cores, used by this process
	EventsPerS    record.Opt[float64] `json:"events_per_s,omitzero"`        // that it read
	TTFTErrorP99  record.Opt[float64] `json:"ttft_error_p99_ms,omitzero"`   // of the calibration at this load or above
	GapErrorP99   record.Opt[float64] `json:"gap_error_p99_ratio,omitzero"` // share of the true gap
	Calibrated    string              `json:"calibrated,omitempty"`         // the load of the calibration that was used
	Invalid       []string            `json:"invalid,omitempty"`            // why the point's figures can't be trusted
}

// EngineSide is the engine's own account of a point, read from its metrics.
type EngineSide struct {
	Queue        record.Opt[float64] `json:"queue_ms,omitzero"`   // mean time in its queue
	Prefill      record.Opt[float64] `json:"prefill_ms,omitzero"` // mean
	Decode       record.Opt[float64] `json:"decode_ms,omitzero"`  // mean
	TTFT         record.Opt[float64] `json:"ttft_ms,omitzero"`    // mean, as the engine has it
	E2E          record.Opt[float64] `json:"e2e_ms,omitzero"`     // mean
	Running      record.Opt[float64] `json:"running,omitzero"`    // requests, mean over the point
	RunningMax   record.Opt[float64] `json:"running_max,omitzero"`
	Waiting      record.Opt[float64] `json:"waiting,omitzero"` // requests, mean over the point
	WaitingMax   record.Opt[float64] `json:"waiting_max,omitzero"`
	KVUse        record.Opt[float64] `json:"kv_use,omitzero"` // share of the KV cache, mean
	KVUseMax     record.Opt[float64] `json:"kv_use_max,omitzero"`
	PrefixHits   record.Opt[float64] `json:"prefix_hit_ratio,omitzero"` // of prompt tokens that were looked up
	Preemptions  record.Opt[float64] `json:"preemptions,omitzero"`
	PromptTokens record.Opt[float64] `json:"prompt_tokens,omitzero"` // by its own counters, all clients
	OutputTokens record.Opt[float64] `json:"output_tokens,omitzero"`
	Foreign      record.Opt[float64] `json:"foreign_tokens,omitzero"` // output tokens that went to others than us
	Requests     record.Opt[float64] `json:"requests,omitzero"`       // finished, all clients
}
