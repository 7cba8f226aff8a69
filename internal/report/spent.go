package report

import "tokenomics/internal/results"

// part is one stretch of the mean request's time.
type part struct {
	Name string
	MS   float64
	Pct  float64 // of the longest bar of all
}

// spent is where the mean request's time went at a point.
type spent struct {
	Label string // of the point
	Parts []part
	Total float64
	Told  bool // by the engine; else it is what can be seen from outside
}

// Names of the parts, in the order a request goes through them.
const (
	partClient  = "client queue"
	partQueue   = "engine queue"
	partPrefill = "prefill"
	partDecode  = "decode"
	partHop     = "hop"
	partOther   = "network and rest"
	partToFirst = "to first token"
	partToLast  = "first to last token"
	partWhole   = "whole answer"
)

// partClasses give each part its colour in the page.
var partClasses = map[string]string{
	partClient: "client", partQueue: "queue", partPrefill: "prefill", partDecode: "decode", partOther: "rest", partHop: "hop",
	partToFirst: "prefill", partToLast: "decode", partWhole: "decode",
}

// noticeableMS is below what is shown: a part that rounds to nothing is none.
const noticeableMS = 0.0005

// spentAt splits a point's mean time. With the engine's own account it is the
// time in its queue, in prefill and in decode, and what the client saw beyond
// the engine's total: the network, HTTP and the rest. Without it TTFT stands
// for all that came before the first token.
func spentAt(p *results.Point) spent {
	var s spent
	add := func(name string, ms float64) {
		if ms > noticeableMS {
			s.Parts = append(s.Parts, part{Name: name, MS: ms})
			s.Total += ms
		}
	}
	if p.ClientQueue != nil {
		add(partClient, p.ClientQueue.Mean)
	}
	if p.E2E == nil {
		return spent{}
	}
	if e := p.EngineSide; e != nil && e.Prefill.Ok() && e.Decode.Ok() {
		s.Told = true
		queue, prefill, decode := e.Queue.Or(0), e.Prefill.Or(0), e.Decode.Or(0)
		add(partQueue, queue)
		add(partPrefill, prefill)
		add(partDecode, decode)
		hop := hopOf(p)
		add(partHop, hop)
		add(partOther, p.E2E.Mean-queue-prefill-decode-hop)
		return s
	}
	if p.TTFT == nil {
		add(partWhole, p.E2E.Mean)
		return s
	}
	hop := min(hopOf(p), p.TTFT.Mean) // it is passed on the way to the first token
	add(partHop, hop)
	add(partToFirst, p.TTFT.Mean-hop)
	add(partToLast, p.E2E.Mean-p.TTFT.Mean)
	return s
}

// hopOf is what a proxy in between added to the mean request, in ms; 0 where
// there was none.
func hopOf(p *results.Point) float64 {
	if p.Hop == nil {
		return 0
	}
	return max(0, p.Hop.HopE2E.Or(0))
}

// spentIn is spentAt over a file's points, the bars scaled to the longest.
func spentIn(points results.Points, a axis) []spent {
	var all []spent
	longest := 0.0
	for i := range points {
		if s := spentAt(&points[i]); s.Total > 0 {
			s.Label = a.at(&points[i])
			all = append(all, s)
			longest = max(longest, s.Total)
		}
	}
	for i := range all {
		for j := range all[i].Parts {
			all[i].Parts[j].Pct = share(all[i].Parts[j].MS, longest)
		}
	}
	return all
}
