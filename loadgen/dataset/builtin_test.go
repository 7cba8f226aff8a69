package dataset

import (
	"context"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func builtin(t *testing.T, max int) *Dataset {
	t.Helper()
	d, err := Open(context.Background(), Config{Key: BuiltinKey, MaxPrompts: max})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestBuiltinIsWellFormed(t *testing.T) {
	d := builtin(t, 0)
	if d.Len() < 300 {
		t.Errorf("%d prompts, want 300 or more", d.Len())
	}
	ids, seen := map[string]bool{}, map[string]string{}
	foreign := 0
	for i := range d.Len() {
		p := d.At(i)
		if ids[p.ID] || !strings.HasPrefix(p.ID, p.Domain+"-") {
			t.Errorf("id %q of domain %q is taken, or of another domain", p.ID, p.Domain)
		}
		ids[p.ID] = true
		if p.Text != strings.TrimSpace(p.Text) {
			t.Errorf("%s has spaces around it", p.ID)
		}
		if other, ok := seen[words(p.Text)]; ok {
			t.Errorf("%s and %s are the same", p.ID, other)
		}
		seen[words(p.Text)] = p.ID
		if strings.ContainsFunc(p.Text, func(r rune) bool { return r > 0x24f && unicode.IsLetter(r) }) {
			foreign++
		}
	}
	if foreign < 5 {
		t.Errorf("%d prompts in other scripts, want 5 or more", foreign)
	}
}

// words is a text without what differs between copies of it.
func words(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r)
	}), " ")
}

// A template filled in many times gives prompts that share most of their word
// triples; a benchmark of those is one of the prefix cache.
func TestBuiltinHasNoNearDuplicates(t *testing.T) {
	d := builtin(t, 0)
	sets := make([]map[string]bool, d.Len())
	for i := range sets {
		w := strings.Fields(words(d.At(i).Text))
		sets[i] = map[string]bool{}
		for j := 0; j+3 <= len(w); j++ {
			sets[i][strings.Join(w[j:j+3], " ")] = true
		}
	}
	for i := range sets {
		for j := range i {
			small, big := sets[i], sets[j]
			if len(small) > len(big) {
				small, big = big, small
			}
			common := 0
			for s := range small {
				if big[s] {
					common++
				}
			}
			if common >= 4 && common*3 > len(small) {
				t.Errorf("%s and %s share %d of %d word triples", d.At(i).ID, d.At(j).ID, common, len(small))
			}
		}
	}
}

func TestBuiltinSpread(t *testing.T) {
	d := builtin(t, 0)
	domains := map[string]int{}
	var lengths []int
	for i := range d.Len() {
		domains[d.At(i).Domain]++
		lengths = append(lengths, len(d.At(i).Text))
	}
	if len(domains) < 12 {
		t.Errorf("%d domains, want 12 or more", len(domains))
	}
	for name, n := range domains {
		if n < 15 || n*5 > d.Len() {
			t.Errorf("domain %s has %d of %d prompts", name, n, d.Len())
		}
	}
	slices.Sort(lengths)
	for _, tc := range []struct {
		what     string
		at       int // of the sorted lengths, in bytes
		min, max int
	}{
		{"shortest", 0, 1, 40},
		{"first quartile", len(lengths) / 4, 60, 130},
		{"median", len(lengths) / 2, 100, 200},
		{"third quartile", len(lengths) * 3 / 4, 150, 500},
		{"95th percentile", len(lengths) * 95 / 100, 800, 2500},
		{"longest", len(lengths) - 1, 6000, 12000},
	} {
		if n := lengths[tc.at]; n < tc.min || n > tc.max {
			t.Errorf("%s is %d bytes, want %d to %d", tc.what, n, tc.min, tc.max)
		}
	}
}

func TestBuiltinDomainsTakeTurns(t *testing.T) {
	d := builtin(t, 12)
	if d.Len() != 12 {
		t.Fatalf("%d prompts, want 12", d.Len())
	}
	domains := map[string]bool{}
	for i := range d.Len() {
		domains[d.At(i).Domain] = true
	}
	if len(domains) != 12 {
		t.Errorf("the first 12 prompts are of %d domains", len(domains))
	}
	if a, b := builtin(t, 0).Digest(), builtin(t, 0).Digest(); a != b {
		t.Error("opened twice, the prompts differ")
	}
}
