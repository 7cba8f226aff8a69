package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestWelch against the density of Student's t, integrated numerically.
func TestWelch(t *testing.T) {
	d := Welch([]float64{24, 26, 25, 27}, []float64{28, 30, 29, 33, 30})
	// 25.5 and 30: t = 4.258442 with 6.913244 degrees of freedom
	for name, v := range map[string][2]float64{
		"share": {d.Share.Or(0), 4.5 / 25.5}, "p": {d.P.Or(0), 0.0038621475}, "low": {d.Low.Or(0), 1.9948728 / 25.5}, "high": {d.High.Or(0), 7.0051272 / 25.5},
	} {
		if math.Abs(v[0]-v[1]) > 1e-6 {
			t.Errorf("%s is %v, want %v", name, v[0], v[1])
		}
	}
}

// TestFisher against R: fisher.test(matrix(c(1, 9, 11, 3), 2)) has p = 0.002759.
func TestFisher(t *testing.T) {
	if d := Fisher(1, 10, 11, 14); math.Abs(d.P.Or(0)-0.002759) > 1e-6 || d.Base != 0.1 {
		t.Errorf("%+v", d)
	}
	if d := Fisher(0, 300, 0, 300); d.P.Or(0) != 1 || d.Verdict(false, 0.05, 0.05) != Same {
		t.Errorf("none of either: %+v", d)
	}
	if d := Fisher(0, 300, 3, 300); d.Verdict(false, 0.05, 0.05) != CantTell {
		t.Errorf("3 of 300 may be chance: %+v", d)
	}
	if d := Fisher(0, 300, 30, 300); d.Verdict(false, 0.05, 0.05) != Worse {
		t.Errorf("30 of 300 are no chance: %+v", d)
	}
	if d := Fisher(0, 0, 30, 300); d.P.Ok() {
		t.Errorf("nothing was asked of one side: %+v", d)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name      string
		base, new []float64
		higher    bool
		want      Verdict
	}{
		{"faster", []float64{100, 101, 99}, []float64{120, 121, 119}, true, Better},
		{"slower", []float64{100, 101, 99}, []float64{80, 81, 79}, true, Worse},
		{"a longer latency", []float64{100, 101, 99}, []float64{120, 121, 119}, false, Worse},
		{"a shorter latency", []float64{100, 101, 99}, []float64{80, 81, 79}, false, Better},
		{"the same", []float64{100, 101, 99}, []float64{100.5, 101, 99}, true, Same},
		{"significant, and within the threshold", []float64{100, 100.1, 99.9}, []float64{97, 97.1, 96.9}, true, Same},
		{"too noisy", []float64{100, 130, 70}, []float64{80, 110, 50}, true, CantTell},
		{"one run on a side", []float64{100}, []float64{50, 51, 52}, true, CantTell},
		{"one run each", []float64{100}, []float64{50}, true, CantTell},
		{"none on a side", nil, []float64{50}, true, CantTell},
		{"runs that do not differ at all", []float64{1, 1}, []float64{1, 1}, true, Same},
		{"zero in all of base", []float64{0, 0, 0}, []float64{5, 5.1, 4.9}, true, Better},
	} {
		if got := Welch(c.base, c.new).Verdict(c.higher, 0.05, 0.05); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestLevel(t *testing.T) {
	for _, c := range []struct {
		name string
		ps   []float64
		want float64
	}{
		{"none", nil, 0},
		{"one", []float64{0.04}, 0.04},
		{"one of many", []float64{0.04, 0.5, 0.9, 0.7}, 0},
		{"one that is clear, of many", []float64{0.5, 0.012, 0.9, 0.7}, 0.012},
		{"all of them", []float64{0.04, 0.05, 0.03, 0.045}, 0.05},
	} {
		if got := Level(c.ps); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestDriftCancels: sides measured in turns under a drift of 20 % differ by 3 %.
// In pairs that is seen; as two sets of runs it is lost in the drift. Without
// a difference pairs raise a false alarm in no more than their share.
func TestDriftCancels(t *testing.T) {
	const sims = 400
	found, lost, alarms := 0, 0, 0
	for seed := range uint64(sims) {
		rng := rand.New(rand.NewPCG(4, seed))
		var base, slower, same []float64
		for block := range 8 {
			drift := 100 * (1 - 0.025*float64(block))
			noise := func() float64 { return 1 + 0.005*rng.NormFloat64() }
			base, slower, same = append(base, drift*noise()), append(slower, 0.97*drift*noise()), append(same, drift*noise())
		}
		if Paired(base, slower).Verdict(true, 0.01, 0.05) == Worse {
			found++
		}
		if Welch(base, slower).Verdict(true, 0.01, 0.05) == CantTell {
			lost++
		}
		if v := Paired(base, same).Verdict(true, 0, 0.05); v == Worse || v == Better {
			alarms++
		}
	}
	if found < 0.95*sims || lost < 0.95*sims || alarms > 0.08*sims {
		t.Errorf("of %d, pairs find %d, runs lose %d, false alarms %d", sims, found, lost, alarms)
	}
}
