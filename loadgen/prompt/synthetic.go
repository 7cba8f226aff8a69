package prompt

// Synthetic is plain English words, as many as a scenario says: another text
// for each request.
type Synthetic struct {
	Vocabulary *Vocabulary
	Scenario   Scenario
	Seed       uint64
	// Overhead is how many tokens the engine puts around each text (its chat
	// template): texts are so much shorter, so that the engine counts what the
	// scenario says. 0: it is not known, or there is none.
	Overhead int
}

// Prompt is the text of request i. Texts of one seed differ within their first
// four words, for some hundred million requests.
func (s Synthetic) Prompt(i int) (Prompt, error) {
	input, output := s.Scenario.lengths(s.Seed, i)
	text, tokens := s.Vocabulary.compose(source(s.Seed, streamText, i), numbered(s.Seed, i), input-s.Overhead)
	return Prompt{Text: text, Row: i, Aimed: input, Tokens: tokens + s.Overhead, MaxTokens: output}, nil
}

// numbered is the number that text i of a seed spells: seeds begin far apart.
func numbered(seed uint64, i int) uint64 { return mix(seed)>>1 + uint64(i) }
