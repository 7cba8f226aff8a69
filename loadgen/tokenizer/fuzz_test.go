package tokenizer

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// FuzzFile reads files that nobody's model has: they are refused, or count any
// text.
func FuzzFile(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 16<<10 {
			f.Add(data, "Hello  wörld, ﬁ\u0301 中 \r\n 123")
		}
	}
	f.Add([]byte(`{"added_tokens":[{"content":"<a>","rstrip":true},{"content":" ","lstrip":true,"single_word":true}],
		"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"_"},{"type":"Strip","strip_right":true},{"type":"NFKD"}]},
		"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Metaspace","replacement":"_"},{"type":"Digits"},{"type":"ByteLevel"}]},
		"model":{"type":"BPE","vocab":{"a":0,"b":1," ":2},"merges":["a b"],"unk_token":"?","byte_fallback":true}}`), "a <a>  b12")
	f.Add([]byte(`{"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["a",-1.5],["ab",-2]]}}`), "abba")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		file, err := parse(data)
		if err != nil {
			return
		}
		_ = file.each(text, func(token string) { // a pattern may be given up
			if !utf8.ValidString(token) {
				t.Errorf("the token %q of %q", token, text)
			}
		})
	})
}
