package report

import (
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// slo is a bound as the page's charts draw it.
type slo struct {
	Figure    string  `json:"figure"`    // its key in results files: "ttft_ms"
	Statistic string  `json:"statistic"` // "p99"
	LimitMS   float64 `json:"limit_ms"`
	Text      string  `json:"text"`
}

func slosOf(bounds []stats.Bound) []slo {
	var out []slo
	for _, b := range bounds {
		out = append(out, slo{b.Figure + "_ms", b.Stat, b.Limit, b.String()})
	}
	return out
}

// met says whether the point is known to be within all bounds.
func met(p *results.Point, bounds []stats.Bound) bool {
	s := p.Figures.Summary()
	for _, b := range bounds {
		if v, ok := b.Of(s); !ok || v > b.Limit {
			return false
		}
	}
	return true
}
