package dataset

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

// builtinFiles are our own prompts, one file per domain, one JSON object per
// line: id, domain, prompt. Ids are never reused.
//
//go:embed builtin/*.jsonl
var builtinFiles embed.FS

// openBuiltin returns the embedded prompts. Domains take turns, so that even
// the first few prompts are of many subjects and lengths.
func openBuiltin(cfg Config) (*Dataset, error) {
	names, err := fs.Glob(builtinFiles, "builtin/*.jsonl")
	if err != nil {
		return nil, fmt.Errorf("reading the builtin dataset: %w", err)
	}
	var domains [][]Prompt
	for _, name := range names {
		prompts, err := readBuiltin(name)
		if err != nil {
			return nil, fmt.Errorf("reading the builtin dataset: %s: %w", name, err)
		}
		domains = append(domains, prompts)
	}
	return New(BuiltinKey, "embedded in the binary", first(takeTurns(domains), cfg.MaxPrompts))
}

// first returns the first n prompts; all of them for 0.
func first(prompts []Prompt, n int) []Prompt {
	if n > 0 && n < len(prompts) {
		return prompts[:n]
	}
	return prompts
}

func readBuiltin(name string) ([]Prompt, error) {
	f, err := builtinFiles.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only: nothing can be lost
	var prompts []Prompt
	err = eachLine(f, func(line int, raw []byte) error {
		var p struct{ ID, Domain, Prompt string }
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		prompts = append(prompts, Prompt{Text: p.Prompt, ID: p.ID, Domain: p.Domain, Row: line})
		return nil
	})
	return prompts, err
}

// takeTurns merges lists by taking one of each in turn, leaving out those that
// are used up.
func takeTurns(lists [][]Prompt) []Prompt {
	var out []Prompt
	for i := 0; ; i++ {
		before := len(out)
		for _, l := range lists {
			if i < len(l) {
				out = append(out, l[i])
			}
		}
		if len(out) == before {
			return out
		}
	}
}
