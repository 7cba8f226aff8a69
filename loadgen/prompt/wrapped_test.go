package prompt

import (
	"bytes"
	"errors"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
)

// texts are rows, in a given order.
func texts(order ...int) Rows {
	list := []string{"zero", "one", "two", "three", "four", "five", "six", "seven"}
	return Rows{
		Order: func(i int) int { return order[i%len(order)] },
		At: func(row int) (Prompt, error) {
			if row >= len(list) {
				return Prompt{}, errors.New("no such row")
			}
			return Prompt{Text: list[row]}, nil
		},
	}
}

func TestRows(t *testing.T) {
	r := texts(2, 0, 1)
	for i, want := range []struct {
		text string
		row  int
	}{{"two", 2}, {"zero", 0}, {"one", 1}, {"two", 2}} {
		if p := promptOf(t, r, i); p.Text != want.text || p.Row != want.row || p.Aimed != 0 || p.Tokens != 0 {
			t.Errorf("request %d: %+v", i, p)
		}
	}
	sources := map[string]Source{
		"rows": texts(9), "illustrated": Illustrated{Source: texts(9)}, "ranked": Ranked{Source: texts(9)},
		"adapted": Adapted{Source: texts(9), Mix: MixSingle, Names: []string{"a"}}, "a document": Ranked{Source: texts(1, 9), Documents: 1},
	}
	for name, s := range sources {
		if _, err := s.Prompt(0); err == nil {
			t.Errorf("%s: the row that is not there was found", name)
		}
	}
}

func TestPrefixes(t *testing.T) {
	v := Uncounted()
	s := Synthetic{Vocabulary: v, Scenario: scenario(t, "D(30,1)"), Seed: 1}
	p, err := NewPrefixed(s, v, 1, 50, 4)
	if err != nil {
		t.Fatal(err)
	}
	groups := make([]int, 4)
	shared := make([]string, 4)
	for i := range 4000 {
		got := promptOf(t, p, i)
		head, rest := strings.Join(strings.Fields(got.Text)[:50], " "), strings.Join(strings.Fields(got.Text)[50:], " ")
		g := p.Group(i)
		if groups[g]++; shared[g] == "" {
			shared[g] = head
		}
		if head != shared[g] || rest != promptOf(t, s, i).Text || got.Aimed != 80 || got.Tokens != 80 {
			t.Fatalf("request %d of group %d: %+v", i, g, got)
		}
	}
	for g, n := range groups {
		if n < 900 || n > 1100 || slices.Index(shared, shared[g]) != g {
			t.Errorf("group %d has %d requests and the prefix %q", g, n, shared[g])
		}
	}
	rows, err := NewPrefixed(texts(2), v, 1, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := promptOf(t, rows, 0); !strings.HasSuffix(got.Text, "\n\ntwo") || len(strings.Fields(got.Text)) != 4 || got.Aimed != 0 {
		t.Errorf("a row with a prefix: %+v", got)
	}
	for _, bad := range [][2]int{{0, 1}, {1, 0}} {
		if _, err := NewPrefixed(s, v, 1, bad[0], bad[1]); err == nil {
			t.Errorf("%d tokens of %d groups are taken", bad[0], bad[1])
		}
	}
}

func TestBlocks(t *testing.T) {
	shapes := []Shape{
		{Input: 130, Output: 5, Blocks: []int64{7, 8, 9}},
		{Input: 148, Output: 6, Blocks: []int64{7, 8, 4}},
		{Input: 20, Output: 7, Blocks: []int64{3}},
		{Input: 130, Output: 8},
		{Input: 130, Output: 8},
		{Input: 101, Output: 1, Blocks: []int64{7, 8, 1}}, // nothing is left for the last
	}
	b := Blocks{Vocabulary: Uncounted(), Seed: 3, Size: 50, Of: func(i int) Shape { return shapes[i] }, Overhead: 4}
	var all []Prompt
	var words [][]string
	for i, shape := range shapes {
		p := promptOf(t, b, i)
		all, words = append(all, p), append(words, strings.Fields(p.Text))
		if n := len(words[i]); p.Aimed != shape.Input || p.MaxTokens != shape.Output || p.Tokens != n+4 || i < 5 && p.Tokens != p.Aimed {
			t.Errorf("request %d: %d words, %+v", i, n, p)
		}
	}
	if !slices.Equal(words[0][:100], words[1][:100]) || slices.Equal(words[0][100:104], words[1][100:104]) {
		t.Error("two prompts share other blocks than those they have in common")
	}
	if slices.Equal(words[0][:3], words[2][:3]) || slices.Equal(words[3][:4], words[4][:4]) {
		t.Error("prompts without a block in common share words")
	}
	if all[5].Tokens != 105 {
		t.Errorf("the prompt whose end has no room has %d tokens", all[5].Tokens)
	}
}

func TestRanked(t *testing.T) {
	s := Synthetic{Vocabulary: Uncounted(), Scenario: scenario(t, "D(10,5)"), Seed: 1}
	seen := make(map[string]bool)
	for i := range 10 {
		p := promptOf(t, Ranked{Source: s, Documents: 3}, i)
		if len(p.Documents) != 3 || p.Aimed != 40 || p.Tokens != 40 || p.MaxTokens != 0 {
			t.Errorf("%+v", p)
		}
		for _, text := range append(p.Documents, p.Text) {
			if seen[text] {
				t.Errorf("%q comes twice", text)
			}
			seen[text] = true
		}
	}
}

func TestImages(t *testing.T) {
	s := Illustrated{Source: texts(1), Seed: 3, Images: 2, Size: Size{64, 48}}
	seen := make(map[string]bool)
	for i := range 50 {
		p, again := promptOf(t, s, i), promptOf(t, s, i)
		if p.Text != "one" || len(p.Images) != 2 {
			t.Fatalf("%+v", p)
		}
		for k, img := range p.Images {
			if !bytes.Equal(img.Data, again.Images[k].Data) {
				t.Error("an image is not always the same")
			}
			decoded, err := png.Decode(bytes.NewReader(img.Data))
			if err != nil || decoded.Bounds().Dx() != 64 || decoded.Bounds().Dy() != 48 || img.MIME != "image/png" {
				t.Fatalf("%s of %v: %v", img.MIME, decoded.Bounds(), err)
			}
			if seen[string(img.Data)] {
				t.Error("two images are the same")
			}
			seen[string(img.Data)] = true
		}
	}
	s.Seed++
	if seen[string(promptOf(t, s, 0).Images[0].Data)] {
		t.Error("another seed has the same image")
	}
	kept := []Image{{URL: "u"}, {URL: "w"}}
	s.Source = Rows{Order: func(int) int { return 0 }, At: func(int) (Prompt, error) { return Prompt{Images: kept[:1]}, nil }}
	if p := promptOf(t, s, 0); len(p.Images) != 3 || p.Images[0].URL != "u" || kept[1].URL != "w" {
		t.Errorf("images of the row: %d, and after it %+v", len(p.Images), kept[1])
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{"512x256": {512, 256}, "1X1": {1, 1}, "8192×3": {8192, 3}} {
		if got, err := ParseSize(text); got != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "512", "0x5", "5x9000", "-1x2", "1x2x3", "ax2"} {
		if _, err := ParseSize(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

func TestAdapters(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	tests := []struct {
		mix  Mix
		want map[string]float64 // shares of the requests
	}{
		{MixSingle, map[string]float64{"a": 1}},
		{MixUniform, map[string]float64{"a": .25, "b": .25, "c": .25, "d": .25}},
		{MixZipf, map[string]float64{"a": .48, "b": .24, "c": .16, "d": .12}},
		{MixMixed, map[string]float64{"": .5, "a": .125, "b": .125, "c": .125, "d": .125}},
		{MixAllUnique, map[string]float64{"a": .25, "b": .25, "c": .25, "d": .25}},
	}
	for _, tt := range tests {
		a := Adapted{Source: texts(1), Seed: 9, Mix: tt.mix, Names: names}
		if err := a.Check(); err != nil {
			t.Error(err)
		}
		const n = 20000
		got := make(map[string]float64)
		for i := range n {
			p := promptOf(t, a, i)
			got[p.Adapter] += 1.0 / n
			if tt.mix == MixAllUnique && p.Adapter != names[i%4] {
				t.Fatalf("request %d has %q", i, p.Adapter)
			}
		}
		for name, share := range tt.want {
			if math.Abs(got[name]-share) > 0.015 || len(got) != len(tt.want) {
				t.Errorf("%s: shares %v, want %v", tt.mix, got, tt.want)
			}
		}
	}
	for _, bad := range []Adapted{{Mix: "skewed", Names: names}, {Mix: MixZipf}, {Mix: MixZipf, Names: []string{"a", ""}}} {
		if err := bad.Check(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
