package results

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Load is what a point asks of the engine. Shape says which of the other
// fields mean something.
type Load struct {
	Shape          string  `json:"shape"`                     // "batch", "concurrency", "rate", "trace", "conversations"
	BatchSize      int     `json:"batch_size,omitempty"`      // requests sent at once
	MaxConcurrency int     `json:"max_concurrency,omitempty"` // requests in flight at the most
	RequestRate    Rate    `json:"request_rate,omitempty"`    // arrivals per second, or "inf"
	Arrival        string  `json:"arrival,omitempty"`         // "constant", "poisson", "gamma"
	Burstiness     float64 `json:"burstiness,omitempty"`      // shape of the gamma distribution; 1 is Poisson
	RampUpS        float64 `json:"ramp_up_s,omitempty"`
	NumPrompts     int     `json:"num_prompts,omitempty"` // requests of a run; 0 where its duration ends it
	DurationS      float64 `json:"duration_s,omitempty"`  // of a run; 0 where its requests end it
}

// Rate is in requests per second. Infinity, all at once, is written "inf".
type Rate float64

// String is the rate as it is given on the command line.
func (r Rate) String() string {
	if math.IsInf(float64(r), 1) {
		return "inf"
	}
	return strconv.FormatFloat(float64(r), 'g', -1, 64)
}

// MarshalJSON writes a number, or "inf".
func (r Rate) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(r), 1) {
		return []byte(`"inf"`), nil
	}
	return []byte(r.String()), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Rate) UnmarshalJSON(b []byte) error {
	if string(b) == `"inf"` {
		*r = Rate(math.Inf(1))
		return nil
	}
	if err := json.Unmarshal(b, (*float64)(r)); err != nil {
		return fmt.Errorf("reading a request rate: %w", err)
	}
	return nil
}
