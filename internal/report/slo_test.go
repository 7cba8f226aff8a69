package report

import (
	"strings"
	"testing"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

func TestParseSLO(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"ttft_p99=500ms", "ttft_ms p99 500"},
		{" tpot_mean=1.5s ", "tpot_ms mean 1500"},
		{"e2e_max=2m", "e2e_ms max 120000"},
		{"client_queue_p50=100us", "client_queue_ms p50 0.1"},
		{"ttft_p99", "such as ttft_p99=500ms"},
		{"ttft_p99=500", "such as ttft_p99=500ms"},
		{"ttft_p99=-1ms", "such as ttft_p99=500ms"},
		{"ttft=500ms", "one of mean, p50"},
		{"speed_p99=500ms", "one of ttft, ttfo"},
	} {
		s, err := ParseSLO(tt.text)
		got := s.Figure + " " + s.Statistic + " " + cell{number: numberCell(some(s.LimitMS)).number}.exact()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("ParseSLO(%q): %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestSLOMet(t *testing.T) {
	p := &results.Point{Figures: results.Figures{TTFT: &stats.Quantiles{P99: 500}}}
	for text, want := range map[string]bool{
		"ttft_p99=500ms": true, "ttft_p99=499ms": false,
		"e2e_p99=1h": false, // not known is not met
	} {
		s, err := ParseSLO(text)
		if err != nil {
			t.Fatal(err)
		}
		if s.met(p) != want {
			t.Errorf("%s met: %v", text, !want)
		}
	}
}
