package report

import (
	"fmt"
	"strings"
	"time"

	"tokenomics/internal/results"
)

// SLO is a bound on one statistic of a latency, such as the 99th percentile of
// TTFT.
type SLO struct {
	Figure    string  `json:"figure"`    // its key in results files: "ttft_ms"
	Statistic string  `json:"statistic"` // "p99"
	LimitMS   float64 `json:"limit_ms"`
	Text      string  `json:"text"` // as it was given
}

// ParseSLO reads one bound, such as "ttft_p99=500ms".
func ParseSLO(text string) (SLO, error) {
	name, bound, found := strings.Cut(strings.TrimSpace(text), "=")
	limit, err := time.ParseDuration(bound)
	if !found || err != nil || limit <= 0 {
		return SLO{}, fmt.Errorf("SLO %q: give a figure and a duration, such as ttft_p99=500ms", text)
	}
	for _, f := range figures {
		for _, s := range statistics {
			if name == f.name+"_"+s.name {
				ms := float64(limit) / float64(time.Millisecond)
				return SLO{Figure: f.key, Statistic: s.name, LimitMS: ms, Text: name + "=" + bound}, nil
			}
		}
	}
	return SLO{}, fmt.Errorf("SLO %q: no figure is called %q; take one of %s and one of %s, such as tpot_p99",
		text, name, figureNames(), statisticNames())
}

func figureNames() string {
	var names []string
	for _, f := range figures {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

func statisticNames() string {
	var names []string
	for _, s := range statistics {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// met says whether the point is known to be within the bound.
func (s SLO) met(p *results.Point) bool {
	for _, f := range figures {
		q := f.of(&p.Figures)
		if f.key != s.Figure || q == nil {
			continue
		}
		for _, st := range statistics {
			if st.name == s.Statistic {
				return st.of(q) <= s.LimitMS
			}
		}
	}
	return false
}
