package sketch

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestRoundTrip: a sketch that was written and read answers as before, and
// merges with others as before.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(7, seed))
		var s, other Sketch
		for range rng.IntN(4 * ExactSamples) {
			v := math.Exp(rng.NormFloat64()*3 + 2)
			switch rng.IntN(8) {
			case 0:
				s.AddN(v, float64(2+rng.IntN(9)))
			case 1:
				s.Add(0)
			default:
				s.Add(v)
			}
			other.Add(v * 2)
		}
		text, err := json.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		read := new(Sketch)
		if err := json.Unmarshal(text, read); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		same(t, seed, "read", read, &s)
		again, err := json.Marshal(read)
		if err != nil || string(again) != string(text) {
			t.Errorf("seed %d: written again it differs: %v", seed, err)
		}
		read.Merge(&other)
		s.Merge(&other)
		same(t, seed, "merged", read, &s)
	}
}

func same(t *testing.T, seed uint64, what string, got, want *Sketch) {
	t.Helper()
	if math.Abs(got.Count()-want.Count()) > 1e-9*want.Count() || math.Abs(got.Sum()-want.Sum()) > 1e-9*want.Sum() {
		t.Errorf("seed %d, %s: count %v sum %v, want %v and %v", seed, what, got.Count(), got.Sum(), want.Count(), want.Sum())
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		g, ok := got.Quantile(q)
		w, wanted := want.Quantile(q)
		if g != w || ok != wanted {
			t.Errorf("seed %d, %s: quantile %v is %v, want %v", seed, what, q, g, w)
		}
	}
}

func TestBrokenSketches(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":          `[`,
		"a word":           `{"count":1,"samples":"one"}`,
		"a weight":         `{"count":1,"samples":"1*x"}`,
		"too few samples":  `{"count":3,"samples":"1 2"}`,
		"no base64":        `{"count":1,"ddsketch":"!"}`,
		"no protobuf":      `{"count":1,"ddsketch":"/////w=="}`,
		"without mapping":  `{"count":1,"ddsketch":"IQAAAAAAAPA/"}`,
		"another error":    `{"count":1,"ddsketch":"CgkJAAAAAAAA9D8hAAAAAAAA8D8="}`,
		"not even a count": `{"samples":"1"}`,
	} {
		if err := json.Unmarshal([]byte(text), new(Sketch)); err == nil || name != "no JSON" && !strings.Contains(err.Error(), "sketch") && !strings.Contains(err.Error(), "base64") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var empty Sketch
	text, err := json.Marshal(&empty)
	if err == nil {
		err = json.Unmarshal(text, &empty)
	}
	if err != nil || empty.Count() != 0 {
		t.Errorf("an empty sketch: %v", err)
	}
}
