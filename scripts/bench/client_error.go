package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// truth is what the simulator's log says of one request.
type truth struct {
	RequestID string `json:"request_id"`
	Received  int64  `json:"received_unix_ns"`
	End       int64  `json:"end_ns"`
	Outcome   string `json:"outcome"`
	Events    []struct {
		At   int64  `json:"at_ns"`
		Kind string `json:"kind"`
	} `json:"events"`
}

// measured is what a client says of one request, in milliseconds: the time to
// its first event, and the gaps between events.
type measured struct {
	ttft float64
	gaps []float64
}

// comparison is a client's results beside the truth.
type comparison struct {
	from, to        int64 // of the traffic, unix ns
	events          int   // that the simulator wrote
	lost            int   // requests that the client did not see as they were
	ttft, gapErrors []float64
	gaps, trueGaps  []float64
}

// report prints a line of the comparison, and of what it cost.
func report(o options) error {
	c, err := compared(o)
	if err != nil {
		return err
	}
	cpu, err := readUsage(o.cpu)
	if err != nil {
		return err
	}
	used := between(cpu, c.from, c.to)
	wall := float64(used.at) / 1e9
	fmt.Printf("client c=%-5d %-11s events=%d cpu-s=%.2f events/cpu-s=%6.0f share=%5.1f%% server=%5.1f%% ttft-error p50=%+.3fms p99=%+.3fms gap-error p99=%.3fms gap p99=%.2fms true=%.2fms errors=%d\n",
		o.conns, o.name, c.events, used.client, float64(c.events)/used.client, 100*used.client/wall, 100*used.server/wall,
		quantile(c.ttft, 0.5), quantile(c.ttft, 0.99), quantile(c.gapErrors, 0.99), quantile(c.gaps, 0.99), quantile(c.trueGaps, 0.99), c.lost)
	return nil
}

// compared joins what the client says of each request to the truth of it.
func compared(o options) (c comparison, err error) {
	var truths []truth
	if err := eachLine(o.truth, func(t truth) { truths = append(truths, t) }); err != nil {
		return c, err
	}
	slices.SortFunc(truths, func(a, b truth) int { return cmp.Compare(a.Received, b.Received) })
	truths = truths[max(0, len(truths)-o.requests):] // a client may try the server out first
	read, kinds := vllmResults, []string{"role", "token"}
	if o.name != "vllm" {
		read, kinds = ourResults, []string{"token"}
	}
	said, err := read(o.result)
	if err != nil {
		return c, err
	}
	c.from, c.lost = math.MaxInt64, o.requests-len(truths)
	for _, t := range truths {
		c.from, c.to = min(c.from, t.Received), max(c.to, t.Received+t.End)
		c.events += len(t.Events)
		at := t.times(kinds)
		m, ok := said[t.RequestID]
		if !ok || t.Outcome != "complete" || len(at) == 0 || len(m.gaps) != len(at)-1 {
			c.lost++
			continue
		}
		c.ttft = append(c.ttft, m.ttft-at[0])
		for i, gap := range m.gaps {
			is := at[i+1] - at[i]
			c.gaps, c.trueGaps, c.gapErrors = append(c.gaps, gap), append(c.trueGaps, is), append(c.gapErrors, math.Abs(gap-is))
		}
	}
	return c, nil
}

// times are those of the events that a client takes for tokens, in ms.
func (t truth) times(kinds []string) (at []float64) {
	for _, e := range t.Events {
		if slices.Contains(kinds, e.Kind) {
			at = append(at, float64(e.At)/1e6)
		}
	}
	return at
}

// ourResults reads what loadgen --timeline --requests-file wrote.
func ourResults(file string) (map[string]measured, error) {
	out := map[string]measured{}
	type line struct {
		ID   string    `json:"request_id"`
		TTFT float64   `json:"ttft_ms"`
		At   []float64 `json:"event_ms"`
	}
	return out, eachLine(file, func(l line) {
		m := measured{ttft: l.TTFT}
		for i := 1; i < len(l.At); i++ {
			m.gaps = append(m.gaps, l.At[i]-l.At[i-1])
		}
		out[l.ID] = m
	})
}

// vllmIDs begins the ids of vllm bench serve's requests: its results have none,
// but are in the order of their numbers.
const vllmIDs = "vllm-"

// vllmResults reads what vllm bench serve --save-detailed wrote, in seconds.
func vllmResults(file string) (map[string]measured, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r struct {
		TTFTs []float64   `json:"ttfts"`
		ITLs  [][]float64 `json:"itls"`
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	out := map[string]measured{}
	for i, ttft := range r.TTFTs {
		m := measured{ttft: ttft * 1e3}
		for _, gap := range r.ITLs[i] {
			m.gaps = append(m.gaps, gap*1e3)
		}
		out[fmt.Sprintf("%s%d", vllmIDs, i)] = m
	}
	return out, nil
}

// eachLine reads a file of JSON lines.
func eachLine[T any](file string, do func(T)) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for text := range strings.Lines(string(b)) {
		var v T
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		do(v)
	}
	return nil
}

// quantile is the sample of nearest rank, not a number where there is none.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return v[max(0, int(math.Ceil(q*float64(len(v))))-1)]
}
