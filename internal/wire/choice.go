package wire

import (
	"slices"

	"tokenomics/internal/record"
)

// maxChoices bounds the timelines of one answer. Engines cap n far below it.
const maxChoices = 1024

// choice is the timeline of one choice while it runs.
type choice struct {
	index      int
	first      record.Offset
	lastEvent  record.Offset
	lastToken  record.Offset
	finish     string
	finished   bool
	cumulative int64        // the engine's running count, where it tells one
	total      int64        // sum of the tokens of its events
	exact      bool         // all of them were exact
	events     int          // token events
	told       record.Usage // what its events tell of its prompt and its reasoning
}

// choiceOf is the timeline of a choice; nil when there are too many.
func (s *stream) choiceOf(index int) *choice {
	if index < len(s.choices) && s.choices[index].index == index {
		return s.choices[index]
	}
	at, found := slices.BinarySearchFunc(s.choices, index, func(c *choice, i int) int { return c.index - i })
	if found {
		return s.choices[at]
	}
	if len(s.choices) >= maxChoices {
		return nil
	}
	c := &choice{index: index, exact: true}
	s.choices = slices.Insert(s.choices, at, c)
	return c
}

// hear keeps what an ordinary event tells of the choice's prompt, and of its
// reasoning so far.
func (c *choice) hear(u *record.Usage) {
	if u.Prompt.Or(0) == 0 {
		return // Ollama's completions show zeros until the end
	}
	c.told.Prompt = u.Prompt
	if u.Cached.Ok() {
		c.told.Cached = u.Cached
	}
	if u.Reasoning.Ok() {
		c.told.Reasoning = u.Reasoning
	}
}

func (c *choice) record() record.Choice {
	out := record.Choice{Index: c.index, FirstToken: c.first, LastToken: c.lastToken, FinishReason: c.finish}
	switch {
	case c.cumulative > 0:
		out.Completion = record.Some(c.cumulative)
	case c.exact && c.total > 0:
		out.Completion = record.Some(c.total)
	}
	return out
}

// perPrompt sums what the choices tell of their prompts, each prompt once. It
// is absent where a prompt has told nothing, or where it is not known which
// choices share one.
func (s *stream) perPrompt(of func(*record.Usage) record.Count) record.Count {
	q := &s.cfg.Query
	if len(s.choices) > 1 && !q.read {
		return record.Count{}
	}
	sum, prompts, last := int64(0), 0, -1
	for _, c := range s.choices {
		prompt := c.index / max(1, q.N)
		n, ok := of(&c.told).Get()
		if !ok || prompt == last {
			continue
		}
		sum, prompts, last = sum+n, prompts+1, prompt
	}
	if prompts < q.Prompts {
		return record.Count{}
	}
	return record.Some(sum)
}

// perChoice sums what the choices tell of their own tokens; absent unless all
// do.
func (s *stream) perChoice(of func(*record.Usage) record.Count) record.Count {
	sum := int64(0)
	for _, c := range s.choices {
		n, ok := of(&c.told).Get()
		if !ok {
			return record.Count{}
		}
		sum += n
	}
	if len(s.choices) == 0 {
		return record.Count{}
	}
	return record.Some(sum)
}
