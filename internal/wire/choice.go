package wire

import (
	"slices"
	"time"

	"tokenomics/internal/record"
)

// maxChoices bounds the timelines of one answer. Engines cap n far below it.
const maxChoices = 1024

// choice is the timeline of one choice while it runs.
type choice struct {
	index      int
	first      time.Duration // of its token events, where there are any
	last       time.Duration // and the last of them
	lastToken  record.Moment
	finish     string
	cumulative int64         // the engine's running count, where it tells one
	total      int64         // sum of the tokens of its events
	heard      *record.Usage // what its events tell of its prompt and its reasoning; nil = nothing yet
	events     int32         // token events
	exact      bool          // all of them were exact
	finished   bool
}

// told is what its events have told.
func (c *choice) told() record.Usage { return valueAt(c.heard) }

// hearing is where to put what its events tell.
func (c *choice) hearing() *record.Usage {
	if c.heard == nil {
		c.heard = new(record.Usage)
	}
	return c.heard
}

// choiceOf is the timeline of a choice, until it is asked for another one; nil
// when there are too many.
func (s *stream) choiceOf(index int) *choice {
	if index < len(s.choices) && s.choices[index].index == index {
		return &s.choices[index]
	}
	at, found := slices.BinarySearchFunc(s.choices, index, func(c choice, i int) int { return c.index - i })
	if found {
		return &s.choices[at]
	}
	if len(s.choices) >= maxChoices {
		return nil
	}
	s.choices = slices.Insert(s.choices, at, choice{index: index, exact: true})
	return &s.choices[at]
}

// hear keeps what an ordinary event tells of the choice's prompt, and of its
// reasoning so far.
func (c *choice) hear(u *record.Usage) {
	if u.Prompt.Or(0) == 0 {
		return // Ollama's completions show zeros until the end
	}
	told := c.hearing()
	told.Prompt = u.Prompt
	if u.Cached.Ok() {
		told.Cached = u.Cached
	}
	if u.Reasoning.Ok() {
		told.Reasoning = u.Reasoning
	}
}

func (c *choice) record() record.Choice {
	out := record.Choice{Index: c.index, LastToken: c.lastToken.Offset(), FinishReason: c.finish}
	if c.events > 0 {
		out.FirstToken = record.Some(c.first)
	}
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
func (s *stream) perPrompt(of func(record.Usage) record.Count) record.Count {
	q := &s.cfg.Query
	if len(s.choices) > 1 && !q.read {
		return record.Count{}
	}
	sum, prompts, last := int64(0), 0, -1
	for i := range s.choices {
		c := &s.choices[i]
		prompt := c.index / max(1, q.N)
		n, ok := of(c.told()).Get()
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
func (s *stream) perChoice(of func(record.Usage) record.Count) record.Count {
	sum := int64(0)
	for i := range s.choices {
		c := &s.choices[i]
		n, ok := of(c.told()).Get()
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
