package loadgen

import (
	"testing"
	"time"

	"tokenomics/internal/record"
)

// TestAConnectionGivenBackIsAnothers: what another request reads from it does
// not move the end of the one before.
func TestAConnectionGivenBackIsAnothers(t *testing.T) {
	c := newEngine(t).client(t, 0)
	req, err := hello{}.Request(0)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	first := c.prepare(t.Context(), req, "first")
	o, rec := first.observer(), first.record(begin)
	if err := first.once(t.Context(), o, rec, begin); err != nil {
		t.Fatal(err)
	}
	over := time.Since(begin)
	if second := c.prepare(t.Context(), req, "second").do(t.Context(), time.Now()); second.Outcome != record.Complete || second.Connect.Ok() {
		t.Fatalf("the second is %s, its connection a new one: %v", second.Outcome, second.Connect.Ok())
	}
	first.end(t.Context(), o, rec, nil, begin)
	if end := rec.End.Or(0); end == 0 || end > over {
		t.Errorf("the first ended after %v, the second's time and not its own, which was below %v", end, over)
	}
}
