package record

import "time"

// The figures derived from a Record, each as METRICS.md defines it. A figure
// whose parts are not all known is absent.

// TTFT is FirstToken - Sent; absent for answers that are not streamed.
func (r *Record) TTFT() (time.Duration, bool) {
	if !r.Stream {
		return 0, false
	}
	return since(r.Sent, r.FirstToken)
}

// TTFO is FirstOutput - Sent: the first visible content, after reasoning.
func (r *Record) TTFO() (time.Duration, bool) {
	if !r.Stream {
		return 0, false
	}
	return since(r.Sent, r.FirstOutput)
}

// TTFB is Headers - Sent. It is not TTFT: engines send their headers anywhere
// between queueing and the first token.
func (r *Record) TTFB() (time.Duration, bool) { return since(r.Sent, r.Headers) }

// E2E is LastToken - Sent for a stream, End - Sent for an answer in one piece.
func (r *Record) E2E() (time.Duration, bool) {
	if r.Stream {
		return since(r.Sent, r.LastToken)
	}
	return since(r.Sent, r.End)
}

// TTFTSched is FirstToken - Scheduled, for open loops: a wait in front of the
// client is the user's wait too.
func (r *Record) TTFTSched() (time.Duration, bool) {
	if !r.Stream {
		return 0, false
	}
	return since(r.Scheduled, r.FirstToken)
}

// TTFOSched is FirstOutput - Scheduled.
func (r *Record) TTFOSched() (time.Duration, bool) {
	if !r.Stream {
		return 0, false
	}
	return since(r.Scheduled, r.FirstOutput)
}

// E2ESched is E2E from Scheduled.
func (r *Record) E2ESched() (time.Duration, bool) {
	if r.Stream {
		return since(r.Scheduled, r.LastToken)
	}
	return since(r.Scheduled, r.End)
}

// Duration is End - Sent, and End - Start for a request that was never sent.
func (r *Record) Duration() (time.Duration, bool) {
	if !r.Sent.ok {
		return since(Some(time.Duration(0)), r.End)
	}
	return since(r.Sent, r.End)
}

// ClientQueue is Sent - Scheduled: how late the load generator was.
func (r *Record) ClientQueue() (time.Duration, bool) { return since(r.Scheduled, r.Sent) }

// TPOTBasis says how far TPOT can be trusted: "exact" where the tokens of the
// first event were counted, "assumed" where they were taken as 1.
func (r *Record) TPOTBasis() string {
	if r.FirstTokens.ok {
		return "exact"
	}
	return "assumed"
}

// decode is the span and the tokens of the decode phase.
func (r *Record) decode() (span time.Duration, tokens int64, ok bool) {
	n, known := r.Usage.Completion.Get()
	if !r.Stream || !known || r.Buffered || !r.oneTimeline() {
		return 0, 0, false
	}
	tokens = n - r.FirstTokens.Or(1)
	span, ok = since(r.FirstToken, r.LastToken)
	return span, tokens, ok && tokens > 0
}

// oneTimeline says whether the request's tokens were made one after another,
// so that dividing a span by them means something.
func (r *Record) oneTimeline() bool { return len(r.Choices) <= 1 && r.N <= 1 }

// TPOT is (LastToken - FirstToken) / (N - n_first).
func (r *Record) TPOT() (time.Duration, bool) {
	span, tokens, ok := r.decode()
	if !ok || span <= 0 { // one arrival has no pace
		return 0, false
	}
	return span / time.Duration(tokens), true
}

// OutputTokensPerSecond is N / E2E: the user's headline.
func (r *Record) OutputTokensPerSecond() (float64, bool) {
	n, known := r.Usage.Completion.Get()
	d, ok := r.E2E()
	if !known || !ok || d <= 0 || n < 0 {
		return 0, false
	}
	return float64(n) / d.Seconds(), true
}

// DecodeTokensPerSecond is (N - n_first) / (LastToken - FirstToken).
func (r *Record) DecodeTokensPerSecond() (float64, bool) {
	span, tokens, ok := r.decode()
	if !ok || span <= 0 {
		return 0, false
	}
	return float64(tokens) / span.Seconds(), true
}
