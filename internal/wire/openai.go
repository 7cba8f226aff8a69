package wire

import (
	"time"

	"tokenomics/internal/record"
)

// openAI reads OpenAI's event streams: chat and completions of every engine
// (WIRE.md 2), and vLLM's generate, which has ids in the place of text.
type openAI struct {
	layout layout // of the text events so far
	marks  marks
	usage  usagePlace // of the last event, where it was read again
	ids    bool       // it is vLLM's generate
	again  bool       // the last event was read by the layout of an earlier one
}

var _ grammar = (*openAI)(nil)

func (g *openAI) dialect() string {
	if g.ids {
		return dialectVLLMGenerate
	}
	return dialectOpenAI
}

func (g *openAI) terminator() string { return "[DONE]" }

func (g *openAI) event(s *stream, at time.Duration, name, data []byte) bool {
	if g.again = g.layout.fits(data) && g.repeat(s, at, data); g.again {
		return true
	}
	c := chunks.Get().(*chunk)
	ok := g.chunk(s, at, data, c)
	c.free()
	return ok
}

// repeat reads an event by the layout of an earlier one, if it can.
func (g *openAI) repeat(s *stream, at time.Duration, data []byte) bool {
	var (
		e    delta
		told counts
	)
	if !g.layout.read(data, &e, &told, &g.usage) {
		return false
	}
	g.choice(s, at, &e, &told)
	return true
}

// chunk reads an event of no known layout.
func (g *openAI) chunk(s *stream, at time.Duration, data []byte, c *chunk) bool {
	if !c.read(data) {
		return false
	}
	if c.flat { // SGLang, and vLLM of old
		c.failed = data
	}
	if c.failed != nil {
		s.fail(readError(c.failed))
		return true
	}
	s.seeID(c.id)
	s.named(c.model)
	if c.hasTiming {
		c.usage.Prompt, c.usage.Cached = firstOf(c.usage.Prompt, c.timings.prompt()), firstOf(c.usage.Cached, c.timings.cached)
	}
	before := s.finishes
	if len(c.choices) > 0 {
		g.layout.learn(data, c)
		for i := range c.choices {
			g.choice(s, at, &c.choices[i], &c.counts)
		}
		g.marks.see(c.print, s.finishes > before)
		if s.finishes > before {
			s.account(took(c.took))
		}
		return true
	}
	s.account(took(c.took))
	if c.hasUsage {
		g.marks.seeUsage(c.print)
	}
	// llama.cpp sends a usage event for each choice, which add up; elsewhere
	// there is one, or the last counts.
	s.finalUsage(&c.usage, c.hasTiming)
	return true
}

// finalUsage takes usage that stands for the whole answer, or, where it adds,
// for one choice of it.
func (s *stream) finalUsage(u *record.Usage, adds bool) {
	switch {
	case u.Source == "":
	case s.said().final.Source == "" || !adds:
		s.setFinal(*u)
	default:
		s.added = true
		final := &s.words.final
		final.Completion = sum(final.Completion, u.Completion)
		if s.cfg.Query.Prompts > 1 {
			final.Prompt, final.Cached = sum(final.Prompt, u.Prompt), sum(final.Cached, u.Cached)
		}
		final.Reasoning, final.Source = u.Reasoning, u.Source
	}
}

// choice measures one choice of an event.
func (g *openAI) choice(s *stream, at time.Duration, e *delta, in *counts) {
	c := s.choiceOf(e.index)
	if c == nil {
		return
	}
	if in.hasUsage || in.hasTiming {
		c.hear(&in.usage)
	}
	if ids := max(e.promptIDs, in.promptIDs); ids > 0 && !c.told().Prompt.Ok() {
		c.hearing().Prompt = record.Some(ids)
	}
	s.marked = s.marked || e.matchedStop
	s.heldBack = s.heldBack || e.matchedStop && e.chat
	tokens, exact := s.tokens(c, e, in)
	if tokens > 0 {
		s.token(at, c, tokens, exact)
	}
	if e.visible {
		s.output(at)
	}
	if e.finish != "" {
		s.finish(at, c, e.finish)
	}
}

// tokens is how many tokens the event brought to its choice, and whether that
// is exact, in WIRE.md 11's order of trust.
func (s *stream) tokens(c *choice, e *delta, in *counts) (n int64, exact bool) {
	total, source := in.usage.Completion.Or(0), record.SourceContinuous
	if total == 0 && in.hasTiming {
		total, source = in.timings.predicted.Or(0), record.SourceEngineCounter
	}
	if total > 0 {
		if n, ok := s.running(c, total, e.finish != "", source); ok {
			return n, true
		}
		// As if it had come in a usage event (llama.cpp's completions).
		s.finalUsage(&in.usage, true)
	}
	switch {
	case e.tokenIDs > 0:
		s.trust(record.SourceTokenIDs)
		return e.tokenIDs, true
	case e.logprobs > 0 && !(s.cfg.Query.Echo && c.events == 0): // the first event of an echo has the prompt's too
		s.trust(record.SourceLogprobs)
		return e.logprobs, true
	case e.text:
		return 1, false
	}
	return 0, false
}
