package tokenizer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// File counts by a tokenizer.json of Hugging Face's tokenizers. It knows the
// byte-pair encodings, of bytes (GPT-2, Llama 3, Qwen, DeepSeek) and of
// characters (Llama 2, Mistral, Gemma): what engines that generate text serve.
// A file that asks for more is refused rather than counted wrongly.
//
// The libraries were tried: sugarme/tokenizer cannot load the patterns of Llama
// 3 and its successors, and gomlx/go-huggingface cuts text by them in another
// way than the reference does.
type File struct {
	added     []string // set apart before all else, the longest first
	normalize func(string) string
	split     splitter
	model     *bpe
}

// Open reads a tokenizer.json.
func Open(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer: %w", err)
	}
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer %s: %w", path, err)
	}
	return f, nil
}

// node is a normalizer or a pre-tokenizer, of any type.
type node struct {
	Type          string   `json:"type"`
	Normalizers   []node   `json:"normalizers"`
	Pretokenizers []node   `json:"pretokenizers"`
	Pattern       *pattern `json:"pattern"`
	Content       string   `json:"content"`
	Prepend       string   `json:"prepend"`

	Behavior         string `json:"behavior"`
	Invert           bool   `json:"invert"`
	AddPrefixSpace   *bool  `json:"add_prefix_space"`
	UseRegex         *bool  `json:"use_regex"`
	IndividualDigits bool   `json:"individual_digits"`
	Replacement      string `json:"replacement"`
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool  `json:"split"`
}

type tokenizerFile struct {
	AddedTokens []struct {
		Content string `json:"content"`
	} `json:"added_tokens"`
	Normalizer   *node           `json:"normalizer"`
	PreTokenizer *node           `json:"pre_tokenizer"`
	Model        json.RawMessage `json:"model"`
}

// errUnsupported marks a file that needs what is not built in.
var errUnsupported = errors.New("use the engine's own tokenizer instead, or none: lengths are then calibrated")

func unsupported(what, name string) error {
	return fmt.Errorf("its %s %q is not known: %w", what, name, errUnsupported)
}

func parse(data []byte) (*File, error) {
	var raw tokenizerFile
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("this is no tokenizer.json: %w", err)
	}
	f := new(File)
	for _, t := range raw.AddedTokens {
		if t.Content != "" {
			f.added = append(f.added, t.Content)
		}
	}
	slices.SortStableFunc(f.added, func(a, b string) int { return len(b) - len(a) })
	var err error
	if f.normalize, err = normalizerOf(raw.Normalizer); err != nil {
		return nil, err
	}
	if f.split, err = splitterOf(raw.PreTokenizer); err != nil {
		return nil, err
	}
	f.model, err = newBPE(raw.Model)
	return f, err
}

// Count is the number of tokens of text.
func (f *File) Count(_ context.Context, text string) (int, error) {
	n := 0
	err := f.each(text, func(string) { n++ })
	if err != nil {
		return 0, fmt.Errorf("counting tokens: %w", err)
	}
	return n, nil
}

// each calls yield with every token of text, as the vocabulary writes it.
func (f *File) each(text string, yield func(token string)) error {
	first := true
	for text != "" {
		at, token := f.nextAdded(text)
		if at > 0 {
			words, err := f.split([]string{f.normalize(text[:at])}, first)
			if err != nil {
				return err
			}
			for _, w := range words {
				f.model.each(w, yield)
			}
		}
		if token != "" {
			yield(token)
		}
		text, first = text[at+len(token):], false
	}
	return nil
}

// nextAdded is where the first added token in text is, and which; the end of
// the text and "" when there is none.
func (f *File) nextAdded(text string) (at int, token string) {
	at = len(text)
	for _, t := range f.added {
		if i := strings.Index(text[:min(len(text), at+len(t))], t); i >= 0 && i < at {
			at, token = i, t
		}
	}
	return at, token
}
