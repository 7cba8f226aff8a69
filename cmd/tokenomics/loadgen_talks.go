package main

import (
	"tokenomics/loadgen"
	"tokenomics/loadgen/dataset"
	"tokenomics/loadgen/prompt"
)

// talk is conversation i: of the dataset's row, or of as many made prompts as
// there are turns.
func (s *loadgenSession) talk(source prompt.Source, order loadgen.Order, i int) (c loadgen.Conversation, err error) {
	if s.data != nil {
		return conversationOf(s.data.At(order.Row(i))), nil
	}
	for k := range s.plan.say.turns {
		say, err := source.Prompt(i*s.plan.say.turns + k)
		if err != nil {
			return c, err
		}
		c.Turns = append(c.Turns, loadgen.Turn{Say: say})
	}
	return c, nil
}

// conversationOf is a dataset's row as a conversation. What an assistant says
// after a user is the script's answer to it.
func conversationOf(row dataset.Prompt) (c loadgen.Conversation) {
	first := promptOf(row) // with the row's images
	if len(row.Turns) == 0 {
		c.Turns = []loadgen.Turn{{Say: first}}
		return c
	}
	for _, t := range row.Turns {
		switch {
		case t.Role == "system":
			c.System = t.Text
		case t.Role == "user" && len(c.Turns) == 0:
			first.Text = t.Text
			c.Turns = append(c.Turns, loadgen.Turn{Say: first})
		case t.Role == "user":
			c.Turns = append(c.Turns, loadgen.Turn{Say: prompt.Prompt{Text: t.Text}})
		case len(c.Turns) > 0:
			c.Turns[len(c.Turns)-1].Answer = t.Text
		}
	}
	return c
}
