package tokenizer

import (
	"encoding/base64"
	"testing"
	"unicode/utf8"
)

// FuzzPrecompiled reads tables that nobody compiled: whatever they say, texts
// stay texts.
func FuzzPrecompiled(f *testing.F) {
	xlmr, err := Open("testdata/xlmr.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x08\x00\x00\x00\x01\x05\x00\x80\x02\x00\x00\x00é\x00"), "aé\r\n")
	f.Add([]byte("\x04\x00\x00\x00\x01\x01\x00\x00"), "\x00a")
	f.Fuzz(func(t *testing.T, table []byte, text string) {
		if !utf8.ValidString(text) {
			return
		}
		// An own table that a real file's normalizer and model come after.
		own, err := precompiled(base64.StdEncoding.EncodeToString(table))
		if err != nil {
			return
		}
		p, err := sequence(own, xlmr.normalize)(piece{text: text})
		if err != nil || !utf8.ValidString(p.text) {
			t.Fatalf("%q became %q, %v", text, p.text, err)
		}
		if err := xlmr.eachWord(p, func(string) {}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestShortestKeyOfACluster is where the reference is not sentencepiece: of
// characters that belong together it writes the shortest key and drops the rest.
func TestShortestKeyOfACluster(t *testing.T) {
	f, err := Open("testdata/xlmr.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ text, want string }{
		{"ﬁ", "fi"},
		{"ﬁ\u0301", "fi"},
		{"\r\n", " "},
		{"e\u0301", "é"},
		{"a\u0301", "a\u0301"},
		{"ﬁ\u0301\u0301", "fi\u0301\u0301"}, // more than five bytes: each for itself
	} {
		if p, err := f.normalize(piece{text: tt.text}); p.text != tt.want || err != nil {
			t.Errorf("%+q became %+q, %v; want %+q", tt.text, p.text, err, tt.want)
		}
	}
}
