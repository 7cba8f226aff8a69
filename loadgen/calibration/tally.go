package calibration

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sim"
	"tokenomics/internal/sketch"
	"tokenomics/internal/stats"
)

// Tally gathers the Records of one level until the truth is there to hold them
// against. They need their timelines. The zero value is empty and ready.
type Tally struct{ records []*record.Record }

// Observe keeps one Record.
func (t *Tally) Observe(r *record.Record) { t.records = append(t.records, r) }

var _ record.Sink = (*Tally)(nil)

// maxLine bounds a line of the truth log: the events of one answer.
const maxLine = 64 << 20

// ReadTruth reads a simulator's truth log, by request id.
func ReadTruth(r io.Reader) (map[string]*sim.Truth, error) {
	truth := make(map[string]*sim.Truth)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		one := new(sim.Truth)
		if err := json.Unmarshal(lines.Bytes(), one); err != nil {
			return nil, fmt.Errorf("reading line %d of the truth log: %w", len(truth)+1, err)
		}
		truth[one.RequestID] = one
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the truth log: %w", err)
	}
	if len(truth) == 0 {
		return nil, errors.New("reading the truth log: it is empty")
	}
	return truth, nil
}

// comparison is the sums of a Tally held against the truth.
type comparison struct {
	level                                 *Level
	ttft, gap, e2e, stamp, gaps, trueGaps sketch.Sketch
	events, tokenEvents                   int
	perSecond                             map[int64]int // token events, by the second of their arrival
}

// Against holds the Records against the truth of the same requests.
func (t *Tally) Against(truth map[string]*sim.Truth) Level {
	l := Level{Requests: len(t.records)}
	c := &comparison{level: &l, perSecond: make(map[int64]int)}
	for _, r := range t.records {
		switch known, ok := truth[r.RequestID]; {
		case r.Outcome != record.Complete:
			l.Failed++
		case !ok:
			l.Unjoined++
		default:
			c.compare(r, known)
		}
	}
	l.TTFTError, l.GapError, l.E2EError = stats.QuantilesOf(&c.ttft), stats.QuantilesOf(&c.gap), stats.QuantilesOf(&c.e2e)
	l.Stamp, l.Gap, l.TrueGap = stats.QuantilesOf(&c.stamp), stats.QuantilesOf(&c.gaps), stats.QuantilesOf(&c.trueGaps)
	if l.TrueGap != nil && l.TrueGap.P99 > 0 {
		l.GapRatio = record.Some(l.Gap.P99 / l.TrueGap.P99)
	}
	l.EventsPerS = c.rate()
	return l
}

// compare adds one request.
func (c *comparison) compare(r *record.Record, truth *sim.Truth) {
	if tokens, ok := r.Usage.Completion.Get(); !ok || tokens != int64(truth.CompletionTokens) {
		c.level.TokenErrors++
	}
	c.events += r.Events
	c.tokenEvents += len(r.Timeline)
	for _, e := range r.Timeline {
		c.perSecond[r.Start.Add(e.At).Unix()]++
	}
	events, last := told(truth)
	if len(events) == 0 || len(events) != len(r.Timeline) {
		c.level.EventErrors++
		return
	}
	if ttft, ok := r.TTFT(); ok {
		c.ttft.Add(math.Abs(ms(ttft - events[0])))
	}
	if e2e, ok := r.E2E(); ok {
		c.e2e.Add(math.Abs(ms(e2e - last)))
	}
	received := time.Unix(0, truth.ReceivedUnixNS)
	for i, e := range r.Timeline {
		// The simulator's stamp is of a write that has returned: an event may be
		// with us before.
		c.stamp.Add(max(0, ms(r.Start.Add(e.At).Sub(received.Add(events[i])))))
		if i > 0 {
			gap, trueGap := e.At-r.Timeline[i-1].At, events[i]-events[i-1]
			c.gaps.Add(ms(gap))
			c.trueGaps.Add(ms(trueGap))
			c.gap.Add(math.Abs(ms(gap - trueGap)))
		}
	}
}

// told is when the simulator wrote each token event, and the last one or the
// finish event after it, since it had the request.
func told(truth *sim.Truth) (events []time.Duration, last time.Duration) {
	for _, e := range truth.Events {
		at := time.Duration(e.AtNS)
		if e.Tokens > 0 {
			events = append(events, at)
		}
		if e.Tokens > 0 || e.Kind == sim.EventFinish {
			last = at
		}
	}
	return events, last
}

// rate is the events of any kind a second: the median over the seconds in which
// some arrived, so that the level's beginning and end don't count.
func (c *comparison) rate() record.Opt[float64] {
	var seconds []int
	for _, n := range c.perSecond {
		seconds = append(seconds, n)
	}
	if len(seconds) == 0 {
		return record.Opt[float64]{}
	}
	slices.Sort(seconds)
	return record.Some(float64(seconds[len(seconds)/2]) * float64(c.events) / float64(c.tokenEvents))
}

// Took adds what a level took of the machine: run is ours, simCPU what the
// simulator used of the cores, and busy the share of them that anybody used.
func (l *Level) Took(run results.MeasuredRun, simCPU time.Duration, busy record.Opt[float64], cores int) {
	all := run.Self.Wall.Seconds() * float64(cores)
	if cpu := run.Self.CPU.Seconds(); cpu > 0 && all > 0 {
		l.EventsPerCPUS = record.Some(float64(run.Self.Events) / cpu)
		l.ClientCPU = record.Some(cpu / all)
	}
	if simCPU > 0 && all > 0 {
		l.SimCPU = record.Some(simCPU.Seconds() / all)
	}
	if b, ok := busy.Get(); ok {
		l.OtherCPU = record.Some(max(0, b-l.ClientCPU.Or(0)-l.SimCPU.Or(0)))
	}
	l.Lateness, l.Lag = run.Window.Summary().ClientQueue, stats.QuantilesOf(&run.Self.Lag)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
