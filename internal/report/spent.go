package report

import (
	"fmt"
	"strings"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

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
	By    teller
	Of    string // how many requests it is of, where the engine told of each
}

// teller is who says what happened inside the engine.
type teller int

const (
	nobody  teller = iota // it is what can be seen from outside
	metrics               // its metrics, over all its clients
	answers               // each answer, of its own request
)

// Names of the parts, in the order a request goes through them.
const (
	partClient  = "client queue"
	partLoad    = "engine load or queue" // Ollama does not tell them apart
	partQueue   = "engine queue"
	partPrefill = "prefill"
	partDecode  = "decode"
	partCompute = "prefill and decode"
	partEngine  = "rest of the engine"
	partHop     = "hop"
	partOther   = "network and rest"
	partQueued  = "queue, network and rest" // of an engine that does not tell how long requests waited
	partToFirst = "to first token"
	partToLast  = "first to last token"
	partWhole   = "whole answer"
)

// partClasses give each part its colour in the page.
var partClasses = map[string]string{
	partClient: "client", partLoad: "load", partQueue: "queue", partPrefill: "prefill", partDecode: "decode", partCompute: "decode",
	partEngine: "other", partOther: "rest", partQueued: "rest", partHop: "hop",
	partToFirst: "prefill", partToLast: "decode", partWhole: "decode",
}

// noticeableMS is below what is shown: a part that rounds to nothing is none.
const noticeableMS = 0.0005

func (s *spent) add(name string, ms float64) {
	if ms > noticeableMS {
		s.Parts = append(s.Parts, part{Name: name, MS: ms})
		s.Total += ms
	}
}

// spentAt splits a point's mean time. What answers tell of their own requests
// comes before the engine's metrics, which are means over all its clients.
// Beyond what the engine counts there is the network, HTTP and the rest. Where it
// tells nothing, TTFT stands for all that came before the first token.
func spentAt(p *results.Point) spent {
	var s spent
	if p.E2E == nil {
		return s
	}
	if p.ClientQueue != nil {
		s.add(partClient, p.ClientQueue.Mean)
	}
	switch e := p.EngineSide; {
	case p.EngineTime != nil && p.OutsideEngine != nil && (p.EngineCompute != nil || p.EnginePrefill != nil && p.EngineDecode != nil):
		s.toldByAnswers(p)
	case e != nil && e.Prefill.Ok() && e.Decode.Ok():
		s.By = metrics
		queue, prefill, decode, hop := e.Queue.Or(0), e.Prefill.Or(0), e.Decode.Or(0), hopOf(p)
		s.add(partQueue, queue)
		s.add(partPrefill, prefill)
		s.add(partDecode, decode)
		s.add(partHop, hop)
		s.add(partOther, p.E2E.Mean-queue-prefill-decode-hop)
	case p.TTFT == nil:
		s.add(partWhole, p.E2E.Mean)
	default:
		hop := min(hopOf(p), p.TTFT.Mean) // it is passed on the way to the first token
		s.add(partHop, hop)
		s.add(partToFirst, p.TTFT.Mean-hop)
		s.add(partToLast, p.E2E.Mean-p.TTFT.Mean)
	}
	return s
}

// toldByAnswers takes the requests whose answers account for them. A part that
// only some of them told of is spread over all, and what the others did not tell
// is in the engine's rest: nothing is made up for them.
func (s *spent) toldByAnswers(p *results.Point) {
	s.By = answers
	n := p.EngineTime.N
	s.Of = fmt.Sprintf("%.0f of %d requests", n, p.Succeeded)
	engine := p.EngineTime.Mean
	for _, t := range []struct {
		name string
		of   *stats.Quantiles
	}{
		{partLoad, p.EngineLoad}, {partQueue, p.EngineQueue}, {partPrefill, p.EnginePrefill}, {partDecode, p.EngineDecode}, {partCompute, p.EngineCompute},
	} {
		if t.of != nil {
			ms := t.of.Mean * t.of.N / n
			s.add(t.name, ms)
			engine -= ms
		}
	}
	s.add(partEngine, engine)
	hop := min(hopOf(p), p.OutsideEngine.Mean)
	s.add(partHop, hop)
	rest := partOther
	if p.EngineQueue == nil && p.EngineLoad == nil {
		rest = partQueued
	}
	s.add(rest, p.OutsideEngine.Mean-hop)
}

// SpentLine says in a line where the mean request's time went at a point, ""
// where the engine told nothing of it.
func SpentLine(p *results.Point) string {
	s := spentAt(p)
	var parts []string
	for _, part := range s.Parts {
		parts = append(parts, fmt.Sprintf("%s %s", part.Name, number(part.MS, true)))
	}
	split := fmt.Sprintf("where the mean request's %s ms went: %s", number(s.Total, true), strings.Join(parts, ", "))
	switch s.By {
	case answers:
		return split + " (as the engine's answers tell, " + s.Of + ")"
	case metrics:
		return split + " (by the engine's metrics, over all its clients)"
	}
	return ""
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

// spentNotes say who told what is in the bars.
func spentNotes(all []spent) (notes []string) {
	by := map[teller]bool{}
	for _, s := range all {
		by[s.By] = true
	}
	for _, n := range []struct {
		by   teller
		text string
	}{
		{answers, "As told by the engine in each answer, a mean over the requests whose answers do; what it does not tell of is in the rest, with the network and HTTP."},
		{metrics, "Queue, prefill and decode are the engine's own account, a mean over all its clients; the rest of what the client saw is network, HTTP and what stays unattributed."},
		{nobody, "As seen from outside: the engine told nothing of its queue, prefill and decode."},
	} {
		if by[n.by] {
			notes = append(notes, n.text)
		}
	}
	return notes
}
