package report

import (
	"slices"
	"strconv"
	"strings"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// fileView is one results file as the page shows it without its charts.
type fileView struct {
	Label   string
	Line    string // what was measured
	Axis    string
	Tiles   []tile
	Rows    []tableRow
	Spent   []spent
	Notes   []string // of Spent
	Costs   []costRow
	PerHour string
	Engine  detail
	Hop     detail
	Tool    detail
	Facts   []fact
}

// tile is a number that is read first.
type tile struct{ Name, Value, Note string }

type fact struct{ Name, Value string }

type tableHead struct{ Head, Unit string }

type tableRow struct {
	Label string
	Tags  []string // remarks of one word: the reasons are in the notes
	Bad   bool
	Cells []string
}

type costRow struct{ Label, Input, Output, Total string }

func tableHeads() []tableHead {
	var heads []tableHead
	for _, c := range pointColumns {
		if c.short {
			heads = append(heads, tableHead{c.head, c.unit})
		}
	}
	return heads
}

func fileViewOf(label string, f Named, drawn pageFile) fileView {
	r := f.Results
	a := axisOf([]Named{f})
	v := fileView{
		Label: label, Line: headline(r.Metadata), Axis: a.Title,
		Tiles: tiles(r.Results, drawn), Spent: spentIn(r.Results, a), Facts: facts(f),
		Engine: detailed(r.Results, a, engineColumns), Hop: detailed(r.Results, a, hopColumns), Tool: detailed(r.Results, a, toolColumns),
	}
	v.Notes = spentNotes(v.Spent)
	for i := range r.Results {
		p := &r.Results[i]
		row := tableRow{Label: a.at(p), Tags: tags(p, drawn.Points[i].Knee), Bad: len(doubts(p)) > 0}
		for _, c := range pointColumns {
			if c.short {
				row.Cells = append(row.Cells, c.of(p).rounded())
			}
		}
		v.Rows = append(v.Rows, row)
		if c := p.Cost; c != nil {
			v.PerHour = numberCell(record.Some(c.PerHour)).rounded()
			v.Costs = append(v.Costs, costRow{row.Label,
				numberCell(c.PerMillionInput).rounded(), numberCell(c.PerMillionOutput).rounded(), numberCell(c.PerMillionTotal).rounded()})
		}
	}
	return v
}

// tags are what is to be known of a point at a glance.
func tags(p *results.Point, knee bool) []string {
	var out []string
	if knee {
		out = append(out, "knee")
	}
	for _, d := range doubts(p) {
		kind, _, _ := strings.Cut(d, ":")
		if !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	if p.Partial {
		out = append(out, "partial")
	}
	return out
}

// tiles are the most that was reached, the knee, and what failed.
func tiles(points results.Points, drawn pageFile) []tile {
	var best *results.Point
	requests, failed := 0, 0
	for i := range points {
		p := &points[i]
		requests += p.Requests
		failed += p.Failed
		if rate := p.OutputTokS.Or(0); rate > 0 && len(doubts(p)) == 0 && (best == nil || rate > best.OutputTokS.Or(0)) {
			best = p
		}
	}
	var out []tile
	if best != nil {
		at := loadOf(best)
		out = append(out, tile{"most output", number(best.OutputTokS.Get()) + " tok/s", "at " + at.title + " " + at.label})
	}
	for i, p := range drawn.Points {
		if p.Knee {
			at := loadOf(&points[i])
			note := number(points[i].OutputTokS.Get()) + " tok/s"
			if points[i].TTFT != nil {
				note += ", TTFT p99 " + p99(points[i].TTFT) + " ms"
			}
			out = append(out, tile{"knee", at.title + " " + at.label, note})
		}
	}
	return append(out, tile{"failed", strconv.Itoa(failed), "of " + strconv.Itoa(requests) + " requests"})
}

// facts are how a file was measured.
func facts(f Named) []fact {
	m := f.Results.Metadata
	list := []fact{
		{"file", f.Name}, {"description", m.Description}, {"model", m.Model}, {"server", m.APIBase}, {"endpoint", m.Endpoint},
		{"engine", strings.TrimSpace(m.Engine + " " + m.EngineVersion)}, {"simulated by", m.SimulatedBy},
		{"prompts", m.DatasetSource}, {"lengths", m.Scenario}, {"digest of the prompts", m.DatasetDigest},
		{"prefix cache", strings.TrimSpace(m.PrefixCache + " " + m.PrefixCacheMethod)},
		{"search for", m.Find}, {"bounds", m.SLO}, {"goodput", m.Goodput},
		{"runs of each point", strconv.Itoa(m.NumRuns)}, {"most tokens of an answer", strconv.Itoa(m.MaxTokens)},
		{"temperature", strconv.FormatFloat(m.Temperature, 'g', -1, 64)}, {"streamed", yes(m.Stream)},
		{"through our proxy", yes(m.ViaProxy)}, {"seed", strconv.FormatInt(m.Seed, 10)}, {"warm-up requests", strconv.Itoa(m.Warmup)},
	}
	if !m.Time.IsZero() {
		list = append(list, fact{"begun", m.Time.UTC().Format("2006-01-02 15:04:05 UTC")})
	}
	list = append(list, fact{"took", number(m.DurationS, true) + " s"}, fact{"tool", strings.TrimSpace(m.Tool + " " + m.ToolVersion)})
	var known []fact
	for _, one := range list {
		if one.Value != "" {
			known = append(known, one)
		}
	}
	return known
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
