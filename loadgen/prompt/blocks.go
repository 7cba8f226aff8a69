package prompt

import "strings"

// Shape is how long a request of a trace was, and which blocks its prompt was of.
type Shape struct {
	Input, Output int     // tokens
	Blocks        []int64 // of Size tokens each, the last of what is left; nil: not known
}

// Blocks are the prompts of a trace that tells no text: plain English words, as
// many as the prompts had, and the same words where they had the same blocks,
// so that an engine's prefix cache does what it did then.
type Blocks struct {
	Vocabulary *Vocabulary
	Seed       uint64
	Size       int // of a block, in tokens
	Of         func(i int) Shape
	// Overhead is as Synthetic has it. The last block is so much shorter.
	Overhead int
}

// Prompt is the prompt of request i. Without blocks it shares none.
func (b Blocks) Prompt(i int) (Prompt, error) {
	shape := b.Of(i)
	out := Prompt{Row: i, Aimed: shape.Input, Tokens: b.Overhead, MaxTokens: shape.Output}
	left := shape.Input - b.Overhead
	if shape.Blocks == nil {
		text, n := b.Vocabulary.compose(source(b.Seed, streamText, i), numbered(b.Seed, i), left)
		out.Text, out.Tokens = text, out.Tokens+n
		return out, nil
	}
	var text strings.Builder
	for k, id := range shape.Blocks {
		size := b.Size
		if k == len(shape.Blocks)-1 {
			size = left
		}
		block, n := b.Vocabulary.compose(source(b.Seed, streamBlock, int(id)), numbered(b.Seed^streamBlock, int(id)), size)
		if k > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(block)
		out.Tokens += n
		left -= n
	}
	out.Text = text.String()
	return out, nil
}
