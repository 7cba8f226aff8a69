package results

import "tokenomics/internal/record"

// Second is one second of a run, by the time of the events themselves.
type Second struct {
	T            float64             `json:"t"`                // when it begins, in seconds since the run's clock started
	Sent         int                 `json:"sent"`             // requests sent
	Done         int                 `json:"done"`             // requests that succeeded
	Failed       int                 `json:"failed"`           // requests that failed
	InFlight     int                 `json:"in_flight"`        // most requests in flight
	OutputTokens float64             `json:"output_tokens"`    // that arrived
	TTFT         record.Opt[float64] `json:"ttft_ms,omitzero"` // mean of the first tokens that arrived
}

// Interval is how far a figure can be trusted: Mean and half the width of its
// confidence interval, in the figure's unit.
type Interval struct {
	Mean       float64 `json:"mean"`
	Half       float64 `json:"half"`
	N          int     `json:"n"`          // runs, or batches of one run
	Method     string  `json:"method"`     // "student-t over runs", "batch means", "block bootstrap"
	Confidence float64 `json:"confidence"` // 0.95
}
