package sim

import (
	"math/rand/v2"
	"strings"
	"time"
)

// plan is a whole generation before its first byte is written.
type plan struct {
	req      *request
	id       string   // the response's id
	ids      []string // the engine's own: SGLang has one for each choice
	created  int64
	choices  []choice
	cached   []int           // of each prompt
	received time.Time       // when the request was, as it is told
	queued   time.Duration   // how long the request waited for its slot
	times    []time.Duration // of each engine step, since admission
	told     []time.Duration // the same where an answer tells times
	failure  *apiError       // what a stream fails with
}

// choice is one answer.
type choice struct {
	prompt    int
	tokens    []string // the text of each; "" for silent ones and end-of-text
	steps     []int    // tokens made by the end of each engine step
	reasoning int      // how many at the start go to the reasoning channel
	finish    string
}

// words is what a simulated answer is made of: each is one token with the space
// before it. A few are not ASCII, because real answers aren't.
func words() []string {
	return strings.Fields(`the a token stream engine batch prompt cache layer head wire clock queue
slot step prefill decode latency budget window frame packet socket kernel tensor weight vector sample
seed answer question number result figure table value limit buffer reader writer server client proxy
model answers tokens streams waits counts keeps sends reads writes splits merges measures repeats
quick slow warm cold first last next same other whole half small large steady idle busy open closed
and then while because until before after without between of in on for from with over under
is was has can may must will Über café naïve señal`)
}

// newPlan decides what is said: a function of the seed and the prompts alone, so
// that one prompt has one answer whoever carries it.
func newPlan(cfg *Config, r *request) *plan {
	p := &plan{req: r, cached: make([]int, len(r.prompts))}
	if r.load {
		p.choices = []choice{{steps: []int{0}, finish: "load"}}
		return p
	}
	if !r.generates() {
		return p
	}
	vocabulary := words()
	for i, pr := range r.prompts {
		for s := range r.n {
			rng := source(cfg.Seed, streamText, chain(pr.hash, uint64(s)))
			c := choice{prompt: i}
			c.say(cfg, r, r.limit(pr, cfg.MaxModelLen), rng, vocabulary)
			p.choices = append(p.choices, c)
		}
	}
	return p
}

// say fills the choice with tokens and spreads them over engine steps.
func (c *choice) say(cfg *Config, r *request, limit int, rng *rand.Rand, vocabulary []string) {
	want := max(cfg.OutputTokens.count(rng), 1, r.minTokens)
	if r.tool != nil {
		want = max(want, 5) // the name, the brackets, a word and end-of-text
	}
	c.finish = "stop"
	if r.tool != nil && !r.tool.named {
		c.finish = "tool_calls"
	}
	if r.ignoreEOS || want > limit {
		want, c.finish = limit, "length"
	}
	c.tokens = make([]string, want)
	if r.tool != nil {
		c.fillTool(rng, vocabulary)
	} else {
		c.fillText(rng, vocabulary, cfg.SilentTokenRate)
	}
	if r.endpoint.thinks() && r.tool == nil && cfg.ReasoningTokens.IsSet() {
		c.reasoning = min(cfg.ReasoningTokens.count(rng), c.spoken())
	}
	for made := 0; made < want; {
		made = min(made+max(cfg.TokensPerStep.count(rng), 1), want)
		c.steps = append(c.steps, made)
	}
}

// spoken is the number of tokens before end-of-text, which one cut off never reaches.
func (c *choice) spoken() int {
	if c.finish == "length" || c.finish == "abort" {
		return len(c.tokens)
	}
	return max(len(c.tokens)-1, 0)
}

func (c *choice) fillText(rng *rand.Rand, vocabulary []string, silent float64) {
	opening := []string{"Simulated", " answer", ":"}
	for i := range c.spoken() {
		word := " " + vocabulary[rng.IntN(len(vocabulary))]
		quiet := rng.Float64() < silent
		switch {
		case quiet:
		case i < len(opening):
			c.tokens[i] = opening[i]
		case i%16 == 15:
			c.tokens[i] = "."
		default:
			c.tokens[i] = word
		}
	}
}

// fillTool makes the tokens of a tool call's arguments. The first token is the
// call's name and has no text.
func (c *choice) fillTool(rng *rand.Rand, vocabulary []string) {
	for i := 1; i < c.spoken(); i++ {
		c.tokens[i] = " " + vocabulary[rng.IntN(len(vocabulary))]
		switch {
		case i == 1:
			c.tokens[i] = `{"text": "simulated`
		case i == c.spoken()-1 && c.finish != "length":
			c.tokens[i] = `"}`
		}
	}
}

// text is what tokens from up to (not with) to say.
func (c *choice) text(from, to int) string {
	if to-from == 1 {
		return c.tokens[from]
	}
	if to <= from {
		return ""
	}
	return strings.Join(c.tokens[from:to], "")
}

// split returns the reasoning and the content among tokens from up to to.
func (c *choice) split(from, to int) (reasoning, content string) {
	return c.text(from, min(to, c.reasoning)), c.text(max(from, c.reasoning), to)
}

func (p *plan) end() time.Duration { return p.times[len(p.times)-1] }

func (p *plan) promptTokens() int {
	n := 0
	for _, pr := range p.req.prompts {
		n += len(pr.ids)
	}
	return n
}

func (p *plan) completionTokens() int {
	n := 0
	for i := range p.choices {
		n += len(p.choices[i].tokens)
	}
	return n
}

func (p *plan) reasoningTokens() int {
	n := 0
	for i := range p.choices {
		n += p.choices[i].reasoning
	}
	return n
}

// emission is one event of a stream: tokens from up to to of a choice.
type emission struct {
	at       time.Duration
	step     int // of the engine, that made its tokens
	kind     EventKind
	name     string // of a named event
	part     part   // what it is about
	seq      int    // its number, where events are numbered
	choice   int
	from, to int
	last     bool // of its choice
	joined   bool // leaves in one write with the next
}

// outputs returns the events that carry tokens, in the order they leave. ready
// says whether a choice that has made so many tokens and sent so many sends now
// (it is not asked at the choice's end), visible whether these tokens make an
// event at all; those that don't are carried by the next one.
func (p *plan) outputs(ready func(sent, made int) bool, visible func(c *choice, from, to int, last bool) bool) []emission {
	var out []emission
	sent := make([]int, len(p.choices))
	for k, at := range p.times {
		for i := range p.choices {
			c := &p.choices[i]
			if k >= len(c.steps) {
				continue
			}
			made, last := c.steps[k], k == len(c.steps)-1
			if !last && !ready(sent[i], made) || !visible(c, sent[i], made, last) {
				continue
			}
			out = append(out, emission{at: at, step: k, kind: EventToken, choice: i, from: sent[i], to: made, last: last})
			sent[i] = made
		}
	}
	return out
}
