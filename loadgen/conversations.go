package loadgen

import (
	"fmt"
	"slices"
	"time"

	"tokenomics/loadgen/body"
	"tokenomics/loadgen/prompt"
)

// Conversations is one conversation for each request number: a Workload. Each
// turn is sent when the one before was answered and its user has thought, with
// all that was said before.
type Conversations struct {
	Source   func(i int) (Conversation, error) // pure, and called from many goroutines
	First    int                               // request 0 begins conversation First
	Scripted bool                              // the history has the answers of the script, not the model's own
	Think    time.Duration                     // between an answer and the next turn
	Asking   body.Asking
}

// Conversation is what one user says, and what a script has answered.
type Conversation struct {
	System string // said before all of it; "" is nothing
	Turns  []Turn // at least one
}

// Turn is one thing that the user says, and the script's answer to it.
type Turn struct {
	Say    prompt.Prompt
	Answer string
}

// Request is the first turn of conversation i.
func (c Conversations) Request(i int) (Request, error) {
	talk, err := c.Source(c.First + i)
	if err != nil {
		return Request{}, fmt.Errorf("making conversation %d: %w", c.First+i, err)
	}
	var history []prompt.Message
	if talk.System != "" {
		history = append(history, prompt.Message{Role: "system", Content: talk.System})
	}
	return c.turn(talk, 0, history)
}

// turn is a request for the answer to turn k, after all that was said before.
func (c Conversations) turn(talk Conversation, k int, history []prompt.Message) (Request, error) {
	say := talk.Turns[k].Say
	say.History = history
	r, err := ask(c.Asking, say)
	if err != nil || k+1 == len(talk.Turns) {
		return r, err
	}
	r.Next = func(answer string) (*Request, time.Duration, error) {
		if c.Scripted {
			answer = talk.Turns[k].Answer
		}
		said := append(slices.Clone(history), prompt.Message{Role: "user", Content: say.Text, Images: say.Images}, prompt.Message{Role: "assistant", Content: answer})
		next, err := c.turn(talk, k+1, said)
		return &next, c.Think, err
	}
	return r, nil
}

var _ Workload = Conversations{}
