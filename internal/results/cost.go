package results

import "tokenomics/internal/record"

// Cost is what tokens cost at a point, where an hour of the server costs so
// much. Each price has the whole hour put on its tokens, as if the others were
// free; they are not to be added up.
type Cost struct {
	PerHour          float64             `json:"per_hour"`
	PerMillionInput  record.Opt[float64] `json:"per_million_input_tokens,omitzero"`
	PerMillionOutput record.Opt[float64] `json:"per_million_output_tokens,omitzero"`
	PerMillionTotal  record.Opt[float64] `json:"per_million_tokens,omitzero"`
}

// CostOf is what tokens cost at the rates of f.
func CostOf(perHour float64, f Figures) *Cost {
	per := func(rate record.Opt[float64]) record.Opt[float64] {
		if v, ok := rate.Get(); ok && v > 0 {
			return record.Some(perHour / 3600 / v * 1e6)
		}
		return record.Opt[float64]{}
	}
	return &Cost{PerHour: perHour, PerMillionInput: per(f.InputTokS), PerMillionOutput: per(f.OutputTokS), PerMillionTotal: per(f.TotalTokS)}
}
