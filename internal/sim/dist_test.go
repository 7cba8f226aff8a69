package sim

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestDistErrors(t *testing.T) {
	for _, c := range []struct {
		text      string
		durations bool
		want      string
	}{
		{"", true, "not a duration"},
		{"50", true, "not a duration"},
		{"-1s", true, "below zero"},
		{"-1", false, "below zero"},
		{"NaN", false, "not a number"},
		{"many", false, "not a number"},
		{"uniform(1,2", false, "closing parenthesis"},
		{"uniform(1)", false, "takes 2 values, got 1"},
		{"uniform(2,1)", false, "a <= b"},
		{"exp(1,2)", false, "takes 1 values, got 2"},
		{"normal(1s,2)", true, "not a duration"},
		{"lognormal(1s,2s)", true, "not a number"},
		{"zipf(1,2)", false, "unknown shape \"zipf\": want a constant, uniform(a,b)"},
	} {
		parse := ParseCounts
		if c.durations {
			parse = ParseDurations
		}
		if d, err := parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) || d.IsSet() {
			t.Errorf("%q: %v %v, want an error about %q", c.text, d, err, c.want)
		}
	}
}

// TestDistMoments draws many and compares the mean with the known one.
func TestDistMoments(t *testing.T) {
	ms := float64(time.Millisecond)
	for text, mean := range map[string]float64{
		"50ms": 50 * ms, "uniform(10ms,30ms)": 20 * ms, "normal(100ms,5ms)": 100 * ms,
		"exp(20ms)": 20 * ms, "lognormal(10ms, 0.5)": 10 * ms * math.Exp(0.125), "0s": 0,
	} {
		d, err := ParseDurations(text)
		if err != nil {
			t.Fatal(err)
		}
		const n = 100000
		rng, sum := source(1, streamTime, 0), 0.0
		for range n {
			v := d.sample(rng)
			if v < 0 {
				t.Fatalf("%s drew %v", text, v)
			}
			sum += v
		}
		if got := sum / n; math.Abs(got-mean) > 0.02*mean {
			t.Errorf("%s: mean %v, want %v", text, got, mean)
		}
	}
	if d, err := ParseCounts("normal(0,5)"); err != nil || d.count(source(1, streamTime, 1)) < 0 {
		t.Errorf("a count below zero, or %v", err)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Dialect: "gpt"}, "speaks vllm, sglang"},
		{Config{Slots: -1}, "below zero"},
		{Config{SilentTokenRate: 2}, "0 to 1"},
		{Config{CachedTTFT: 2}, "0 to 1"},
		{Config{Model: "a\"b"}, "not allowed"},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error about %q", c.cfg, err, c.want)
		}
	}
}

// TestPlanIsPure: the answer depends on seed and prompt, its pace on seed and
// number, and the cache shortens the TTFT.
func TestPlanIsPure(t *testing.T) {
	cfg, err := Config{Seed: 7, OutputTokens: mustCounts(t, "uniform(20,200)"), TTFT: mustDurations(t, "exp(1s)"), ITL: mustDurations(t, "exp(1s)")}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	r := &request{endpoint: chat, n: 2, prompts: []prompt{textPrompt("hello you there")}}
	a, b := newPlan(&cfg, r), newPlan(&cfg, r)
	if x, y := strings.Join(a.choices[1].tokens, ""), strings.Join(b.choices[1].tokens, ""); x != y || x == strings.Join(a.choices[0].tokens, "") {
		t.Errorf("choices: %q, again %q", x, y)
	}
	a.schedule(&cfg, 1, 1, 0)
	b.schedule(&cfg, 2, 1, 0)
	if a.times[0] == b.times[0] {
		t.Error("two requests have the same TTFT")
	}
	first := a.times[0]
	a.cached[0] = 2
	a.schedule(&cfg, 1, 1, 0)
	if want := time.Duration(float64(first) * 0.5); (a.times[0] - want).Abs() > time.Microsecond {
		t.Errorf("TTFT with two of three tokens cached is %v, without %v; want %v", a.times[0], first, want)
	}
}

func mustCounts(t *testing.T, s string) Dist {
	t.Helper()
	d, err := ParseCounts(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustDurations(t *testing.T, s string) Dist {
	t.Helper()
	d, err := ParseDurations(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
