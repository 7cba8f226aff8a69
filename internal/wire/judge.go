package wire

import "tokenomics/internal/record"

// end writes what the stream came to into r.
func (s *stream) end(how record.Outcome, r *record.Record) {
	r.Events, r.CoalescedReads = int(s.events), int(s.coalesced)
	r.ResponseModel = s.model
	r.FirstToken, r.FirstOutput = s.firstToken.Offset(), s.firstOutput.Offset()
	if s.firstExact {
		r.FirstTokens = record.Some(s.firstTokens)
	}
	for i := range s.choices {
		c := &s.choices[i]
		if last := c.lastToken.Offset(); last.Ok() && last.Or(0) >= r.LastToken.Or(0) {
			r.LastToken = last
		}
		r.FinishReasons = append(r.FinishReasons, c.finish)
		r.Choices = append(r.Choices, c.record())
	}
	r.Usage = s.usage()
	s.reconcile(r)
	if s.rhythm != nil {
		s.rhythm.write(r, s.counted)
	}
	if len(s.choices) <= 1 && s.cfg.Query.Choices() == 1 {
		r.Engine = s.said().took // else it is of one choice alone
	}
	r.Buffered = buffered(r.Usage.Completion.Or(s.streamed()), int64(s.instants))
	if s.unread > 0 {
		r.Warn("events that are not JSON were not measured")
	}
	if s.said().final.Cached.Ok() && !s.added && !s.marked && s.cfg.Query.Prompts > 1 {
		r.Warn(cachedOfFirst)
	}
	if s.disagrees(r.Usage) {
		r.Warn(UsageDisagrees)
	}
	if s.provisional {
		r.Warn("prompt_tokens is what the stream's start told: some servers guess there")
	}
	s.judge(how, r)
}

// cachedOfFirst: vLLM does not add up the cached tokens of a batch (WIRE.md 3.2);
// SGLang and llama.cpp do.
const cachedOfFirst = "cached_tokens may be those of the batch's first prompt alone"

// UsageDisagrees is the warning on a stream whose usage can't be of its events:
// far more events brought tokens than tokens are told of, or none brought any of
// the many that are. Fewer events than tokens are as they should be: engines send
// several tokens at once. Some more are, too: one token may show in two events.
const UsageDisagrees = "usage disagrees with the stream's events"

// disagrees says so.
func (s *stream) disagrees(u record.Usage) bool {
	n, ok := u.Completion.Get()
	if !ok || u.Source != record.SourceUsage {
		return false
	}
	events := int64(s.tokenEvents)
	return events > n+max(8, n/4) || events == 0 && n >= 8 && s.said().failed == nil
}

// reconcile holds the choices to the usage that stands for all of them. A token
// that no event tells is in the latter alone (SGLang's end of text, WIRE.md 5.3),
// and of several choices nobody knows whose it is.
func (s *stream) reconcile(r *record.Record) {
	total, sum := s.said().final.Completion, int64(0)
	for _, c := range r.Choices {
		n, ok := c.Completion.Get()
		if !ok {
			return
		}
		sum += n
	}
	if !total.Ok() || total.Or(0) == sum {
		return
	}
	only := record.Count{}
	if len(r.Choices) == 1 {
		only = total
	}
	for i := range r.Choices {
		r.Choices[i].Completion = only
	}
}

// usage is the best that is known: the final usage, else the engine's running
// counts, else the sum over the events (WIRE.md 11).
func (s *stream) usage() record.Usage {
	said := s.said()
	u, told := said.final, valueAt(said.told)
	u.Prompt = firstOf(u.Prompt, told.Prompt, s.perPrompt(func(u record.Usage) record.Count { return u.Prompt }))
	u.Cached = firstOf(u.Cached, told.Cached, s.perPrompt(func(u record.Usage) record.Count { return u.Cached }))
	if u.Completion.Ok() {
		return u
	}
	u.Reasoning = firstOf(told.Reasoning, s.perChoice(func(u record.Usage) record.Count { return u.Reasoning }))
	total, exact := int64(0), s.tokenEvents > 0 || len(s.choices) > 0
	for i := range s.choices {
		c := &s.choices[i]
		known := c.record().Completion
		exact = exact && known.Ok()
		total += known.Or(c.total)
	}
	switch {
	case exact && s.perEvent != "":
		u.Completion, u.Source = record.Some(total), s.perEvent
	case s.tokenEvents > 0:
		u.Completion, u.Source = record.Some(total), record.SourceEvents
	default:
		u.Source = record.SourceNone
	}
	return u
}

// firstOf is the first count that is known.
func firstOf(counts ...record.Count) record.Count {
	for _, c := range counts {
		if c.Ok() {
			return c
		}
	}
	return record.Count{}
}

// buffered says that a stream's tokens came in so few instants that the times
// between them say nothing of decoding: all in one or two reads, or dozens a
// read. Engines with speculative decoding or a stream interval send up to
// about twenty at once, which is still a stream.
func buffered(tokens, instants int64) bool {
	return tokens >= 8 && (instants <= 2 || instants*32 < tokens)
}

// judge decides the outcome. A stream is complete only when every choice had a
// finish_reason and the terminator came, where its dialect has one. Once both
// are there, who closed first is of no matter: many clients close as soon as
// they read [DONE].
func (s *stream) judge(how record.Outcome, r *record.Record) {
	finished, aborted := len(s.choices) > 0, false
	for i := range s.choices {
		c := &s.choices[i]
		finished = finished && (c.finished || s.done && s.silentFinish())
		aborted = aborted || c.finish == "abort"
	}
	asked, terminator := min(s.cfg.Query.Choices(), maxChoices), s.terminator()
	over := finished && (s.done || terminator == "" && (how == record.Complete || len(s.choices) >= asked))
	switch {
	case s.said().failed != nil:
		s.words.failed.write(r, s.cfg.ErrorText)
		r.Outcome = record.Error
	case how != record.Complete && !over:
		r.Outcome = how
	case aborted:
		r.Outcome = record.EngineAbort
	case over:
		r.Outcome = record.Complete
		if len(s.choices) < asked {
			r.Warn("fewer choices than were asked for") // Ollama and TGI ignore n
		}
	case terminator != "" && !s.done:
		r.Outcome, r.Error, r.ErrorType = record.Truncated, "the stream ended without "+terminator, "no_terminator"
	default:
		r.Outcome, r.Error, r.ErrorType = record.Truncated, "the stream ended before every choice had a finish_reason", "no_finish_reason"
	}
}

// silentFinish says whether a choice may end without a word: vLLM's generate
// sends no event for a finish that brings no ids (WIRE.md 3.4).
func (s *stream) silentFinish() bool {
	return s.grammar != nil && s.grammar.dialect() == dialectVLLMGenerate
}

// terminator is what ends a stream of this dialect, "" where its last finish
// does.
func (s *stream) terminator() string {
	g := s.grammar
	if g == nil {
		g = newGrammar(s.cfg.Query.Dialect)
	}
	return g.terminator()
}
