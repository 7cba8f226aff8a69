package prompt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"tokenomics/internal/sim"
	"tokenomics/loadgen/tokenizer"
)

// counting is a Counter that says how often it was asked.
type counting struct {
	count func(text string) (int, error)
	asked int
}

func (c *counting) Count(_ context.Context, text string) (int, error) {
	c.asked++
	return c.count(text)
}

// perRune is the tokenizer of a model without English: a token a character.
func perRune(text string) (int, error) { return len([]rune(text)), nil }

func scenario(t *testing.T, text string) Scenario {
	t.Helper()
	s, err := ParseScenario(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func learned(t *testing.T, c tokenizer.Counter) *Vocabulary {
	t.Helper()
	v, err := Learn(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestLengthsAreTheTokenizers makes texts of many lengths, for each tokenizer
// that there is one of, and has each counted: they have as many tokens as they
// are said to have, and as were aimed at.
func TestLengthsAreTheTokenizers(t *testing.T) {
	files, err := filepath.Glob("../tokenizer/testdata/*[a-z0-9].json")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d tokenizers, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := tokenizer.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			v := learned(t, f)
			if !v.Exact() {
				t.Error("lengths are averages")
			}
			s := Synthetic{Vocabulary: v, Scenario: scenario(t, "U(8,500)/(1,9)"), Seed: 5}
			p, err := NewPrefixed(s, v, 5, 100, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, source := range []Source{s, p} {
				for i := range 60 {
					got := promptOf(t, source, i)
					n, err := f.Count(t.Context(), got.Text)
					if err != nil || n != got.Tokens || n != got.Aimed {
						t.Fatalf("%q: %d tokens (%v), aimed at %d, told as %d", got.Text, n, err, got.Aimed, got.Tokens)
					}
				}
			}
		})
	}
}

func promptOf(t *testing.T, s Source, i int) Prompt {
	t.Helper()
	p, err := s.Prompt(i)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLearnAsksEnginesLittle: a model that knows English is learned in few counts.
func TestLearnAsksEnginesLittle(t *testing.T) {
	for _, engine := range []struct{ name, dialect string }{{"vllm", "vllm"}, {"sglang", "sglang"}, {"llama_cpp", "llamacpp"}} {
		e := tokenizer.Engine{Root: simulated(t, engine.dialect), Name: engine.name}
		c := &counting{count: func(text string) (int, error) { return e.Count(t.Context(), text) }}
		v := learned(t, c)
		if !v.Exact() || v.Size() < enough || c.asked > 50 {
			t.Errorf("%s: exact %v, %d words, %d counts", engine.name, v.Exact(), v.Size(), c.asked)
		}
		p := promptOf(t, Synthetic{Vocabulary: v, Scenario: scenario(t, "D(1000,5)"), Overhead: 8}, 1)
		if n, err := c.Count(t.Context(), p.Text); n != 992 || p.Aimed != 1000 || p.Tokens != 1000 || p.MaxTokens != 5 || err != nil {
			t.Errorf("%s: %d tokens (%v), %+v", engine.name, n, err, p)
		}
	}
}

func simulated(t *testing.T, dialect string) (root string) {
	t.Helper()
	s, err := sim.New(sim.Config{Dialect: dialect})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

func TestLearnOfOddTokenizers(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name  string
		count func(text string) (int, error)
		exact bool
		err   string
	}{
		{"a token a character", perRune, true, ""},
		{"a token before each text", func(s string) (int, error) { return len(strings.Fields(s)) + 1, nil }, true, ""},
		{"three tokens for two words", func(s string) (int, error) { return len(strings.Fields(s)) * 3 / 2, nil }, false, ""},
		{"one token for two words", func(s string) (int, error) { return (len(strings.Fields(s)) + 1) / 2, nil }, false, "lengths calibrated"},
		{"always one token", func(string) (int, error) { return 1, nil }, false, "lengths calibrated"},
		{"none at all", func(string) (int, error) { return 0, nil }, false, `0 tokens in "Explain"`},
		{"broken", func(string) (int, error) { return 0, broken }, false, "broken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &counting{count: tt.count}
			v, err := Learn(t.Context(), c)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q in it", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v.Exact() != tt.exact || c.asked > patience+chunk*2+32 {
				t.Errorf("exact %v after %d counts", v.Exact(), c.asked)
			}
			p := promptOf(t, Synthetic{Vocabulary: v, Scenario: scenario(t, "D(2000,1)")}, 3)
			n, err := tt.count(p.Text)
			if off := n - 2000; err != nil || off < -40 || off > 40 || p.Tokens-2000 > 3 || 2000-p.Tokens > 3 {
				t.Errorf("a text of 2000 tokens has %d (%v), told as %d", n, err, p.Tokens)
			}
		})
	}
}

// TestCalibratedLengths plays what a run does without a tokenizer: texts of
// known words, the engine's word for their tokens, texts of known tokens.
func TestCalibratedLengths(t *testing.T) {
	engine := func(text string) int { return len(text)/4 + 11 } // and a template
	var c tokenizer.Calibration
	for i := range 8 {
		words := 50 << (i % 4)
		p := promptOf(t, Synthetic{Vocabulary: Uncounted(), Scenario: scenario(t, fmt.Sprintf("D(%d,1)", words)), Seed: 1}, i)
		if n := len(strings.Fields(p.Text)); n != words || p.Tokens != words {
			t.Fatalf("%d words, told as %d, want %d", n, p.Tokens, words)
		}
		c.Add(words, engine(p.Text))
	}
	perWord, overhead, ok := c.Fit()
	if !ok {
		t.Fatal("nothing was learned")
	}
	v := Calibrated(perWord)
	if v.Exact() {
		t.Error("an average is called exact")
	}
	for i := range 20 {
		p := promptOf(t, Synthetic{Vocabulary: v, Scenario: scenario(t, "D(1000,1)"), Seed: 2, Overhead: int(overhead)}, i)
		if n := engine(p.Text); n < 950 || n > 1050 || p.Tokens < 999 || p.Tokens > 1001 {
			t.Errorf("prompt %d: %d tokens, told as %d, %.2f a word", i, n, p.Tokens, perWord)
		}
	}
}

// TestTextsArePinned holds the texts of a seed: they must be the same in every
// version, or results of the same command no longer compare.
func TestTextsArePinned(t *testing.T) {
	s := Synthetic{Vocabulary: Uncounted(), Scenario: scenario(t, "U(6,9)/(1,9)"), Seed: 42}
	want := []string{
		"Make likely passenger houses building recipe",
		"Consider limit passenger houses margin lights takes rate else",
		"Consider limits passenger houses play paper",
	}
	for i, text := range want {
		if p := promptOf(t, s, i); p.Text != text {
			t.Errorf("text %d is %q, was %q", i, p.Text, text)
		}
	}
	p, err := NewPrefixed(s, s.Vocabulary, 42, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, was := promptOf(t, p, 0).Text, "Consider oil height foundation twelve "+want[0]; got != was {
		t.Errorf("with a prefix it is %q, was %q", got, was)
	}
}

func TestTextsDiffer(t *testing.T) {
	v := Uncounted()
	for _, seed := range []uint64{1, 2} {
		s := Synthetic{Vocabulary: v, Scenario: scenario(t, "D(4,1)"), Seed: seed}
		seen := make(map[string]int)
		for i := -1000; i < 50_000; i++ {
			p := promptOf(t, s, i)
			rest := strings.Fields(p.Text)[1:] // whatever the opening
			if other, ok := seen[strings.Join(rest, " ")]; ok {
				t.Fatalf("texts %d and %d are %q", i, other, p.Text)
			}
			seen[strings.Join(rest, " ")] = i
		}
	}
	one, two := Synthetic{Vocabulary: v, Scenario: scenario(t, "D(40,1)"), Seed: 1}, Synthetic{Vocabulary: v, Scenario: scenario(t, "D(40,1)"), Seed: 2}
	first, again, other := promptOf(t, one, 7).Text, promptOf(t, one, 7).Text, promptOf(t, two, 7).Text
	if first != again || first == other {
		t.Error("texts are not a function of the seed")
	}
}

// TestTooShort: where nothing fits there is still a text, and its length is told.
func TestTooShort(t *testing.T) {
	p := promptOf(t, Synthetic{Vocabulary: Uncounted(), Scenario: scenario(t, "D(3,1)"), Overhead: 10}, 0)
	if len(strings.Fields(p.Text)) != 1 || p.Aimed != 3 || p.Tokens != 11 {
		t.Errorf("%+v", p)
	}
}
