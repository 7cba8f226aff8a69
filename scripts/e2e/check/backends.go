package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The names of the two usage counters, as Prometheus spells
// gen_ai.client.inference.usage.{input,output}_tokens.
const (
	promInput  = "gen_ai_client_inference_usage_input_tokens_total"
	promOutput = "gen_ai_client_inference_usage_output_tokens_total"
)

// page is the samples of a Prometheus text page: name and labels, value.
type page map[string]float64

func parsePage(b []byte) page {
	p := make(page)
	for l := range strings.Lines(string(b)) {
		series, value, ok := cutLast(strings.TrimSpace(l), " ")
		if !ok || strings.HasPrefix(series, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			p[series] = v
		}
	}
	return p
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// sum adds up all series of a metric; none at all is an error, not 0.
func (p page) sum(metric string) (int64, error) {
	var sum float64
	found := false
	for series, v := range p {
		if name, _, _ := strings.Cut(series, "{"); name == metric {
			sum += v
			found = true
		}
	}
	if !found {
		return 0, fmt.Errorf("no series of %s", metric)
	}
	return int64(sum), nil
}

func get(address string) ([]byte, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("fetching %s: status %d: %.300s", address, resp.StatusCode, b)
	}
	return b, err
}

// prometheusAgrees compares the scraped counters with all the proxy's lines.
func prometheusAgrees(o *options) error {
	lines, err := readLines(o.log)
	if err != nil {
		return err
	}
	b, err := get(o.metricsURL)
	if err != nil {
		return err
	}
	p := parsePage(b)
	var got tokens
	if got.prompt, err = p.sum(promInput); err != nil {
		return err
	}
	if got.completion, err = p.sum(promOutput); err != nil {
		return err
	}
	if want := sumOf(lines); got != want {
		return fmt.Errorf("the scraped counters have %v, the log %v", got, want)
	}
	return nil
}

// checkMetrics finds the same sums in VictoriaMetrics.
func checkMetrics(o *options) (string, error) {
	var want, got tokens
	err := eventually(o.patience, func() error {
		lines, err := readLines(o.log)
		if err != nil {
			return err
		}
		want = sumOf(lines)
		if got.prompt, err = o.stored(promInput); err != nil {
			return err
		}
		if got.completion, err = o.stored(promOutput); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("VictoriaMetrics has %v, the log %v", got, want)
		}
		return nil
	})
	if err == nil && want.completion == 0 {
		err = errors.New("the log has no tokens: that shows nothing")
	}
	return fmt.Sprintf("VictoriaMetrics has the log's %v of %s", want, o.service), err
}

// stored is the last stored sum of a counter of -service.
func (o *options) stored(metric string) (int64, error) {
	query := fmt.Sprintf(`sum(last_over_time(%s{service_name=%q}[10m]))`, metric, o.service)
	b, err := get(o.victoria + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return 0, fmt.Errorf("reading the answer to %s: %w", query, err)
	}
	if len(answer.Data.Result) != 1 {
		return 0, fmt.Errorf("VictoriaMetrics has no %s", query)
	}
	v, ok := answer.Data.Result[0].Value[1].(string)
	if !ok {
		return 0, fmt.Errorf("reading the answer to %s: no value in %.200s", query, b)
	}
	f, err := strconv.ParseFloat(v, 64)
	return int64(f), err
}
