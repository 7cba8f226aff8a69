package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tokenomics/internal/results"
)

// headline says in one line what was measured.
func headline(m results.Metadata) string {
	parts := []string{m.Model + " on " + m.APIBase}
	if m.Engine != "" {
		parts = append(parts, strings.TrimSpace(m.Engine+" "+m.EngineVersion))
	}
	if m.SimulatedBy != "" {
		parts = append(parts, "simulated by "+m.SimulatedBy)
	}
	if m.DatasetPrompts > 0 {
		parts = append(parts, fmt.Sprintf("%d prompts of %s", m.DatasetPrompts, datasetName(m)))
	}
	if !m.Time.IsZero() {
		parts = append(parts, m.Time.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return strings.Join(parts, ", ")
}

// datasetName is what its users call the dataset.
func datasetName(m results.Metadata) string {
	if m.DatasetFile != "" {
		return filepath.Base(m.DatasetFile)
	}
	return cmp.Or(m.DatasetKey, m.HFDataset, m.DatasetSource)
}

// warnings are all that is to be known before the figures of a file are used:
// the worst first.
func warnings(r *results.Results) []string {
	var out []string
	if r.Partial {
		out = append(out, "the sweep was stopped before its end")
	}
	for i := range r.Results {
		p := &r.Results[i]
		at := loadOf(p)
		name := strings.TrimSpace(at.title + " " + at.label)
		for _, d := range doubts(p) {
			out = append(out, name+": "+d)
		}
		if p.Failed > 0 {
			text := fmt.Sprintf("%s: %d of %d requests failed and are in no average", name, p.Failed, p.Requests)
			if p.FirstError != "" {
				text += ", the first with: " + p.FirstError
			}
			out = append(out, text)
		}
		if p.Partial {
			out = append(out, name+": fewer runs than were asked for")
		}
	}
	for _, text := range r.Warnings {
		if !alreadyTold(text, r.Results) {
			out = append(out, text)
		}
	}
	return out
}

// alreadyTold says whether a warning of the file is one of the doubts about a
// point, which are told in any case.
func alreadyTold(text string, points results.Points) bool {
	for i := range points {
		p := &points[i]
		if s := p.Sustainable; s != nil && !s.OK && s.Reason != "" && strings.Contains(text, s.Reason) {
			return true
		}
		if p.Instrument != nil && slices.ContainsFunc(p.Instrument.Invalid, func(why string) bool { return strings.Contains(text, why) }) {
			return true
		}
	}
	return false
}

// noted is a warning in the page.
type noted struct{ Of, Text string } // Of is the file, where there are several

func notedIn(names []string, i int, r *results.Results) []noted {
	of := ""
	if len(names) > 1 {
		of = names[i]
	}
	var out []noted
	for _, text := range warnings(r) {
		out = append(out, noted{of, text})
	}
	return out
}

// title is of the page.
func title(files []Named) string {
	var models []string
	for _, f := range files {
		if m := f.Results.Metadata.Model; !slices.Contains(models, m) {
			models = append(models, m)
		}
	}
	return strings.Join(models, ", ")
}

// tool is what measured the newest of the files.
func tool(files []Named) string {
	newest := files[0].Results.Metadata
	for _, f := range files[1:] {
		if m := f.Results.Metadata; m.Time.After(newest.Time) {
			newest = m
		}
	}
	return strings.TrimSpace(newest.Tool + " " + newest.ToolVersion)
}
