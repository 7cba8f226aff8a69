package loadgen

import (
	"strings"
	"testing"
	"time"

	"tokenomics/internal/results"
)

func TestParseStopWhen(t *testing.T) {
	for text, want := range map[string]StopWhen{
		"output_tok_s=2%": {Figure: "output_tok_s", Within: 0.02},
		"ttft_p99=0.1":    {Figure: "ttft_p99", Within: 0.1},
	} {
		if got, err := ParseStopWhen(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"output_tok_s": "such as output_tok_s=2%", "speed=2%": "there is no figure", "ttft_p50=0": "no share between", "ttft_p50=100%": "no share between", "ttft_p50=x": "no share between",
	} {
		if _, err := ParseStopWhen(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestStopsWhenItIsKnown: runs that agree are soon enough, runs that do not are
// stopped by the bound.
func TestStopsWhenItIsKnown(t *testing.T) {
	for name, tt := range map[string]struct {
		ttft func(run int) time.Duration
		want int
	}{
		"alike":     {func(int) time.Duration { return 100 * time.Millisecond }, 5},
		"scattered": {func(run int) time.Duration { return time.Duration(50+100*(run%2)) * time.Millisecond }, 12},
	} {
		s := StopWhen{Figure: "ttft_mean", Within: 0.02, Most: 12}
		var m results.Measured
		for len(m.Runs) == 0 || !s.Enough(m) {
			m.Runs = append(m.Runs, planted(results.Load{}, tt.ttft(len(m.Runs))).Runs[0])
		}
		if len(m.Runs) != tt.want || s.Known(m) != (name == "alike") {
			t.Errorf("%s: %d runs, known %v", name, len(m.Runs), s.Known(m))
		}
	}
}
