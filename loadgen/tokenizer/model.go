package tokenizer

import (
	"encoding/json"
	"fmt"
)

// model makes tokens of words.
type model interface {
	// each calls yield with every token of a word that is not empty.
	each(word string, yield func(token string)) error
}

var (
	_ model = (*bpe)(nil)
	_ model = (*unigram)(nil)
	_ model = (*wordPiece)(nil)
)

func modelOf(data json.RawMessage) (model, error) {
	var raw struct {
		Type   string          `json:"type"`
		Merges json.RawMessage `json:"merges"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("reading its model: %w", err)
	}
	switch {
	case raw.Type == "BPE", raw.Type == "" && raw.Merges != nil: // old files name no type
		return newBPE(data)
	case raw.Type == "Unigram":
		return newUnigram(data)
	case raw.Type == "WordPiece":
		return newWordPiece(data)
	default:
		return nil, unsupported("model", raw.Type)
	}
}

func set(s *string) bool { return s != nil && *s != "" }

// byteToken is how models of characters write a byte of one that they lack.
func byteToken(b byte) string { return fmt.Sprintf("<0x%02X>", b) }
