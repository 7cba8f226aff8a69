package stats

import (
	"math"
	"time"

	"tokenomics/internal/record"
)

// Second is one second of a run, by the time of the events themselves.
type Second struct {
	T            float64             `json:"t"`                 // when it begins, in seconds since the run's clock started
	Width        float64             `json:"width_s,omitempty"` // how many seconds it stands for, where that is not one
	Sent         int                 `json:"sent"`              // requests sent
	Done         int                 `json:"done"`              // requests that succeeded
	Failed       int                 `json:"failed"`            // requests that failed
	InFlight     int                 `json:"in_flight"`         // most requests in flight
	OutputTokens float64             `json:"output_tokens"`     // that arrived, of any request
	TTFT         record.Opt[float64] `json:"ttft_ms,omitzero"`  // mean of the first tokens that arrived
}

// maxSeconds is how many there are of a run: two hours. Those of a longer one
// stand for two seconds each, or four, and so on.
const maxSeconds = 7200

// Seconds is the run second by second since from, when its clock started. It is
// exact where that is the window's Begin too, and else to an eighth of a second.
func (w *Window) Seconds(from time.Time) []Second {
	l := &w.timeline
	if len(l.cells) == 0 {
		return nil
	}
	step := max(time.Second, l.width)
	for l.begins(len(l.cells)).Sub(from)/step >= maxSeconds {
		step *= 2
	}
	var list []Second
	var sum cell
	flying, most := 0, 0
	put := func() {
		s := Second{
			T: step.Seconds() * float64(len(list)), Sent: int(sum.sent), Done: int(sum.done), Failed: int(sum.failed),
			InFlight: max(most, int(sum.inFlight)), OutputTokens: math.Round(sum.tokens*1e6) / 1e6, TTFT: ratio(sum.ttft, float64(sum.firsts)),
		}
		if step != time.Second {
			s.Width = step.Seconds()
		}
		list, sum, most = append(list, s), cell{}, flying
	}
	for i := range l.cells {
		for int(l.begins(i).Sub(from)/step) > len(list) {
			put()
		}
		sum.add(&l.cells[i])
		flying += int(l.cells[i].sent - l.cells[i].ended)
		most = max(most, flying)
	}
	put()
	return list
}
