package tokenizer

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// TestSpecial holds the tokens around a text to what the reference says of each
// file.
func TestSpecial(t *testing.T) {
	data, err := os.ReadFile("testdata/special.txt")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2*16 {
		t.Fatalf("%d files", len(fields)/2)
	}
	for pair := range slices.Chunk(fields, 2) {
		f, err := Open("testdata/" + pair[0] + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if got := strconv.Itoa(f.Special()); got != pair[1] {
			t.Errorf("%s: %s around a text, want %s", pair[0], got, pair[1])
		}
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
		{"nothing", `null`, "it has no model"},
		{"another model", `{"model":{"type":"WordLevel","vocab":{"a":0}}}`, `model "WordLevel"`},
		{"unknown beyond the vocabulary", `{"model":{"type":"Unigram","vocab":[["a",0]],"unk_id":1}}`, "number 1 of 1"},
		{"no score", `{"model":{"type":"Unigram","vocab":[["a","b"]]}}`, "reading its model"},
		{"a token alone", `{"model":{"type":"Unigram","vocab":[["a",0],["b"]]}}`, `["b"] is no token with its score`},
		{"more than a score", `{"model":{"type":"Unigram","vocab":[["a",0,1]]}}`, `["a",0,1] is no token with its score`},
		{"no number", `{"model":{"type":"Unigram","vocab":[["a",null]]}}`, `["a",null] is no token with its score`},
		{"no token", `{"model":{"type":"Unigram","vocab":[null]}}`, `null is no token with its score`},
		{"no unknown token", `{"model":{"type":"WordPiece","unk_token":"?","continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"a":0}}}`, `"?" is not in the vocabulary`},
		{"no longest word", `{"model":{"type":"WordPiece","unk_token":"a","continuing_subword_prefix":"##","vocab":{"a":0}}}`, "lacks continuing_subword_prefix or max_input_chars_per_word"},
		{"marks", `{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"end_of_word_suffix":"</w>"}}`, "marks for parts of words"},
		{"normalizer", `{"normalizer":{"type":"Sequence","normalizers":[{"type":"Titlecase"}]},` + model + `}`, `normalizer "Titlecase"`},
		{"no table", `{"normalizer":{"type":"Precompiled"},` + model + `}`, "precompiled characters are cut off"},
		{"table cut off", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"CAAAAAAAAAA="},` + model + `}`, "precompiled characters are cut off"},
		{"table not base64", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"!"},` + model + `}`, "reading its normalizer"},
		{"nothing to replace", `{"normalizer":{"type":"Replace","content":"a"},` + model + `}`, "a pattern is missing"},
		{"added token of nothing", `{"normalizer":{"type":"Strip","strip_left":true},"added_tokens":[{"content":" ","normalized":true}],` + model + `}`, `added token " "`},
		{"pre-tokenizer", `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"UnicodeScripts"}]},` + model + `}`, `pre-tokenizer "UnicodeScripts"`},
		{"no delimiter", `{"pre_tokenizer":{"type":"CharDelimiterSplit"},` + model + `}`, "without a delimiter"},
		{"behavior", `{"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"Doubled"},` + model + `}`, "Split Doubled"},
		{"post-processor", `{"post_processor":{"type":"Sequence","processors":[{"type":"Wrapping"}]},` + model + `}`, `post-processor "Wrapping"`},
		{"post-processors", `{"post_processor":{"type":"Sequence","processors":[{"type":"BertProcessing"},{"type":"RobertaProcessing"}]},` + model + `}`, "several that add tokens"},
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

// TestOddFiles: what no real file has is counted as the reference does, where it
// counts it at all.
func TestOddFiles(t *testing.T) {
	const letters = `"model":{"type":"BPE","vocab":{"a":0,"x":1," ":2},"merges":[]}`
	spaces := func(of string) string {
		return `{"added_tokens":[{"content":"<a>","rstrip":true},{"content":" ",` + of + `}],` + letters + `}`
	}
	pieces := func(id string) string {
		return `{"model":{"type":"WordPiece","unk_token":"?","continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"?":0,"a":1,"ax":` + id + `}}}`
	}
	for _, tt := range []struct {
		name, json, text string
		want             []string
	}{
		{"a space that another token took", spaces(`"lstrip":true`), "<a> x", []string{"<a> ", "x"}},
		{"spaces that another token took", spaces(`"lstrip":true`), "<a>   x", []string{"<a>   ", "x"}}, // the reference fails
		{"spaces that two tokens took", spaces(`"lstrip":true,"rstrip":true`), "<a>   x", []string{"<a>   ", "x"}},
		{"an id below zero", pieces("-1"), "ax", []string{"ax"}}, // the reference refuses it
		{"the largest id", pieces("4294967295"), "ax", []string{"ax"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parse([]byte(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := f.each(tt.text, func(token string) { got = append(got, token) }); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// TestCountTakesAnyBytes: what is not UTF-8 is sent as replacement characters,
// and counted as such.
func TestCountTakesAnyBytes(t *testing.T) {
	for _, name := range []string{"gemma", "t5", "words"} {
		f, err := Open("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Count(t.Context(), "a\xff\xfe b\xe4\xb8")
		want, err2 := f.Count(t.Context(), "a\ufffd\ufffd b\ufffd\ufffd")
		if got != want || err != nil || err2 != nil {
			t.Errorf("%s: %d tokens, want %d; %v, %v", name, got, want, err, err2)
		}
	}
}

func TestNoUnknownToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := os.WriteFile(path, []byte(`{"model":{"type":"Unigram","vocab":[["a",-1]],"unk_id":null}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Count(t.Context(), "aa"); n != 2 || err != nil {
		t.Errorf("%d tokens, %v", n, err)
	}
	if _, err := f.Count(t.Context(), "ab"); !errors.Is(err, errUnknown) {
		t.Errorf("error %v, want %v", err, errUnknown)
	}
}

func TestCutting(t *testing.T) {
	tests := []struct {
		behavior string
		invert   bool
		want     []string
	}{
		{"Isolated", false, []string{"a", "-", "-", "b", "-"}},
		{"Removed", false, []string{"a", "b"}},
		{"Removed", true, []string{"-", "-", "-"}},
		{"MergedWithPrevious", false, []string{"a-", "-", "b-"}},
		{"MergedWithNext", false, []string{"a", "-", "-b", "-"}},
		{"MergedWithNext", true, []string{"a-", "-", "b-"}},
		{"Contiguous", false, []string{"a", "--", "b", "-"}},
	}
	for _, tt := range tests {
		split, err := cut{find: findString("-"), behavior: tt.behavior, invert: tt.invert}.splitter()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		pieces, err := split([]piece{{text: "a--b-"}})
		for _, p := range pieces {
			got = append(got, p.text)
		}
		if !slices.Equal(got, tt.want) || err != nil {
			t.Errorf("%s, inverted %t: %q, %v; want %q", tt.behavior, tt.invert, got, err, tt.want)
		}
	}
}
