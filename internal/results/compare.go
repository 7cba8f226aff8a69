package results

import (
	"fmt"
	"reflect"
	"strings"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// Comparison is two results files beside each other, point by point.
type Comparison struct {
	Base        string          `json:"base"` // the file that is compared with
	New         string          `json:"new"`  // the file that is judged
	Threshold   float64         `json:"threshold"`
	Confidence  float64         `json:"confidence"`
	Level       float64         `json:"level"` // a difference is significant up to this p; see stats.Level
	Points      []ComparedPoint `json:"points"`
	Regressions int             `json:"regressions"` // figures that are worse
	OnlyBase    []string        `json:"only_base,omitempty"`
	OnlyNew     []string        `json:"only_new,omitempty"`
	Warnings    []string        `json:"warnings,omitempty"` // why the two may not be comparable
}

// ComparedPoint is a point that both files have.
type ComparedPoint struct {
	Name    string           `json:"name"`
	Load    *Load            `json:"load,omitempty"`
	Figures []ComparedFigure `json:"figures"`
}

// ComparedFigure is one figure of a point, as the mean over each side's whole
// runs.
type ComparedFigure struct {
	Figure     string              `json:"figure"`
	Unit       string              `json:"unit,omitempty"`
	Base       float64             `json:"base"`
	New        float64             `json:"new"`
	Difference record.Opt[float64] `json:"difference,omitzero"` // a share of base
	Low        record.Opt[float64] `json:"low,omitzero"`        // of its interval
	High       record.Opt[float64] `json:"high,omitzero"`
	P          record.Opt[float64] `json:"p,omitzero"`
	N          int                 `json:"n"`
	Method     string              `json:"method"`
	Verdict    stats.Verdict       `json:"verdict"`

	judge func(level float64) stats.Verdict
}

// Compare compares the figures of the points that have the same name and the
// same load in both. A figure that is not in both is left out. threshold is
// the share of base that a difference has to be larger than to matter.
func Compare(base, other *Results, figures []stats.Figure, threshold float64) *Comparison {
	return compare(base, other, threshold, func(b, n *Point) ComparedPoint {
		return comparedPoint(b, n, figures, threshold, func(f stats.Figure) (stats.Difference, bool) {
			x, y := valuesOf(f, b.whole()), valuesOf(f, n.whole())
			return stats.Welch(x, y), len(x) > 0 && len(y) > 0
		})
	})
}

// ComparePaired is Compare for two sides that were measured in turns: run k of
// the one beside run k of the other, so that what drifts over all of them
// cancels out.
func ComparePaired(base, other *Results, figures []stats.Figure, threshold float64) *Comparison {
	return compare(base, other, threshold, func(b, n *Point) ComparedPoint {
		return comparedPoint(b, n, figures, threshold, func(f stats.Figure) (stats.Difference, bool) {
			x, y := pairsOf(f, b, n)
			return stats.Paired(x, y), len(x) > 0
		})
	})
}

func compare(base, other *Results, threshold float64, point func(b, n *Point) ComparedPoint) *Comparison {
	c := &Comparison{
		Threshold: threshold, Confidence: stats.Confidence,
		Warnings: append(base.doubts("base"), append(other.doubts("new"), differ(base, other)...)...),
	}
	left := make(map[string]*Point)
	for i := range other.Results {
		left[other.Results[i].Name] = &other.Results[i]
	}
	for i := range base.Results {
		b := &base.Results[i]
		n, found := left[b.Name]
		if found && b.Load != nil && n.Load != nil && !reflect.DeepEqual(b.Load, n.Load) {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s is another load in each and is not compared", b.Name))
			found = false
		}
		if !found {
			c.OnlyBase = append(c.OnlyBase, b.Name)
			continue
		}
		delete(left, b.Name)
		c.Points = append(c.Points, point(b, n))
	}
	for _, p := range other.Results {
		if left[p.Name] != nil {
			c.OnlyNew = append(c.OnlyNew, p.Name)
		}
	}
	c.judge()
	return c
}

// judge gives the verdicts, for which all of the comparison has to be known.
func (c *Comparison) judge() {
	var ps []float64
	for _, p := range c.Points {
		for _, f := range p.Figures {
			if v, ok := f.P.Get(); ok {
				ps = append(ps, v)
			}
		}
	}
	c.Level = stats.Level(ps)
	for _, p := range c.Points {
		for i := range p.Figures {
			f := &p.Figures[i]
			if f.Verdict = f.judge(c.Level); f.Verdict == stats.Worse {
				c.Regressions++
			}
		}
	}
}

func comparedPoint(base, other *Point, figures []stats.Figure, threshold float64, differ func(stats.Figure) (stats.Difference, bool)) ComparedPoint {
	p := ComparedPoint{Name: base.Name, Load: base.Load}
	b, n := base.whole(), other.whole()
	for _, f := range figures {
		d, ok := differ(f)
		if !ok {
			continue
		}
		if f.Name == "failed_ratio" { // one that is rare is no figure with a spread over runs
			bf, bn := failures(b)
			nf, nn := failures(n)
			d = stats.Fisher(bf, bn, nf, nn)
		}
		p.Figures = append(p.Figures, ComparedFigure{
			Figure: f.Name, Unit: f.Unit, Base: d.Base, New: d.New, Difference: d.Share, Low: d.Low, High: d.High,
			P: d.P, N: d.N, Method: d.Method,
			judge: func(level float64) stats.Verdict {
				return d.Verdict(f.HigherIsBetter, max(threshold, 2*f.Resolution()), level) // what both may be off by is no difference
			},
		})
	}
	return p
}

// whole are the runs that were neither stopped nor set aside.
func (p *Point) whole() (list []stats.Summary) {
	for i := range p.Runs {
		if p.Runs[i].whole() {
			list = append(list, p.Runs[i].Summary())
		}
	}
	return list
}

func (r *Run) whole() bool { return !r.Partial && r.SetAside == nil }

func valuesOf(f stats.Figure, runs []stats.Summary) (values []float64) {
	for i := range runs {
		if v, ok := f.Of(&runs[i]); ok {
			values = append(values, v)
		}
	}
	return values
}

// pairsOf are the values of the runs that are whole on both sides.
func pairsOf(f stats.Figure, base, other *Point) (x, y []float64) {
	for i := range min(len(base.Runs), len(other.Runs)) {
		b, n := &base.Runs[i], &other.Runs[i]
		if !b.whole() || !n.whole() || b.Run != n.Run {
			continue
		}
		bs, ns := b.Summary(), n.Summary()
		v, ok := f.Of(&bs)
		w, also := f.Of(&ns)
		if ok && also {
			x, y = append(x, v), append(y, w)
		}
	}
	return x, y
}

func failures(runs []stats.Summary) (failed, of int) {
	for _, s := range runs {
		failed += s.Failed
		of += s.Issued()
	}
	return failed, of
}

// doubts are the reasons not to trust one side.
func (r *Results) doubts(side string) (list []string) {
	if r.Partial {
		list = append(list, side+" was stopped before its end")
	}
	for _, p := range r.Results {
		if p.Instrument != nil {
			for _, why := range p.Instrument.Invalid {
				list = append(list, fmt.Sprintf("%s: %s is invalid: %s", side, p.Name, why))
			}
		}
		if p.Sustainable != nil && !p.Sustainable.OK {
			list = append(list, fmt.Sprintf("%s: the load of %s can't go on, so that its latencies depend on how long it lasted: %s", side, p.Name, p.Sustainable.Reason))
		}
	}
	return list
}

// differ are the ways in which the two were not measured alike.
func differ(base, other *Results) (list []string) {
	b, n := base.Metadata, other.Metadata
	for _, d := range []struct {
		what        string
		base, other any
	}{
		{"model", b.Model, n.Model}, {"engine", b.Engine, n.Engine}, {"simulator", b.SimulatedBy, n.SimulatedBy},
		{"dataset", b.DatasetDigest, n.DatasetDigest}, {"max_tokens", b.MaxTokens, n.MaxTokens}, {"seed", b.Seed, n.Seed},
		{"endpoint", b.Endpoint, n.Endpoint}, {"scenario", b.Scenario, n.Scenario}, {"temperature", b.Temperature, n.Temperature},
		{"ignore_eos", b.IgnoreEOS, n.IgnoreEOS}, {"num_answers", b.NumAnswers, n.NumAnswers}, {"extra_body", b.ExtraBody, n.ExtraBody},
		{"prefix_tokens", b.PrefixTokens, n.PrefixTokens}, {"prefix_groups", b.PrefixGroups, n.PrefixGroups},
		{"num_images", b.NumImages, n.NumImages}, {"image_size", b.ImageSize, n.ImageSize},
		{"loras", strings.Join(b.LoRAs, ","), strings.Join(n.LoRAs, ",")}, {"lora_mix", b.LoRAMix, n.LoRAMix},
		{"history", b.History, n.History}, {"turns", b.Turns, n.Turns}, {"think_time_s", b.ThinkTimeS, n.ThinkTimeS},
		{"goodput", b.Goodput, n.Goodput},
		{"stream", b.Stream, n.Stream}, {"via_proxy", b.ViaProxy, n.ViaProxy}, {"prefix_cache_method", b.PrefixCacheMethod, n.PrefixCacheMethod},
	} {
		if d.base != d.other {
			list = append(list, fmt.Sprintf("they differ in %s: %v and %v", d.what, shown(d.base), shown(d.other)))
		}
	}
	return list
}

func shown(v any) any {
	if v == "" {
		return "none"
	}
	return v
}
