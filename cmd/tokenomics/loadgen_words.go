package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"

	"tokenomics/internal/record"
	"tokenomics/loadgen"
	"tokenomics/loadgen/prompt"
	"tokenomics/loadgen/tokenizer"
)

// requests are what there is to be sent, from prompt 0 on.
func (s *loadgenSession) requests(ctx context.Context) (r loadgen.Requests, err error) {
	p := s.plan
	r.Asking = p.asking(s.found.Name)
	if p.forever {
		p.ask.ignoreEOS = r.Asking.TakesIgnoreEOS()
		r.Asking.IgnoreEOS = p.ask.ignoreEOS
	}
	var words *prompt.Vocabulary
	overhead := 0
	if p.needsWords() {
		if words, overhead, err = s.learn(ctx, r); err != nil {
			return r, err
		}
	}
	r.Source, err = s.source(words, overhead)
	if err != nil {
		return r, usageError(err)
	}
	if _, err := r.Request(0); err != nil {
		return r, usageError(err)
	}
	return r, nil
}

// learn finds out how long words are in the model's tokens, and how many tokens
// the engine puts around a prompt.
func (s *loadgenSession) learn(ctx context.Context, r loadgen.Requests) (v *prompt.Vocabulary, overhead int, err error) {
	counter := s.plan.counter(s.found)
	v = prompt.Uncounted()
	if counter != nil {
		learned, err := prompt.Learn(ctx, counter)
		switch {
		case ctx.Err() != nil:
			return nil, 0, runError(errStoppedEarly)
		case err != nil:
			s.notes.Warning(fmt.Sprintf("%v; lengths are calibrated by usage instead", err))
		default:
			v = learned
		}
	}
	line, err := s.probe(ctx, v, r)
	if err != nil {
		return nil, 0, err
	}
	perWord, around, ok := line.Fit()
	switch {
	case !ok:
		overhead = s.plan.special(counter)
		without := "without what it puts around them"
		if overhead > 0 {
			without = fmt.Sprintf("with the %d tokens that the tokenizer wants around a text", overhead)
		}
		s.notes.Warning("the server tells no prompt tokens: made prompts are sized " + without + ", and are not checked")
	case counter == nil || v.Size() == prompt.Uncounted().Size() && !v.Exact():
		v, overhead = prompt.Calibrated(perWord), int(math.Round(around))
	default:
		overhead = int(math.Round(around))
	}
	return v, max(0, overhead), nil
}

// special is how many tokens an engine puts around a text by the model's
// tokenizer.json; 0 where a chat template is around it, which is not known.
func (p *loadgenPlan) special(counter tokenizer.Counter) int {
	f, ok := counter.(*tokenizer.File)
	if !ok || !slices.Contains([]string{"completions", "embeddings", "generate"}, p.ask.endpoint) {
		return 0
	}
	return f.Special()
}

// Lengths of the prompts by which lengths are calibrated, in words.
var probeLengths = []int{40, 400}

// probe sends a few made prompts and reads what the engine counts in them.
func (s *loadgenSession) probe(ctx context.Context, v *prompt.Vocabulary, r loadgen.Requests) (*tokenizer.Calibration, error) {
	line := new(tokenizer.Calibration)
	r.Asking.MaxTokens, r.Asking.MinTokens, r.Asking.IgnoreEOS = 1, 0, false
	var failed string
	for _, n := range probeLengths {
		scenario, err := prompt.ParseScenario(fmt.Sprintf("D(%d,1)", n))
		if err != nil {
			return nil, err
		}
		r.Source = prompt.Synthetic{Vocabulary: v, Scenario: scenario, Seed: uint64(s.plan.seed)}
		if s.plan.ask.endpoint == "rerank" {
			r.Source = prompt.Ranked{Source: r.Source, Documents: 1}
		}
		said, err := r.Source.Prompt(0)
		if err != nil {
			return nil, err
		}
		run := loadgen.Run{Client: s.client, Pacer: loadgen.Burst{N: 1}, Workload: r, ID: fmt.Sprintf("probe-%d", n), Sink: record.SinkFunc(func(rec *record.Record) {
			if told, ok := rec.Usage.Prompt.Get(); ok {
				line.Add(said.Tokens, int(told))
			}
			if rec.Outcome != record.Complete {
				failed = fmt.Sprintf("%s %s: %s", rec.Method, rec.Path, rec.Error)
				if rec.Status == http.StatusNotFound {
					failed += ": has the server this --endpoint?"
				}
			}
		})}
		switch err := run.Do(ctx); {
		case ctx.Err() != nil:
			return nil, runError(errStoppedEarly)
		case err != nil:
			return nil, runError(fmt.Errorf("finding out how long prompts are: %w", err))
		}
	}
	if failed != "" {
		return nil, runError(errors.New("finding out how long prompts are failed: " + failed))
	}
	return line, nil
}
