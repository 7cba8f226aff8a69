package tokenizer

// processor is what a file does with the tokens of a text in the end.
type processor struct {
	Type       string      `json:"type"`
	Processors []processor `json:"processors"`
	Single     []struct {
		SpecialToken *struct {
			ID string `json:"id"`
		} `json:"SpecialToken"`
	} `json:"single"`
	SpecialTokens map[string]struct {
		IDs []int `json:"ids"`
	} `json:"special_tokens"`
}

// special is how many tokens it puts around one text.
func (p *processor) special() (n int, err error) {
	if p == nil {
		return 0, nil
	}
	switch p.Type {
	case "ByteLevel": // moves offsets only
	case "BertProcessing", "RobertaProcessing":
		n = 2
	case "TemplateProcessing":
		for _, part := range p.Single {
			if part.SpecialToken != nil {
				n += len(p.SpecialTokens[part.SpecialToken.ID].IDs)
			}
		}
	case "Sequence":
		for i := range p.Processors {
			m, err := p.Processors[i].special()
			if err != nil {
				return 0, err
			}
			if n > 0 && m > 0 { // the second takes what the first made for several texts
				return 0, unsupported("post-processor", "Sequence of several that add tokens")
			}
			n += m
		}
	default:
		err = unsupported("post-processor", p.Type)
	}
	return n, err
}
