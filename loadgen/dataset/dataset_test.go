package dataset

import (
	"context"
	"testing"
)

func TestOpenWrongUse(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"unknown key", Config{Key: "aimee"}, []string{`"aimee"`, "aime, builtin", "--dataset-file"}},
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
