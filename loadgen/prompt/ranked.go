package prompt

// Ranked makes of the texts of a source what is to be ranked: a query and so
// many documents.
type Ranked struct {
	Source    Source
	Documents int
}

// Prompt is the query of request i and its documents, which no other request
// has as long as the source does not repeat itself. Lengths are those of all.
func (r Ranked) Prompt(i int) (Prompt, error) {
	first := i * (r.Documents + 1)
	out, err := r.Source.Prompt(first)
	if err != nil {
		return out, err
	}
	out.MaxTokens = 0
	for k := range r.Documents {
		d, err := r.Source.Prompt(first + 1 + k)
		if err != nil {
			return out, err
		}
		out.Documents = append(out.Documents, d.Text)
		out.Aimed += d.Aimed
		out.Tokens += d.Tokens
	}
	return out, nil
}
