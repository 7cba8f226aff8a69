package engine

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tokenomics/internal/record"
)

// figure is a number that the engine may not tell.
type figure = record.Opt[float64]

// timing is how long something took so far, and how often it happened.
type timing struct{ seconds, times figure }

// reading is what the engine's metrics say at one moment.
type reading struct {
	gauges   [gaugeCount]figure
	counters [counterCount]figure
	spans    [spanCount]timing
}

type families = map[string]*dto.MetricFamily

// read scrapes the engine, which must tell metrics.
func (e *Engine) read(ctx context.Context) (r reading, err error) {
	a, err := e.ask(ctx, "GET", "/metrics", scrapeTimeout)
	if err != nil {
		return r, err
	}
	if a.status != 200 {
		return r, fmt.Errorf("asking %s/metrics: status %d", e.pool.Target(), a.status)
	}
	all, err := parse(a.body)
	if err != nil {
		return r, err
	}
	return e.names.in(all), nil
}

func parse(text []byte) (families, error) {
	p := expfmt.NewTextParser(model.UTF8Validation)
	all, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	return all, nil
}

// namesIn are the names that the metrics are told in, nil for none known.
func namesIn(text []byte) (*names, error) {
	all, err := parse(text)
	if err != nil {
		return nil, err
	}
	for _, n := range known() {
		for name := range all {
			if strings.HasPrefix(name, n.prefix) {
				return &n, nil
			}
		}
	}
	return nil, nil
}

// in finds the figures among the metrics.
func (n *names) in(all families) (r reading) {
	for g, alternatives := range n.gauges {
		for _, name := range alternatives {
			f := all[n.prefix+name]
			r.gauges[g] = total(f, simple)
			// A share is not summed over an engine's ranks: the mean of them is.
			if ranks := total(f, one); gauge(g) == kvUse && ranks.Ok() {
				r.gauges[g] = record.Some(r.gauges[g].Or(0) / ranks.Or(1))
			}
			if r.gauges[g].Ok() {
				break
			}
		}
	}
	for c, alternatives := range n.counters {
		for _, parts := range alternatives {
			if r.counters[c] = n.sum(all, parts); r.counters[c].Ok() {
				break
			}
		}
	}
	for s, name := range n.spans {
		f := all[n.prefix+name]
		r.spans[s] = timing{
			seconds: total(f, func(m *dto.Metric) (float64, bool) { return m.GetHistogram().GetSampleSum(), m.Histogram != nil }),
			times: total(f, func(m *dto.Metric) (float64, bool) {
				return float64(m.GetHistogram().GetSampleCount()), m.Histogram != nil
			}),
		}
	}
	return r
}

// sum is what several counters come to, absent where one of them is.
func (n *names) sum(all families, parts []string) figure {
	var sum float64
	for _, name := range parts {
		v, ok := total(all[n.prefix+name], simple).Get()
		if !ok {
			return figure{}
		}
		sum += v
	}
	return record.Some(sum)
}

// total adds up a figure over models and engine ranks. SGLang tells the numbers
// of a priority beside those of all, which have none.
func total(f *dto.MetricFamily, value func(*dto.Metric) (float64, bool)) figure {
	var sum figure
	for _, m := range f.GetMetric() {
		v, ok := value(m)
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) || ofPriority(m) {
			continue
		}
		sum = record.Some(sum.Or(0) + v)
	}
	return sum
}

func ofPriority(m *dto.Metric) bool {
	for _, l := range m.GetLabel() {
		if l.GetName() == "priority" && l.GetValue() != "" {
			return true
		}
	}
	return false
}

// simple is the value of a gauge, of a counter, or of what says neither.
func simple(m *dto.Metric) (float64, bool) {
	switch {
	case m.Gauge != nil:
		return m.Gauge.GetValue(), true
	case m.Counter != nil:
		return m.Counter.GetValue(), true
	case m.Untyped != nil:
		return m.Untyped.GetValue(), true
	}
	return 0, false
}

// one counts label sets.
func one(m *dto.Metric) (float64, bool) {
	_, ok := simple(m)
	return 1, ok
}
