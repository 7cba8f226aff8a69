package sketch

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// nearestRank is the definition, on a plain sorted slice.
func nearestRank(sorted []float64, q float64) float64 {
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func TestQuantile(t *testing.T) {
	for _, n := range []int{1, 2, 3, ExactSamples, ExactSamples + 1, 20000} {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		var s, left, right Sketch
		var all []float64
		for i := range n {
			v := math.Exp(rng.NormFloat64()*2 - 4)
			all = append(all, v)
			s.Add(v)
			if i%3 == 0 {
				left.Add(v)
			} else {
				right.Add(v)
			}
		}
		slices.Sort(all)
		left.Merge(&right)
		tolerance := 0.0
		if n > ExactSamples {
			tolerance = RelativeError * 1.0001
		}
		for _, q := range []float64{0.5, 0.9, 0.99} {
			want := nearestRank(all, q)
			for name, sk := range map[string]*Sketch{"whole": &s, "merged": &left} {
				got, ok := sk.Quantile(q)
				if !ok || math.Abs(got-want) > tolerance*want {
					t.Errorf("n=%d q=%v %s: got %v, want %v", n, q, name, got, want)
				}
			}
		}
		if got, _ := s.Max(); got != all[n-1] {
			t.Errorf("n=%d: max %v, want %v", n, got, all[n-1])
		}
		if left.Count() != float64(n) {
			t.Errorf("n=%d: merged count %v", n, left.Count())
		}
	}
}

func TestWeights(t *testing.T) {
	var s Sketch
	s.AddN(1, 9)
	s.AddN(100, 1)
	if v, _ := s.Quantile(0.9); v != 1 {
		t.Errorf("p90 = %v, want 1", v)
	}
	if v, _ := s.Quantile(0.91); v != 100 {
		t.Errorf("p91 = %v, want 100", v)
	}
	if m, _ := s.Mean(); math.Abs(m-10.9) > 1e-12 {
		t.Errorf("mean = %v, want 10.9", m)
	}
}

func TestNotSamples(t *testing.T) {
	var s Sketch
	for _, v := range []float64{-1, math.NaN(), math.Inf(1)} {
		s.Add(v)
	}
	s.AddN(1, 0)
	if _, ok := s.Quantile(0.5); ok || s.Count() != 0 {
		t.Errorf("an empty sketch answers: count %v", s.Count())
	}
}

// TestWeightsThatComeLate: samples of weight 1 are kept apart until another
// comes, which shows nowhere.
func TestWeightsThatComeLate(t *testing.T) {
	for _, n := range []int{0, 1, 5, ExactSamples - 1, ExactSamples, ExactSamples + 1} {
		var late, plain, merged Sketch
		for i := range n {
			late.Add(float64(n - i))
			plain.Add(float64(n - i))
		}
		late.AddN(0.5, 1000)
		merged.AddN(0.5, 1000)
		merged.Merge(&plain)
		for _, s := range []*Sketch{&late, &merged} {
			if s.Count() != float64(n+1000) {
				t.Errorf("%d samples: count %v", n, s.Count())
			}
			for range 2 { // before it is sorted, and after
				for q, want := range map[float64]float64{0.5: 0.5, 1: max(0.5, float64(n))} {
					if v, ok := s.Quantile(q); !ok || math.Abs(v-want) > want*RelativeError {
						t.Errorf("%d samples: quantile %v is %v, want %v", n, q, v, want)
					}
				}
				s.Sort()
			}
		}
	}
}
