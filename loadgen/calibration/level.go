package calibration

import (
	"fmt"
	"math"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// The bars that a level is held to. An error below them is lost among what
// engines themselves vary by; above them a comparison of engines would compare
// the tool with itself.
const (
	MaxTTFTErrorP50 = 0.5  // ms
	MaxTTFTErrorP99 = 5.0  // ms
	MaxGapError     = 0.10 // share of the true p99 gap by which the measured one may be off
)

// Level is what the tool measured at one load, beside the truth. Errors are
// absolute differences, over the requests that succeeded.
type Level struct {
	Streams    int                 `json:"streams"`              // requests in flight all the time
	Planned    float64             `json:"planned_events_per_s"` // token events of all streams together
	EventsPerS record.Opt[float64] `json:"events_per_s,omitzero"`

	Requests    int `json:"requests"`
	Failed      int `json:"failed"`
	Unjoined    int `json:"unjoined"`     // requests that the simulator knows nothing of
	TokenErrors int `json:"token_errors"` // requests with another number of tokens than the truth has
	EventErrors int `json:"event_errors"` // requests with another number of token events

	TTFTError *stats.Quantiles `json:"ttft_error_ms,omitempty"`
	GapError  *stats.Quantiles `json:"gap_error_ms,omitempty"`
	E2EError  *stats.Quantiles `json:"e2e_error_ms,omitempty"`
	Stamp     *stats.Quantiles `json:"stamp_ms,omitempty"` // from the moment an event was written to our stamp of it
	Gap       *stats.Quantiles `json:"gap_ms,omitempty"`
	TrueGap   *stats.Quantiles `json:"true_gap_ms,omitempty"`

	GapRatio record.Opt[float64] `json:"gap_p99_ratio,omitzero"` // the measured p99 gap over the true one

	EventsPerCPUS record.Opt[float64] `json:"events_per_cpu_s,omitzero"` // events of any kind, per CPU-second of ours
	ClientCPU     record.Opt[float64] `json:"client_cpu_share,omitzero"` // of all cores
	SimCPU        record.Opt[float64] `json:"sim_cpu_share,omitzero"`    // of all cores, its start included
	OtherCPU      record.Opt[float64] `json:"other_cpu_share,omitzero"`  // of all cores, of whatever else ran
	Lateness      *stats.Quantiles    `json:"send_lateness_ms,omitempty"`
	Lag           *stats.Quantiles    `json:"scheduling_lag_ms,omitempty"`
}

// Well says whether the tool measures well at that level.
func Well(l Level) bool { return len(l.Shortfalls()) == 0 }

// Shortfalls are the bars that the level misses, in words.
func (l Level) Shortfalls() (out []string) {
	miss := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	over := func(n int, what string) {
		if n > 0 {
			miss("%d of %d requests %s", n, l.Requests, what)
		}
	}
	over(l.Failed, "failed")
	over(l.Unjoined, "are not in the truth")
	over(l.TokenErrors, "have a wrong number of tokens")
	over(l.EventErrors, "have a wrong number of events")
	if l.TTFTError == nil {
		miss("no TTFT was measured")
	} else {
		if v := l.TTFTError.P50; v > MaxTTFTErrorP50 {
			miss("TTFT error p50 %.2f ms (at most %g)", v, MaxTTFTErrorP50)
		}
		if v := l.TTFTError.P99; v > MaxTTFTErrorP99 {
			miss("TTFT error p99 %.2f ms (at most %g)", v, MaxTTFTErrorP99)
		}
	}
	if ratio, ok := l.GapRatio.Get(); !ok {
		miss("no gap was measured")
	} else if math.Abs(ratio-1) > MaxGapError {
		miss("gap p99 %.2f of the true one (within %g %%)", ratio, 100*MaxGapError)
	}
	return out
}
