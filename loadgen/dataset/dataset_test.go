package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestOpenWrongUse(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"unknown key", Config{Key: "aimee"}, []string{`"aimee"`, "aime, builtin", "--dataset-file"}},
		{"two datasets", Config{File: "a.txt", HFPath: "a/b"}, []string{"--dataset-file and --hf-dataset"}},
		{"split of a file", Config{File: "a.txt", HFSplit: "test"}, []string{"--hf-split"}},
		{"split of the poems", Config{Key: "sonnet", HFSplit: "test"}, []string{"--hf-split"}},
		{"no path on the hub", Config{HFPath: "https://huggingface.co/datasets/a/b"}, []string{"OWNER/NAME"}},
		{"a path that climbs", Config{HFPath: "../b"}, []string{"OWNER/NAME"}},
		{"half a split", Config{HFPath: "a/b", HFSplit: "train[50%:]"}, []string{"train[50%:]", "train[:1000]"}},
		{"negative count", Config{Key: "builtin", MaxPrompts: -1}, []string{"-1"}},
		{"column of the builtin set", Config{Key: "builtin", PromptColumn: "x"}, []string{"--prompt-column"}},
		{"endpoint without scheme", Config{HFEndpoint: "hub.example"}, []string{"HF_ENDPOINT", "hub.example"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open(context.Background(), tc.cfg)
			checkError(t, err, ErrConfig, tc.want...)
		})
	}
}

func TestNew(t *testing.T) {
	in := []Prompt{{Text: "a"}, {Text: "b"}}
	d, err := New("n", "s", in)
	if err != nil {
		t.Fatal(err)
	}
	in[0].Text = "changed"
	if d.At(0).Text != "a" {
		t.Error("the dataset shares its maker's slice")
	}
	if _, err := New("n", "s", nil); err == nil {
		t.Error("a dataset of nothing was made")
	}
	if _, err := New("n", "s", []Prompt{{}}); err == nil {
		t.Error("a prompt without text was taken")
	}
}

func TestDigestTellsTextsApart(t *testing.T) {
	digest := func(texts ...string) string {
		var ps []Prompt
		for _, s := range texts {
			ps = append(ps, Prompt{Text: s})
		}
		d, err := New("n", "s", ps)
		if err != nil {
			t.Fatal(err)
		}
		return d.Digest()
	}
	if digest("ab", "c") == digest("a", "bc") {
		t.Error("the digest does not see where a prompt ends")
	}
	if digest("a", "b") == digest("b", "a") {
		t.Error("the digest does not see the order")
	}
	if one, two := digest("a", "b"), digest("a", "b"); one != two {
		t.Error("the digest of the same prompts differs")
	}
}

// What is sent besides the text is part of what is compared.
func TestDigestSeesTurnsAndImages(t *testing.T) {
	seen := map[string]int{}
	for i, p := range []Prompt{
		{Text: "a"},
		{Text: "a", Turns: []Turn{{"user", "a"}, {"user", "b"}}},
		{Text: "a", Turns: []Turn{{"user", "a"}, {"assistant", "b"}}},
		{Text: "a", Turns: []Turn{{"user", "a"}, {"user", "c"}}},
		{Text: "a", Images: []Image{{MIME: "image/png", Bytes: []byte("x")}}},
		{Text: "a", Images: []Image{{MIME: "image/gif", Bytes: []byte("x")}}},
		{Text: "a", Images: []Image{{MIME: "image/png", Bytes: []byte("y")}}},
		{Text: "a", Images: []Image{{URL: "http://a"}}},
		{Text: "a", Images: []Image{{URL: "http://a"}, {URL: "http://a"}}},
	} {
		d, err := New("n", "s", []Prompt{p})
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[d.Digest()]; ok {
			t.Errorf("prompts %d and %d have one digest", other, i)
		}
		seen[d.Digest()] = i
	}
	// Text alone is hashed as it always was: results of before stay comparable.
	d, err := New("n", "s", []Prompt{{Text: "ab"}, {Text: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256([]byte("\x00\x00\x00\x00\x00\x00\x00\x02ab\x00\x00\x00\x00\x00\x00\x00\x01c")); d.Digest() != hex.EncodeToString(want[:]) {
		t.Errorf("digest %s of texts", d.Digest())
	}
}

func TestSonnets(t *testing.T) {
	d, err := Open(context.Background(), Config{Key: SonnetKey})
	if err != nil {
		t.Fatal(err)
	}
	if d.Len() < 25 {
		t.Errorf("%d poems, want 25 or more", d.Len())
	}
	seen := map[string]bool{}
	for i := range d.Len() {
		p := d.At(i)
		if n := strings.Count(p.Text, "\n") + 1; n != 14 || p.Text != strings.TrimSpace(p.Text) {
			t.Errorf("%s has %d lines", p.ID, n)
		}
		if seen[p.ID] || !strings.HasPrefix(p.ID, "sonnet-") || p.Row != i+1 {
			t.Errorf("poem %d is %q of row %d", i, p.ID, p.Row)
		}
		seen[p.ID] = true
	}
	if few, err := Open(context.Background(), Config{Key: SonnetKey, MaxPrompts: 3}); err != nil || few.Len() != 3 || few.At(0).Text != d.At(0).Text {
		t.Errorf("the first three: %v", err)
	}
}
