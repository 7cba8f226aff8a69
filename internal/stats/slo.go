package stats

import (
	"fmt"
	"strings"
	"time"

	"tokenomics/internal/record"
)

// SLO is what a request has to meet to be good, beyond succeeding. A bound of
// zero asks nothing.
type SLO struct {
	TTFT, TTFO, TPOT, E2E time.Duration
}

// ParseSLO reads bounds such as "ttft:500 tpot:50" or "ttft=500ms,tpot=50ms".
// A number without a unit is in milliseconds. Both e2e and e2el name E2E.
func ParseSLO(text string) (SLO, error) {
	var s SLO
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		name, value, ok := strings.Cut(strings.Replace(part, "=", ":", 1), ":")
		bound := map[string]*time.Duration{"ttft": &s.TTFT, "ttfo": &s.TTFO, "tpot": &s.TPOT, "e2e": &s.E2E, "e2el": &s.E2E}[strings.ToLower(name)]
		switch {
		case !ok || bound == nil:
			return SLO{}, fmt.Errorf("%q is no bound: write ttft, ttfo, tpot or e2e and a time, such as ttft:500 or tpot=50ms", part)
		case *bound != 0:
			return SLO{}, fmt.Errorf("%s is bounded twice", name)
		}
		ms, err := milliseconds(value)
		if err != nil {
			return SLO{}, fmt.Errorf("%q is no bound: %w", part, err)
		}
		*bound = time.Duration(ms * float64(time.Millisecond))
	}
	return s, nil
}

// met says whether a request that succeeded met the bounds, from the moment it
// was due in an open loop, else from its sending. It is not judged where it
// lacks a figure that is bounded: a stream that came in lumps has no TPOT. One
// of a single token event had nothing to decode, which is no reason.
func (s SLO) met(r *record.Record, open bool) (met, judged bool) {
	ttft, ttfo, e2e := r.TTFT, r.TTFO, r.E2E
	if open {
		ttft, ttfo, e2e = r.TTFTSched, r.TTFOSched, r.E2ESched
	}
	met, judged = true, true
	for _, b := range []struct {
		bound  time.Duration
		figure func() (time.Duration, bool)
	}{{s.TTFT, ttft}, {s.TTFO, ttfo}, {s.TPOT, func() (time.Duration, bool) { return tpot(r) }}, {s.E2E, e2e}} {
		if b.bound == 0 {
			continue
		}
		d, ok := b.figure()
		judged = judged && ok
		met = met && ok && d <= b.bound
	}
	return met, judged
}

// tpot is the request's TPOT, 0 where there was nothing to decode.
func tpot(r *record.Record) (time.Duration, bool) {
	if n, ok := r.Usage.Completion.Get(); ok && r.Stream && n <= r.FirstTokens.Or(1) {
		return 0, true
	}
	return r.TPOT()
}
