package otel

import "testing"

func TestLoadRanges(t *testing.T) {
	for n, want := range map[int]string{
		1: "1", 2: "2", 3: "3-4", 4: "3-4", 5: "5-8", 8: "5-8", 9: "9-16", 64: "33-64", 65: "65-128",
		1024: "513-1024", 2048: "1025-2048", 2049: "2049-", 1 << 30: "2049-",
	} {
		if got := rangeText(loadRange(n)); got != want {
			t.Errorf("%d in flight: %q, want %q", n, got, want)
		}
	}
}

// A Record that does not say how many were in flight is in no range.
func TestLoadIsAbsentWhereUnknown(t *testing.T) {
	r := newRig(t, Config{}, nil)
	rec := streamed()
	rec.InFlight = 0
	r.Observe(rec)
	if l := with(r.dump(t), "tokenomics.load."); len(l) > 0 {
		t.Errorf("got %v", l)
	}
}
