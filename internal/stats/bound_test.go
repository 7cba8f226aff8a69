package stats

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseBounds(t *testing.T) {
	s := Summary{TTFT: &Quantiles{P99: 400, Mean: 100}, TPOT: &Quantiles{P50: 20}}
	for text, want := range map[string]string{
		"ttft_p99=500ms":                "ttft_p99=500ms 400 true",
		"ttft_mean=0.5s, tpot_p50=25ms": "ttft_mean=500ms 100 true; tpot_p50=25ms 20 true",
		"ttft_p99=500":                  "ttft_p99=500ms 400 true",
		"e2e_max=1m":                    "e2e_max=60000ms 0 false",
		"ttft_p99_9=1s":                 "ttft_p99_9=1000ms 0 false",
		"output_tok_s=1s":               "is no bound",
		"client_queue_p99=1s":           "is no bound",
		"":                              "is no bound",
		"ttft=500ms":                    "is no bound",
		"ttft_p99":                      "is no bound",
		"ttft_p99=0":                    "no time above 0",
		"ttft_p99=soon":                 "no time above 0",
		"speed_p99=1s":                  "is no bound",
		"ttft_p98=1s":                   "is no bound",
	} {
		bounds, err := ParseBounds(text)
		var got []string
		for _, b := range bounds {
			v, ok := b.Of(s)
			got = append(got, strings.TrimSpace(b.String()+" "+fmt.Sprint(v, ok)))
		}
		all := strings.Join(got, "; ")
		if err != nil {
			all = err.Error()
		}
		if !strings.Contains(all, want) {
			t.Errorf("%q: %s, want %s", text, all, want)
		}
	}
}

// TestBoundsOfAnOpenLoop count from the moment that a request was due.
func TestBoundsOfAnOpenLoop(t *testing.T) {
	s := Summary{TTFT: &Quantiles{P99: 400}, TTFTSched: &Quantiles{P99: 900}, TPOT: &Quantiles{P99: 20}}
	for name, want := range map[string]float64{"ttft_p99": 900, "tpot_p99": 20} {
		if v, ok := (Bound{Name: name}).Of(s); !ok || v != want {
			t.Errorf("%s: %v, %v", name, v, ok)
		}
	}
}
