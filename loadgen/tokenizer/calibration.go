package tokenizer

// Calibration learns what a model makes of words from pairs of what was sent
// and what the engine's usage.prompt_tokens said of it: by least squares, so
// many tokens a word, and so many more for each prompt (its chat template, the
// begin-of-text token). The zero value has learned nothing. It is not safe for
// use by many goroutines.
//
// With a Counter's own count in place of words, it learns the template alone.
type Calibration struct {
	n, x, y, xx, xy float64
}

// Add learns from one prompt.
func (c *Calibration) Add(words, tokens int) {
	x, y := float64(words), float64(tokens)
	c.n, c.x, c.y, c.xx, c.xy = c.n+1, c.x+x, c.y+y, c.xx+x*x, c.xy+x*y
}

// Fit is what was learned. It is not ok without prompts of two lengths, or when
// longer prompts were not said to have more tokens: then there is no line.
func (c *Calibration) Fit() (perWord, overhead float64, ok bool) {
	spread := c.n*c.xx - c.x*c.x
	if spread <= 0 {
		return 0, 0, false
	}
	perWord = (c.n*c.xy - c.x*c.y) / spread
	return perWord, (c.y - perWord*c.x) / c.n, perWord > 0
}
