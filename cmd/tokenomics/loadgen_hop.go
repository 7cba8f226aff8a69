package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/loadgen"
	"tokenomics/loadgen/hop"
)

// hops is a proxy's Records beside ours; nil where there is no proxy that we
// know of.
type hops struct {
	join  *hop.Join
	ours  record.Sink
	lines *hop.Lines // of another process's proxy; nil for that in ours
}

// hops begins to join the requests of a sweep.
func (p *loadgenPlan) hops(sweep string) (*hops, error) {
	if !p.viaProxy && p.proxyRecords == "" {
		return nil, nil
	}
	h := &hops{join: hop.New(func(id string) (string, bool) { return loadgen.PointOf(sweep, id) })}
	h.ours = h.join.Client()
	if p.viaProxy {
		return h, nil
	}
	var err error
	if h.lines, err = hop.OpenLines(p.proxyRecords); err != nil {
		return nil, usageError(fmt.Errorf("--proxy-records: %w", err))
	}
	return h, nil
}

// theirs is the sink for the Records of the proxy in this process.
func (h *hops) theirs() record.Sink {
	if h == nil || h.lines != nil {
		return nil
	}
	return h.join.Proxy()
}

// observe takes one of our Records.
func (h *hops) observe(r *record.Record) {
	if h != nil {
		h.ours.Observe(r)
	}
}

// A proxy writes a request's line some milliseconds after its end.
const (
	linesPatience = 2 * time.Second
	linesPause    = 50 * time.Millisecond
)

// gather reads what the proxy has logged, until nothing is missing or it has had
// its time, or ctx ends.
func (h *hops) gather(ctx context.Context) error {
	if h == nil || h.lines == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, linesPatience)
	defer cancel()
	for {
		if err := h.lines.ReadInto(h.join); err != nil {
			return fmt.Errorf("--proxy-records: %w", err)
		}
		if h.join.Waiting() == 0 {
			return nil
		}
		select {
		case <-time.After(linesPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// of is what a point came to; nil where there is nothing to say.
func (h *hops) of(point string) *results.Hop {
	if h == nil {
		return nil
	}
	return h.join.Of(point)
}

// showHops says in a line for each point where the time went.
func (s *loadgenSession) showHops(w io.Writer, measured []results.Measured) {
	for _, m := range measured {
		if h := s.hops.of(m.Name); h != nil {
			fmt.Fprintf(w, "\n%s %s: %s\n", s.what(), m.Name, describeHop(h))
		}
	}
}

// describeHop is h in words.
func describeHop(h *results.Hop) string {
	var b strings.Builder
	engine, ok := h.EngineE2E.Get()
	if !ok {
		fmt.Fprintf(&b, "no request of ours is among the proxy's records")
	} else {
		ours, way := h.Client.Or(0), h.HopE2E.Or(0)
		fmt.Fprintf(&b, "of %.1f ms to the last token %.2f were ours, %.2f the hop's", ours+way+engine, ours, way)
		if code, ok := h.Proxy.Get(); ok {
			fmt.Fprintf(&b, " (%.2f in the proxy's code, %.2f unattributed)", code, h.Unattributed.Or(0))
		}
		fmt.Fprintf(&b, " and %.1f the engine's", engine)
		if ttft, ok := h.EngineTTFT.Get(); ok {
			fmt.Fprintf(&b, "; of TTFT %.2f the hop's and %.1f the engine's", h.HopTTFT.Or(0), ttft)
		}
	}
	fmt.Fprintf(&b, " (%s joined", requestCount(h.Joined))
	if h.ClientOnly > 0 {
		fmt.Fprintf(&b, ", %d without the proxy's record", h.ClientOnly)
	}
	if h.ProxyOnly > 0 {
		fmt.Fprintf(&b, ", %d without ours", h.ProxyOnly)
	}
	return b.String() + ")"
}
