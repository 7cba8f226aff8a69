package stats

import (
	"maps"
	"time"

	"tokenomics/internal/record"
)

// Summary is what a Window comes to. Tokens are those of requests that
// succeeded; times are in milliseconds and rates in tokens per second.
type Summary struct {
	Requests   int // all that were issued
	Succeeded  int
	Failed     int // neither succeeded nor stopped by the tool's user
	Aborted    int // stopped by the tool's user, or broken off by the tool
	BrokenOff  int // of them, by the tool, because they still ran when the run's time was over
	Outcomes   map[record.Outcome]int
	FirstError string // of the failed request that ended first
	Retries    int

	InputTokens     record.Count
	OutputTokens    record.Count
	CachedTokens    record.Count
	ReasoningTokens record.Count
	FailedOutput    record.Count // what failed and aborted requests still generated, in no other figure
	TokenSources    map[record.TokenSource]int
	Untold          int // successes whose output tokens nobody told; they are missing in sums and rates

	AvgInput  record.Opt[float64] // tokens per request
	AvgOutput record.Opt[float64]

	Span        record.Opt[time.Duration] // last LastToken - first Sent; of pooled runs the sum
	OutputTokS  record.Opt[float64]       // system: ratio of sums over Span
	InputTokS   record.Opt[float64]
	RequestsPS  record.Opt[float64] // successes per second of Span
	RequestTokS *Quantiles          // output_tok_s of each request
	DecodeTokS  *Quantiles          // decode_tok_s of each request

	TotalTokS  record.Opt[float64] // input and output
	SteadyTokS record.Opt[float64] // output, while the target was in flight; see steady
	MaxTokS    record.Opt[float64] // most output tokens that arrived in one second
	GoodputRPS record.Opt[float64] // good requests per second of Span
	GoodRatio  record.Opt[float64] // good requests of those that are Issued
	Unjudged   int                 // successes that the SLO can't be held to: they are not good

	PeakInFlight int // most requests in flight, 0 where nothing was sent
	NoFirstToken int // streams that never got a token: beside TTFT, which can't show them
	Buffered     int // streams left out of the decode figures

	TTFT, TTFO, TPOT, Gap, ITL, E2E, ClientQueue *Quantiles
	TTFTSched, TTFOSched, E2ESched               *Quantiles // of an open loop, from the moment a request was due
	EngineTimes
}

// Summary is the figures of all that was observed.
func (w *Window) Summary() Summary {
	s := Summary{
		Outcomes: maps.Clone(w.outcomes), FirstError: w.firstError, Retries: w.retries,
		InputTokens: w.tokens.prompt.count(), OutputTokens: w.tokens.completion.count(),
		CachedTokens: w.tokens.cached.count(), ReasoningTokens: w.tokens.reasoning.count(),
		FailedOutput: w.failedOutput.count(), TokenSources: maps.Clone(w.sources),
		AvgInput: w.tokens.prompt.mean(), AvgOutput: w.tokens.completion.mean(),
		RequestTokS: QuantilesOf(&w.outputRate), DecodeTokS: QuantilesOf(&w.decodeRate),
		NoFirstToken: w.noToken, Buffered: w.buffered, BrokenOff: w.brokenOff,
		TTFT: QuantilesOf(&w.ttft), TTFO: QuantilesOf(&w.ttfo), TPOT: QuantilesOf(&w.tpot),
		Gap: QuantilesOf(&w.gaps), ITL: QuantilesOf(&w.itl), E2E: QuantilesOf(&w.e2e), ClientQueue: QuantilesOf(&w.queue),
		TTFTSched: QuantilesOf(&w.ttftSched), TTFOSched: QuantilesOf(&w.ttfoSched), E2ESched: QuantilesOf(&w.e2eSched),
		EngineTimes: w.engine.summary(), PeakInFlight: w.peakInFlight(), SteadyTokS: w.steadyTokS(), Unjudged: w.unjudged,
	}
	for outcome, n := range w.outcomes {
		s.Requests += n
		switch outcome {
		case record.Complete:
			s.Succeeded += n
		case record.ClientAbort:
			s.Aborted += n
		default:
			s.Failed += n
		}
	}
	s.Untold = s.Succeeded - w.tokens.completion.n - w.mute
	w.rates(&s)
	w.goodput(&s)
	return s
}

// Issued is what shares of requests are of: all that were issued, but those that
// the tool's user stopped. What the tool broke off is among them: it was too slow.
func (s *Summary) Issued() int { return s.Requests - s.Aborted + s.BrokenOff }

// rates are what came per second of the span.
func (w *Window) rates(s *Summary) {
	if most := w.maxTokensPerSecond(); most > 0 {
		s.MaxTokS = record.Some(most)
	}
	span := w.span()
	if span <= 0 {
		return
	}
	s.Span = record.Some(span)
	s.RequestsPS = record.Some(float64(s.Succeeded) / span.Seconds())
	in, out := w.tokens.prompt, w.tokens.completion
	if out.n > 0 {
		s.OutputTokS = record.Some(float64(out.sum) / span.Seconds())
	}
	if in.n > 0 {
		s.InputTokS = record.Some(float64(in.sum) / span.Seconds())
	}
	if in.n > 0 && out.n > 0 {
		s.TotalTokS = record.Some(float64(in.sum+out.sum) / span.Seconds())
	}
}

// goodput is absent without an SLO, and where no success can be judged by it.
func (w *Window) goodput(s *Summary) {
	if w.SLO == (SLO{}) || w.unjudged > 0 && w.unjudged == s.Succeeded {
		return
	}
	s.GoodRatio = ratio(float64(w.good), float64(s.Issued()))
	if span := w.span(); span > 0 {
		s.GoodputRPS = record.Some(float64(w.good) / span.Seconds())
	}
}
