package loadgen

import (
	"context"
	"fmt"
	"slices"

	"tokenomics/internal/results"
)

// Alternate runs several sweeps of the same points in turns: run n of a point
// at each, before run n+1 at any, and every second time in the other order. So
// what drifts over all of them falls on each alike. It returns what each has
// measured.
func Alternate(ctx context.Context, sweeps ...*Sweep) (done [][]results.Measured, err error) {
	done = make([][]results.Measured, len(sweeps))
	for _, s := range sweeps {
		if s.Progress == nil {
			s.Progress = quiet{}
		}
		if err := s.warmUp(ctx); err != nil {
			return done, err
		}
	}
	for {
		p, ok := sweeps[0].Route(done[0])
		if !ok {
			return done, nil
		}
		if err := alternate(ctx, sweeps, p, done); err != nil {
			for k := range done { // a sweep whose turn had not come has nothing of the point
				done[k] = slices.DeleteFunc(done[k], func(m results.Measured) bool { return len(m.Runs) == 0 })
			}
			return done, err
		}
	}
}

// alternate runs one point at each sweep until that is enough for all.
func alternate(ctx context.Context, sweeps []*Sweep, p Point, done [][]results.Measured) error {
	for k := range sweeps {
		done[k] = append(done[k], results.Measured{Name: p.Name, Load: p.Load})
	}
	enough := func() bool {
		for k, s := range sweeps {
			if !s.Enough(done[k][len(done[k])-1]) {
				return false
			}
		}
		return true
	}
	for n := 1; n == 1 || !enough(); n++ {
		for i := range sweeps {
			k := i
			if n%2 == 0 {
				k = len(sweeps) - 1 - i
			}
			r, err := sweeps[k].run(ctx, p, n)
			if m := &done[k][len(done[k])-1]; r.Window.Summary().Requests > 0 {
				m.Runs = append(m.Runs, r)
			} else if err == nil {
				err = fmt.Errorf("run %d of %s sent no request", n, p.Name)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
