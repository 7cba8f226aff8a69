package tokenizer

import (
	"math"
	"testing"
)

func TestCalibration(t *testing.T) {
	type sample struct{ words, tokens int }
	tests := []struct {
		name    string
		samples []sample
		perWord float64
		extra   float64
		ok      bool
	}{
		{"nothing", nil, 0, 0, false},
		{"one length says nothing of the other", []sample{{10, 20}, {10, 22}}, 0, 0, false},
		{"a token a word and a template", []sample{{10, 17}, {100, 107}}, 1, 7, true},
		{"1.5 tokens a word", []sample{{10, 20}, {20, 35}, {200, 305}}, 1.5, 5, true},
		{"noise around 2", []sample{{10, 21}, {10, 23}, {50, 101}, {50, 103}}, 2, 2, true},
		{"no line", []sample{{10, 50}, {20, 40}}, 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c Calibration
			for _, s := range tt.samples {
				c.Add(s.words, s.tokens)
			}
			perWord, extra, ok := c.Fit()
			if ok != tt.ok || ok && (math.Abs(perWord-tt.perWord) > 1e-9 || math.Abs(extra-tt.extra) > 1e-9) {
				t.Errorf("%v tokens a word and %v (%v), want %v and %v (%v)", perWord, extra, ok, tt.perWord, tt.extra, tt.ok)
			}
		})
	}
}
