package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"time"

	"tokenomics/internal/results"
	"tokenomics/internal/upstream"
	"tokenomics/loadgen"
	"tokenomics/loadgen/body"
	"tokenomics/loadgen/calibration"
	"tokenomics/loadgen/prompt"
)

// level measures one load: a simulator of its own, whose truth and CPU time are
// then the level's alone, and a closed loop against it.
func (p *calibratePlan) level(ctx context.Context, dir string, streams int) (l calibration.Level, err error) {
	gap := time.Duration(float64(time.Second) / p.eventsPerS)
	// The simulator would say more than it is asked for: an answer that ends by
	// itself ends with a token that shows no text, and so is no event to time.
	engine, err := startSimProcess(ctx, p.program, dir, p.life(),
		"--model", calibrateModel, "--ttft", gap.String(), "--itl", gap.String(), "--output-tokens", strconv.Itoa(2*p.tokens()),
		"--slots", strconv.Itoa(streams), "--cache-tokens", "-1")
	if err != nil {
		return l, err
	}
	var tally calibration.Tally
	cores := watchCores()
	measured, err := p.sweep(ctx, engine.url, streams, &tally)
	busy := cores()
	cpu, stopErr := engine.stop()
	if err := errors.Join(err, stopErr); err != nil {
		return l, err
	}
	if len(measured) == 0 {
		return l, errors.New("no request was sent")
	}
	log, err := os.Open(engine.truth)
	if err != nil {
		return l, fmt.Errorf("opening the truth log: %w", err)
	}
	truth, err := calibration.ReadTruth(log)
	if err := errors.Join(err, log.Close()); err != nil {
		return l, err
	}
	l = tally.Against(truth)
	l.Streams, l.Planned = streams, float64(streams)*p.eventsPerS
	l.Took(measured[0].Runs[0], cpu, busy, runtime.NumCPU())
	return l, nil
}

// calibrateWarmup is how many requests are sent first, at most: the code is then
// loaded.
const calibrateWarmup = 8

// What is asked does not matter: the simulator answers by its own clock.
const calibrateModel = "sim-model"

var calibratePrompt = prompt.Rows{
	Order: func(i int) int { return i },
	At:    func(int) (prompt.Prompt, error) { return prompt.Prompt{Text: "Tell me how long this takes."}, nil },
}

// answerTime is how long an answer takes: short enough for some of each stream,
// long enough that streaming is most of the work. Unused connections are kept
// for longer, so that those opened for the last stream are there when it begins.
func (p *calibratePlan) answerTime() time.Duration { return min(2*time.Second, p.duration/5) }

// tokens of an answer.
func (p *calibratePlan) tokens() int {
	return max(2, int(math.Round(p.answerTime().Seconds()*p.eventsPerS)))
}

// life is longer than a level can take.
func (p *calibratePlan) life() time.Duration { return p.duration + 3*p.drain() }

// drain bounds the answers that run when no more are asked for.
func (p *calibratePlan) drain() time.Duration {
	return 10*time.Second + time.Duration(float64(p.tokens())/p.eventsPerS*float64(time.Second))
}

// sweep sends one load. The streams begin one after the other within the time
// of an answer: all at once would beat in step for ever, and measure a burst.
func (p *calibratePlan) sweep(ctx context.Context, url string, streams int, tally *calibration.Tally) ([]results.Measured, error) {
	target, err := upstream.ParseTarget(url + "/v1")
	if err != nil {
		return nil, err
	}
	client, err := loadgen.NewClient(loadgen.ClientConfig{
		Target: target, Timeout: p.drain(), Timeline: true, Connections: max(1024, streams), UserAgent: "tokenomics/" + version,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	s, _ := loadgen.Plan{
		Loads: []results.Load{{
			Shape: loadgen.ShapeConcurrency, MaxConcurrency: streams,
			DurationS: p.duration.Seconds(), RampUpS: p.answerTime().Seconds(),
		}},
		Runs: 1, Warmup: min(streams, calibrateWarmup), Grace: p.drain(), Nonce: "calibrate",
		Make: func(first int, _ loadgen.Cache) loadgen.Workload {
			return loadgen.Requests{Source: calibratePrompt, First: first, Asking: body.Asking{
				Endpoint: "chat", Model: calibrateModel, Engine: "vllm", Stream: true, MaxTokens: p.tokens(),
			}}
		},
	}.Sweep()
	s.Client, s.Sink = client, tally
	s.Prepare = func(ctx context.Context, _ loadgen.Point, run int) (ready loadgen.Prepared, err error) {
		if run > 0 {
			err = client.Connect(ctx, streams)
		}
		return ready, err
	}
	return s.Do(ctx)
}
