package tokenizer

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFileIsTheReference holds every token to what Hugging Face's own library
// made of the text (testdata/make.py).
func TestFileIsTheReference(t *testing.T) {
	goldens, err := filepath.Glob("testdata/*.golden.jsonl")
	if err != nil || len(goldens) < 7 {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	for _, golden := range goldens {
		name := strings.TrimSuffix(golden, ".golden.jsonl")
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, err := Open(name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range readGolden(t, golden) {
				got := []string{}
				if err := f.each(want.Text, func(token string) { got = append(got, token) }); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want.Tokens) {
					t.Errorf("%q:\n got %q\nwant %q", want.Text, got, want.Tokens)
				}
				if n, err := f.Count(t.Context(), want.Text); n != len(want.Tokens) || err != nil {
					t.Errorf("%q has %d tokens (%v), want %d", want.Text, n, err, len(want.Tokens))
				}
			}
		})
	}
}

type goldenText struct {
	Text   string
	Tokens []string
}

func readGolden(t *testing.T, path string) (list []goldenText) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var g goldenText
		if err := json.Unmarshal(s.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		list = append(list, g)
	}
	if len(list) < 40 {
		t.Fatalf("%s has %d texts", path, len(list))
	}
	return list
}

func TestFileRefusesWhatItDoesNotKnow(t *testing.T) {
	const model = `"model":{"type":"BPE","vocab":{"a":0},"merges":[]}`
	tests := []struct {
		name, json, want string
	}{
		{"not JSON", `tokenizer`, "no tokenizer.json"},
		{"another model", `{"model":{"type":"Unigram","vocab":[["a",0]]}}`, `model "Unigram"`},
		{"marks", `{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"end_of_word_suffix":"</w>"}}`, "marks for parts of words"},
		{"normalizer", `{"normalizer":{"type":"Precompiled"},` + model + `}`, `normalizer "Precompiled"`},
		{"pre-tokenizer", `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"BertPreTokenizer"}]},` + model + `}`, `pre-tokenizer "BertPreTokenizer"`},
		{"behavior", `{"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"Contiguous"},` + model + `}`, "Split Contiguous"},
		{"pattern", `{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"},` + model + `}`, "compiling its pattern"},
		{"merge", `{"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]}}`, `"ab" has no space`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tokenizer.json")
			if err := os.WriteFile(path, []byte(tt.json), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q in it and the path", err, tt.want)
			}
		})
	}
	if _, err := Open("testdata/none.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opening what is not there: %v", err)
	}
}

func TestCutting(t *testing.T) {
	tests := []struct {
		behavior string
		want     []string
	}{
		{"Isolated", []string{"a", "-", "-", "b", "-"}},
		{"Removed", []string{"a", "b"}},
		{"MergedWithPrevious", []string{"a-", "-", "b-"}},
		{"MergedWithNext", []string{"a", "-", "-b", "-"}},
	}
	for _, tt := range tests {
		dash := "-"
		cut, err := splitAt(&pattern{String: &dash}, tt.behavior)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := cut([]string{"a--b-"}, true); !slices.Equal(got, tt.want) || err != nil {
			t.Errorf("%s: %q, %v; want %q", tt.behavior, got, err, tt.want)
		}
	}
}
