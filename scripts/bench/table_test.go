package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	lines := `# 2026-11-25T04:52:13Z 2 cores
paced c=200  direct       events/s=    9999 cpu-s/million=  9.87 client-cpu-s/million=  8.93 errors=0
paced c=200  nginx        events/s=   10000 cpu-s/million= 10.00 client-cpu-s/million= 12.67 errors=0
paced c=200  tokenomics   events/s=   10000 cpu-s/million=  9.00 client-cpu-s/million=  9.07 errors=0
paced c=200  nginx        events/s=   10000 cpu-s/million= 30.00 client-cpu-s/million= 12.67 errors=0
paced c=200  tokenomics   events/s=   10000 cpu-s/million= 11.00 client-cpu-s/million=  9.07 errors=3
idle  c=1000 tokenomics   open=1000 memory 28974 -> 38182 KB = 9.2 KB/stream
ttfb c=1    nginx        n=1500   p50=   294us p99=  1152us added p50=   +51us p99=  +536us errors=0
ttfb c=64   nginx        n=1500   p50=   294us p99=  1152us added p50=   -51us p99=  +536us errors=0
client c=200   vllm        events=80000 cpu-s=2.00 events/cpu-s= 40000 share= 10.0% server= 12.5% ttft-error p50=+0.400ms p99=+3.250ms gap-error p99=1.500ms gap p99=52.10ms true=51.00ms errors=0
client c=200   tokenomics  events=80000 cpu-s=1.00 events/cpu-s= 80000 share=  5.0% server= 12.5% ttft-error p50=-0.100ms p99=+0.250ms gap-error p99=0.500ms gap p99=51.10ms true=51.00ms errors=0
growth c=10 rate=100 nginx        events/s=    1000 cpu-s/million= 10.00 client-cpu-s/million= 12.67 errors=0
growth c=10 rate=100 tokenomics   events/s=    1000 cpu-s/million= 12.00 client-cpu-s/million= 12.67 errors=0
growth c=9900 rate=1 tokenomics   events/s=    9900 cpu-s/million= 11.00 client-cpu-s/million= 12.67 errors=0
client c=1000  vllm        events=0 cpu-s=1.00 events/cpu-s=     0 share=  5.0% server= 12.5% ttft-error p50=NaNms p99=NaNms gap-error p99=NaNms gap p99=NaNms true=NaNms errors=7
`
	var out strings.Builder
	if err := table(strings.NewReader(lines), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| median | nginx | tokenomics |",
		"| CPU per event, paced (CPU-s per million) | 20.00 = 1.00 | 10.00 = 0.50 |",
		"| memory per silent stream (KB) |  | 9.2 |",
		"| added TTFB, 1 stream (us, p50) | 51 |  |",
		"| added TTFB, 64 streams (us, p50) | -51 |  |",
		"tokenomics: 3 errors in: ",
		"| 200 streams: events per CPU-second (more is better) |  | 80000 | 40000 |",
		"| 200 streams: CPU of the client (% of a core) |  | 5.0 | 10.0 |",
		"| 200 streams: TTFT above the truth, median (ms) |  | -0.10 | 0.40 |",
		"| 200 streams: TTFT above the truth, p99 (ms) |  | 0.25 | 3.25 |",
		"| 200 streams: error of a gap, p99 (ms) |  | 0.50 | 1.50 |",
		"| 200 streams: gap p99, measured (ms) |  | 51.10 | 52.10 |",
		"| 200 streams: gap p99, true (ms) |  | 51.00 | 51.00 |",
		"| 1000 streams: TTFT above the truth, median (ms) |  |  | NaN |",
		"vllm: 7 errors in: ",
		"| streams | events/s of each | nginx | tokenomics |",
		"| 10 | 100 | 10.00 = 1.00 | 12.00 = 1.20 |",
		"| 9900 | 1 |  | 11.00 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}
