package tokenizer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"
)

// File counts by a tokenizer.json of Hugging Face's tokenizers. It knows the
// byte-pair encodings, of bytes (GPT-2, Llama 3, Qwen, DeepSeek) and of
// characters (Llama 2, Mistral, Gemma), the unigrams of sentencepiece (T5,
// XLM-R, multilingual E5, BGE-M3) and the pieces of words of BERT and the
// embedders made of it. A file that asks for more is refused rather than
// counted wrongly.
//
// The libraries were tried: sugarme/tokenizer cannot load the patterns of Llama
// 3 and its successors, and counts embedders' texts in another way than the
// reference does, as gomlx/go-huggingface does Llama's.
type File struct {
	before    *added // set apart before all else
	normalize normalizer
	after     *added // set apart once the rest is normalized
	split     splitter
	model     model
	special   int
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

type tokenizerFile struct {
	AddedTokens  []addedToken    `json:"added_tokens"`
	Normalizer   *node           `json:"normalizer"`
	PreTokenizer *node           `json:"pre_tokenizer"`
	Processor    *processor      `json:"post_processor"`
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
	if raw.Model == nil {
		return nil, errors.New("this is no tokenizer.json: it has no model")
	}
	f := new(File)
	var err error
	if f.normalize, err = normalizerOf(raw.Normalizer); err != nil {
		return nil, err
	}
	if f.before, f.after, err = addedOf(raw.AddedTokens, f.normalize); err != nil {
		return nil, err
	}
	if f.split, err = splitterOf(raw.PreTokenizer); err != nil {
		return nil, err
	}
	if f.special, err = raw.Processor.special(); err != nil {
		return nil, err
	}
	f.model, err = modelOf(raw.Model)
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

// Special is how many tokens the model wants around one text, such as [CLS] and
// [SEP]. Count leaves them out; engines put them around what comes without a
// chat template.
func (f *File) Special() int { return f.special }

// each calls yield with every token of text, as the vocabulary writes it, or as
// text does where it is unknown.
func (f *File) each(text string, yield func(token string)) error {
	if !utf8.ValidString(text) {
		text = string([]rune(text)) // as it is sent
	}
	_, head := utf8.DecodeRuneInString(text)
	return f.before.cut(piece{text: text, head: head}, func(p piece, token bool) error {
		if token {
			yield(p.text)
			return nil
		}
		p, err := f.normalize(p)
		if err != nil {
			return err
		}
		return f.after.cut(p, func(p piece, token bool) error {
			if token {
				yield(p.text)
				return nil
			}
			return f.eachWord(p, yield)
		})
	})
}

// eachWord calls yield with every token of what has no added tokens.
func (f *File) eachWord(p piece, yield func(token string)) error {
	words, err := f.split([]piece{p})
	if err != nil {
		return err
	}
	for _, w := range words {
		if err := f.model.each(w.text, yield); err != nil {
			return err
		}
	}
	return nil
}
