package sim

// bookBody notes a whole body.
func (x *exchange) bookBody(p *plan, size int) {
	t := &x.truth
	t.Events = append(t.Events, TruthEvent{AtNS: x.since(x.s.now()), Kind: EventBody, Tokens: p.completionTokens(), Bytes: size})
	t.CompletionTokens, t.ReasoningTokens = p.completionTokens(), p.reasoningTokens()
	for i := range p.choices {
		t.Choices[i].CompletionTokens, t.Choices[i].FinishReason = len(p.choices[i].tokens), p.choices[i].finish
	}
}

// bookTimes notes how long the engine took for the first choice.
func (x *exchange) bookTimes(p *plan) {
	if len(p.choices) == 0 || p.req.load {
		return
	}
	prefill, decode := p.choices[0].phases(p.times)
	x.truth.PrefillNS, x.truth.DecodeNS = int64(prefill), int64(decode)
}

// bookStop notes that the engine was told to stop.
func (x *exchange) bookStop() {
	x.truth.StoppedNS = x.since(x.s.now())
	x.s.aborted.Add(1)
	x.stop = nil // once is enough; what is left to say is said
}

// bookGone notes when the client left, or that it was us who did.
func (x *exchange) bookGone() {
	select {
	case <-x.s.dying:
		x.truth.Outcome = TruthStopped
		return
	default:
	}
	at := x.s.now() // a write failed before the watcher saw anything
	if x.w.left() {
		at = x.w.at
	}
	x.truth.ClientGoneNS = x.since(at)
}

// keepBooks completes the truth of the request and writes it down.
func (x *exchange) keepBooks() {
	t := &x.truth
	if t.Outcome == TruthClientGone {
		x.bookGone()
	}
	if t.RequestID == "" {
		t.RequestID = t.ResponseID
	}
	t.EndNS = x.since(x.s.now())
	x.s.truth.write(t)
}
