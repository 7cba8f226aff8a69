package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// results is what is compared of the load generator's results file. This is the
// one place that knows its shape (docs/results.md).
type results struct {
	SchemaVersion int            `json:"schema_version"`
	Metadata      map[string]any `json:"metadata"`
	Results       map[string]struct {
		figures
		Runs []figures `json:"runs"`
	} `json:"results"`
}

type figures struct {
	// The keys of older result files: all must be there.
	AvgInputTokens         *float64 `json:"avg_input_tokens"`
	AvgOutputTokens        *float64 `json:"avg_output_tokens"`
	ElapsedTime            *float64 `json:"elapsed_time"`
	TokensPerSecondInBatch *float64 `json:"tokens_per_second_in_batch"`
	AvgTokensPerSecond     *float64 `json:"avg_tokens_per_second"`

	Requests     int    `json:"requests"`
	Succeeded    int    `json:"succeeded"`
	InputTokens  *int64 `json:"input_tokens"`
	OutputTokens *int64 `json:"output_tokens"`
}

func (f *figures) tokens() tokens { return tokens{or0(f.InputTokens), or0(f.OutputTokens)} }

// checkSums follows the tokens of a sweep: results file = load generator's
// lines = proxy's lines, request by request, and proxy's lines = Prometheus.
func checkSums(o *options) (string, error) {
	b, err := os.ReadFile(o.results)
	if err != nil {
		return "", err
	}
	var res results
	if err := json.Unmarshal(b, &res); err != nil {
		return "", fmt.Errorf("reading %s: %w", o.results, err)
	}
	requests, total, err := res.sum()
	if err != nil {
		return "", fmt.Errorf("%s: %w", o.results, err)
	}
	measured, err := readLines(o.requests)
	if err != nil {
		return "", err
	}
	if len(measured) != requests || sumOf(measured) != total {
		return "", fmt.Errorf("the results have %d requests with %v, the load generator's lines %d with %v",
			requests, total, len(measured), sumOf(measured))
	}
	var all []line
	err = eventually(o.patience, func() error {
		if all, err = readLines(o.log); err != nil {
			return err
		}
		return sameRequests(measured, all)
	})
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("%d requests with %v: results, load generator and proxy agree", requests, total)
	if o.metricsURL == "" {
		return said, nil
	}
	err = eventually(o.patience, func() error { return prometheusAgrees(o) })
	return said + ", and so does Prometheus with the whole log", err
}

// sum adds up all batch sizes, whose runs must add up to them.
func (r *results) sum() (requests int, total tokens, err error) {
	if len(r.Results) == 0 || len(r.Metadata) == 0 || r.SchemaVersion == 0 {
		return 0, tokens{}, errors.New("no schema_version, metadata or results")
	}
	for size, p := range r.Results {
		var ran int
		var runs tokens
		for _, run := range p.Runs {
			ran += run.Requests
			runs.prompt += run.tokens().prompt
			runs.completion += run.tokens().completion
		}
		f := &p.figures
		switch {
		case ran != p.Requests || runs != f.tokens():
			return 0, tokens{}, fmt.Errorf("batch size %s: %d requests with %v, but its runs have %d with %v", size, p.Requests, f.tokens(), ran, runs)
		case p.Succeeded != p.Requests:
			return 0, tokens{}, fmt.Errorf("batch size %s: %d of %d requests succeeded", size, p.Succeeded, p.Requests)
		case f.AvgInputTokens == nil || f.AvgOutputTokens == nil || f.ElapsedTime == nil || f.TokensPerSecondInBatch == nil || f.AvgTokensPerSecond == nil:
			return 0, tokens{}, fmt.Errorf("batch size %s: a key of older result files is missing", size)
		}
		requests += ran
		total.prompt += runs.prompt
		total.completion += runs.completion
	}
	if total.prompt == 0 || total.completion == 0 {
		return 0, tokens{}, fmt.Errorf("%d requests with %v: that shows nothing", requests, total)
	}
	return requests, total, nil
}

// sameRequests finds each of the load generator's requests in the proxy's log.
func sameRequests(measured, proxied []line) error {
	byID := make(map[string]*line, len(proxied))
	for i := range proxied {
		if id := proxied[i].RequestID; byID[id] != nil {
			return fmt.Errorf("the proxy has two records of request %s", id)
		}
		byID[proxied[i].RequestID] = &proxied[i]
	}
	for i := range measured {
		m := &measured[i]
		p := byID[m.RequestID]
		delete(byID, m.RequestID)
		switch {
		case p == nil:
			return fmt.Errorf("the proxy has no record of request %s, or the load generator has it twice", m.RequestID)
		case !m.exact():
			return fmt.Errorf("request %s: the load generator's counts are not the engine's: source %q", m.RequestID, m.TokenSource)
		case m.Outcome != p.Outcome || m.Model != p.Model || m.Status != p.Status:
			return fmt.Errorf("request %s: %s, %s, %d at the load generator; %s, %s, %d at the proxy",
				m.RequestID, m.Outcome, m.Model, m.Status, p.Outcome, p.Model, p.Status)
		}
		if err := p.agrees(m.tokens()); err != nil {
			return fmt.Errorf("request %s: %w", m.RequestID, err)
		}
	}
	return nil
}

// checkEngine compares the growth of the engine's own counters with the proxy's
// lines after line -from. It needs all traffic to have come through the proxy.
func checkEngine(o *options) (string, error) {
	var at [2]tokens
	for i, path := range []string{o.before, o.after} {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		page := parsePage(b)
		for _, name := range []string{"llamacpp:prompt_tokens_total", "llamacpp:prompt_tokens_cached_total"} {
			n, err := page.sum(name)
			if err != nil {
				return "", fmt.Errorf("%s: %w", path, err)
			}
			at[i].prompt += n
		}
		n, err := page.sum("llamacpp:tokens_predicted_total")
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		at[i].completion = n
	}
	grown := tokens{at[1].prompt - at[0].prompt, at[1].completion - at[0].completion}
	err := eventually(o.patience, func() error {
		lines, err := readLines(o.log)
		if err != nil {
			return err
		}
		if len(lines) <= o.from {
			return fmt.Errorf("%s has %d lines, and none after %d", o.log, len(lines), o.from)
		}
		if got := sumOf(lines[o.from:]); got != grown {
			return fmt.Errorf("the engine's own counters grew by %v, the proxy recorded %v", grown, got)
		}
		return nil
	})
	return fmt.Sprintf("the engine's own counters grew by %v, as recorded", grown), err
}
