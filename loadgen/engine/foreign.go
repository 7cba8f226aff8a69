package engine

import (
	"fmt"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// Ours is what our own requests came to over the runs that a Watch saw, failed
// ones included.
type Ours struct {
	Prompt record.Opt[float64] // absent where not every request's is known
	Output record.Opt[float64] // tokens that the engine told, or that came
	// Unseen is how many more output tokens the engine may have made for requests
	// that were broken off, or whose tokens are an estimate: what they were allowed
	// less what came of them.
	Unseen float64
}

// Foreign sets side.Foreign to the output tokens that the engine must have made
// for others than us, at the least, and returns what is to be said: "" where its
// counters agree with ours to within tolerance, a share of ours.
func Foreign(side *results.EngineSide, ours Ours, tolerance float64) string {
	if side == nil {
		return ""
	}
	theirs, known := side.OutputTokens.Get()
	output, told := ours.Output.Get()
	if !known || !told {
		return ""
	}
	switch excess := theirs - output; {
	case excess < -tolerance*output:
		return fmt.Sprintf("the engine's counters tell of %.0f output tokens, and %.0f came: they are not of all that answered us", theirs, output)
	case excess > ours.Unseen+tolerance*output:
		side.Foreign = record.Some(excess - ours.Unseen)
		return fmt.Sprintf("foreign traffic: of the %.0f output tokens that the engine made, at least %.0f were not for us", theirs, excess-ours.Unseen)
	default:
		side.Foreign = record.Some(max(0, excess-ours.Unseen))
	}
	return foreignPrompts(side, ours, tolerance)
}

// foreignPrompts finds those who want no output, such as embeddings.
func foreignPrompts(side *results.EngineSide, ours Ours, tolerance float64) string {
	theirs, known := side.PromptTokens.Get()
	prompt, told := ours.Prompt.Get()
	if !known || !told || theirs-prompt <= tolerance*prompt {
		return ""
	}
	return fmt.Sprintf("foreign traffic: of the %.0f prompt tokens that the engine took, %.0f were not ours", theirs, theirs-prompt)
}
