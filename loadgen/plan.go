package loadgen

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"tokenomics/internal/results"
)

// The shapes of load.
const (
	ShapeBatch         = "batch"         // so many requests at once; over when all have ended
	ShapeConcurrency   = "concurrency"   // so many requests in flight all the time: a closed loop
	ShapeRate          = "rate"          // so many requests a second, whatever becomes of them: an open loop
	ShapeTrace         = "trace"         // requests at the moments of a trace
	ShapeConversations = "conversations" // so many users at a time, each of whom waits for an answer before going on
)

// Plan is a sweep over loads: what is sent, how often, and how the engine's
// prefix cache is kept out of it.
type Plan struct {
	Loads  []results.Load // in the order they are run
	Runs   int            // of each
	Warmup int            // requests sent before, not measured; 0 means none
	// WarmupTime is for how long requests are sent before, in place of Warmup: as
	// many at a time as the first load has; 0 means that Warmup says.
	WarmupTime time.Duration
	Grace      time.Duration // how long requests may go on once no more are sent; 0 means no bound
	Seed       uint64
	// Connect is how many connections are open before the clock of a run starts,
	// besides those of requests that are due at the beginning, or AutoConnect.
	Connect int
	Trace   Schedule // of ShapeTrace

	// Make is what a run sends, from prompt number first on.
	Make    func(first int, cache Cache) Workload
	Prompts int    // there are; 0 means as many as are asked for
	Nonce   string // of this invocation alone: salts and request ids begin with it
}

// Sweep is the sweep, without its Client, Sink and Progress, and what the user
// must be told about it.
func (p Plan) Sweep() (s *Sweep, warnings []string) {
	points := make([]Point, len(p.Loads))
	largest := 1
	for i, l := range p.Loads {
		points[i] = p.Point(l)
		if text := Repeats(points[i].Requests, p.Prompts); text != "" {
			warnings = append(warnings, text)
		}
		largest = max(largest, l.BatchSize, l.MaxConcurrency)
	}
	s = &Sweep{
		Route: InOrder(points...), ID: p.Nonce, Workload: p.workload,
		Enough: func(m results.Measured) bool { return len(m.Runs) >= p.Runs },
	}
	s.Warmup = p.warmUp(largest)
	return s, warnings
}

// warmupPrompts is more than a warm-up by time sends.
const warmupPrompts = 1 << 20

// warmUp is what is sent first and not measured.
func (p Plan) warmUp(largest int) Point {
	at := Point{Name: "warmup", MaxInFlight: largest}
	switch {
	case p.WarmupTime > 0:
		if len(p.Loads) > 0 {
			at.MaxInFlight = max(1, p.Loads[0].BatchSize, p.Loads[0].MaxConcurrency)
		}
		at.Grace = p.Grace
		at.Pacer = func(int) Pacer { return Steady{For: p.WarmupTime} }
	case p.Warmup > 0:
		at.Requests = p.Warmup
		at.Pacer = func(int) Pacer { return Burst{N: p.Warmup} }
	}
	return at
}

// Repeats is what is to be said of a run that sends so many requests of a number
// of prompts, 0 being as many as are asked for: "" where each comes once.
func Repeats(requests, prompts int) string {
	if prompts == 0 || requests <= prompts {
		return ""
	}
	return fmt.Sprintf("a run of %d requests has some of the %d prompts more than once: the prefix cache may answer within it", requests, prompts)
}

// workload is what a run of a point sends. Any salt of cache stands for the
// run's own.
func (p Plan) workload(at Point, run int, cache Cache) Workload {
	if cache.Salt != "" {
		cache.Salt = saltOf(p.Nonce, p.Seed, at.Name, run)
	}
	first := 0
	switch {
	case run == 0 && p.WarmupTime > 0:
		first = -warmupPrompts
	case run == 0:
		first = -p.Warmup // the other end of the order
	case at.Load.Shape == ShapeBatch:
		first = firstOfBatch(at.Load.BatchSize)
	}
	if run == 0 {
		return alone{p.Make(first, cache)}
	}
	return p.Make(first, cache)
}

// alone is requests with nothing that follows: a warm-up is so many requests,
// and nobody needs to think in it.
type alone struct{ Workload }

// Request is the request itself.
func (a alone) Request(i int) (Request, error) {
	r, err := a.Workload.Request(i)
	r.Next = nil
	return r, err
}

// Point is the point of a load.
func (p Plan) Point(l results.Load) Point {
	at := Point{Load: l, MaxInFlight: l.MaxConcurrency, Requests: l.NumPrompts}
	if l.DurationS > 0 && l.Shape != ShapeTrace { // else it is the requests that end a run, all of them
		at.Grace = p.Grace
	}
	span := seconds(l.DurationS)
	switch l.Shape {
	case ShapeBatch:
		at.Name, at.Requests = strconv.Itoa(l.BatchSize), l.BatchSize
		at.Pacer = func(int) Pacer { return Burst{N: l.BatchSize} }
	case ShapeRate:
		at.Name = l.RequestRate.String()
		at.Pacer = func(run int) Pacer { return p.arrivals(l, run).Schedule() }
		at.Requests = p.arrivals(l, 1).N
	case ShapeTrace:
		at.Name, at.Requests = "trace", len(p.Trace)
		at.Pacer = func(int) Pacer { return p.Trace }
	default:
		at.Name, at.Ramp = strconv.Itoa(l.MaxConcurrency), seconds(l.RampUpS)
		at.Pacer = func(int) Pacer { return Steady{N: l.NumPrompts, For: span} }
	}
	at.Connect = p.connect(at)
	return at
}

// arrivals are those of one run: each has its own, so that runs tell how much
// is chance.
func (p Plan) arrivals(l results.Load, run int) Arrivals {
	a := Arrivals{
		Rate: float64(l.RequestRate), N: l.NumPrompts, Kind: l.Arrival, Shape: l.Burstiness,
		Ramp: seconds(l.RampUpS), Seed: p.Seed + uint64(run),
	}
	if a.N == 0 && !math.IsInf(a.Rate, 1) {
		a.N = a.CountFor(seconds(l.DurationS))
	}
	return a
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
