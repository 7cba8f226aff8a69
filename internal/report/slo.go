package report

import (
	"slices"
	"strings"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// slo is a bound as the page's charts draw it: on one figure.
type slo struct {
	Figure    string  `json:"figure"`    // its key in results files: "ttft_ms"
	Statistic string  `json:"statistic"` // "p99"
	LimitMS   float64 `json:"limit_ms"`
	Text      string  `json:"text"`
}

// slosOf puts each bound on the figures that it is judged by: in an open loop
// it counts from the moment that requests were due.
func slosOf(bounds []stats.Bound, files []Named) []slo {
	var out []slo
	for _, b := range bounds {
		for _, f := range files {
			for i := range f.Results.Results {
				one := slo{boundedKey(b, &f.Results.Results[i]), statisticOf(b), b.Limit, b.String()}
				if !slices.Contains(out, one) {
					out = append(out, one)
				}
			}
		}
	}
	return out
}

func statisticOf(b stats.Bound) string {
	_, statistic, _ := strings.Cut(b.Name, "_")
	return statistic
}

func boundedKey(b stats.Bound, p *results.Point) string {
	figure, _, _ := strings.Cut(b.Name, "_")
	if p.TTFTSched != nil && (figure == "ttft" || figure == "ttfo" || figure == "e2e") {
		return figure + "_sched_ms"
	}
	return figure + "_ms"
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
