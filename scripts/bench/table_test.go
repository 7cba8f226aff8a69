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
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}
