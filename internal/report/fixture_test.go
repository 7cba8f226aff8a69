package report

import (
	"math"
	"strconv"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sketch"
	"tokenomics/internal/stats"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fixture is two sweeps over the same loads: an engine that saturates at 16,
// and one with half its pace that tells less.
func fixture() []Named {
	return []Named{
		{"fast", sweep("fast engine, BF16", 1, true)},
		{"slow", sweep("slow engine, FP8", 2, false)},
	}
}

func sweep(description string, slowness float64, tells bool) *results.Results {
	r := &results.Results{
		SchemaVersion: results.SchemaVersion,
		Metadata: results.Metadata{
			Time: epoch, DurationS: 321.5, Tool: "tokenomics", ToolVersion: "v1.2.3", Description: description,
			Model: "org/model-8b-instruct", APIBase: "http://localhost:8000/v1", Engine: "vllm", EngineVersion: "0.25.1",
			DatasetSource: "embedded in the binary", DatasetPrompts: 512, DatasetDigest: "5f1d7a84db00d2fce00b31a7fc73224f",
			NumRuns: 3, MaxTokens: 256, Temperature: 0.5, Stream: true, Seed: 42, Warmup: 3, PrefixCache: "salt", PrefixCacheMethod: "cache_salt",
		},
		Warnings: []string{"the server refused stream_options.include_usage: it was not asked for usage"},
	}
	for _, n := range []int{1, 2, 4, 8, 16, 32, 64} {
		r.Results = append(r.Results, point(n, slowness, tells))
	}
	return r
}

func bounded(t *testing.T, text string) []stats.Bound {
	t.Helper()
	bounds, err := stats.ParseBounds(text)
	if err != nil {
		t.Fatal(err)
	}
	return bounds
}

// spread is a distribution around median, with a tail.
func spread(median, tail float64, n int) *sketch.Sketch {
	s := new(sketch.Sketch)
	for i := range n {
		u := (float64(i) + 0.5) / float64(n)
		s.Add(median * math.Exp(tail*(math.Log(u/(1-u))/2)))
	}
	return s
}

func point(concurrency int, slowness float64, tells bool) results.Point {
	c := float64(concurrency)
	n := 40 * concurrency
	ttft := spread(slowness*(40+math.Max(0, c-12)*25), 0.25+c/100, n)
	tpot := spread(slowness*(8+c*0.12), 0.1, n)
	gaps := spread(slowness*(8+c*0.12), 0.35, 20*n)
	e2e := spread(slowness*(40+math.Max(0, c-12)*25+200*(8+c*0.12)), 0.15, n)
	queue := spread(0.08, 0.5, n)
	mean, _ := e2e.Mean()
	rate := c * 200 / mean * 1000
	p := results.Point{
		Name: strconv.Itoa(concurrency),
		Load: &results.Load{Shape: "concurrency", MaxConcurrency: concurrency, NumPrompts: n},
		Figures: results.Figures{
			Requests: 3 * n, Succeeded: 3 * n, InputTokens: record.Some(int64(n * 3 * 512)), OutputTokens: record.Some(int64(n * 3 * 200)),
			OutputTokS: record.Some(rate), InputTokS: record.Some(rate * 512 / 200), RequestsPerS: record.Some(rate / 200), ElapsedTime: record.Some(float64(n) * 200 / rate),
			TTFT: stats.QuantilesOf(ttft), TPOT: stats.QuantilesOf(tpot), Gap: stats.QuantilesOf(gaps), E2E: stats.QuantilesOf(e2e), ClientQueue: stats.QuantilesOf(queue),
			RequestOutputTokS: stats.QuantilesOf(spread(1000*200/mean, 0.1, n)),
			RequestDecodeTokS: stats.QuantilesOf(spread(1000/(slowness*(8+c*0.12)), 0.1, n)),
		},
		Runs: []results.Run{{Run: 1, Start: epoch, Seconds: seconds(rate, concurrency)}},
	}
	if tells {
		p.SteadyTokS = record.Some(rate * 1.05)
		p.Sketches = map[string]*sketch.Sketch{}
		p.EngineSide = &results.EngineSide{
			Queue: record.Some(math.Max(0, c-12) * 22), Prefill: record.Some(36.0), Decode: record.Some(mean - 44 - math.Max(0, c-12)*24),
			Running: record.Some(math.Min(c, 16)), WaitingMax: record.Some(math.Max(0, c-16)), KVUseMax: record.Some(math.Min(1, c/64)), PrefixHits: record.Some(0.25),
		}
		p.Cost = &results.Cost{PerHour: 2.5, PerMillionOutput: record.Some(2.5 / 3600 / rate * 1e6), PerMillionInput: record.Some(2.5 / 3600 / rate * 1e6 * 200 / 512), PerMillionTotal: record.Some(2.5 / 3600 / rate * 1e6 * 200 / 712)}
	}
	if tells {
		p.Hop = &results.Hop{Joined: 3 * n, HopTTFT: record.Some(0.4), HopE2E: record.Some(0.6), Proxy: record.Some(0.2), Unattributed: record.Some(0.4)}
	}
	p.Instrument = &results.Instrument{Lateness: p.ClientQueue, CPUShare: record.Some(c / 200), EventsPerS: record.Some(rate)}
	if tells && concurrency == 64 {
		p.Sustainable = &results.Sustainable{Reason: "requests in flight grew from 40 to 64 through the point"}
		p.Failed, p.Succeeded, p.FirstError = 7, 3*n-7, "engine on fire"
	}
	if !tells && concurrency == 32 {
		p.Instrument.Invalid = []string{"requests left 12 ms late (p99), more than was calibrated"}
	}
	return p
}

func seconds(rate float64, concurrency int) []results.Second {
	var list []results.Second
	for t := range 40 {
		s := results.Second{T: float64(t), InFlight: concurrency, OutputTokens: rate * (1 + 0.1*math.Sin(float64(t))), Sent: concurrency / 4, Done: concurrency / 4}
		if t == 0 || t == 39 {
			s.OutputTokens /= 3
			s.InFlight = max(1, concurrency/2)
		}
		if concurrency == 64 && t > 25 && t < 33 {
			s.Failed = 1
		}
		list = append(list, s)
	}
	return list
}
