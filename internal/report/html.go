package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"tokenomics/internal/stats"
)

// assets are the page's own parts, and uPlot with its licence.
//
//go:embed assets
var assets embed.FS

// asset is one of them. That it is there is known when the binary is built.
func asset(name string) string {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

var pageTemplate = template.Must(template.New("page.tmpl").Funcs(template.FuncMap{
	"class": func(part string) string { return partClasses[part] },
	"hue":   func(i int) int { return i % len(hues) },
	"ms":    func(v float64) string { return number(v, true) },
	"detail": func(f fileView, of detail, d document) detailView {
		return detailView{f, of, len(d.Files) > 1}
	},
}).Parse(asset("page.tmpl")))

// script is all the code of the page, in one element, so that the page's own
// policy can name it by its hash and the browser runs nothing else.
var script = "/*\n" + asset("uplot/LICENSE") + "*/\n" + asset("uplot/uPlot.iife.min.js") + "\n" +
	asset("chart.js") + asset("draw.js") + asset("page.js")

// document is what the template is filled with.
type document struct {
	Policy, Title string
	CSS           template.CSS
	Script        template.JS
	Page          page
	Bounds        []stats.Bound
	Notes         []noted
	Sections      sections
	Files         []fileView
	Heads         []tableHead
	Comparison    []comparison
	Tool          string
}

// sections says what there is anything for.
type sections struct{ Latency, Knee, TimeLine, Spent, Cost, Engine, Hop, Tool bool }

// detailView is what the template of a detail's table is filled with.
type detailView struct {
	File    fileView
	Detail  detail
	Several bool // files: each is named
}

func (s *sections) add(v fileView, drawn pageFile) {
	for _, p := range drawn.Points {
		s.TimeLine = s.TimeLine || len(p.Runs) > 0
		s.Knee = s.Knee || p.Knee
		s.Latency = s.Latency || len(p.Percentiles) > 0
	}
	s.Spent = s.Spent || len(v.Spent) > 0
	s.Cost = s.Cost || len(v.Costs) > 0
	s.Engine = s.Engine || len(v.Engine.Rows) > 0
	s.Hop = s.Hop || len(v.Hop.Rows) > 0
	s.Tool = s.Tool || len(v.Tool.Rows) > 0
}

// HTML writes one page about all files, overlaid and judged by the bounds, with
// everything in it, so that it can be mailed and opened anywhere. Without
// JavaScript its tables and bars are there, and its charts are not.
func HTML(w io.Writer, files []Named, bounds []stats.Bound) error {
	files = byLoad(files)
	sum := sha256.Sum256([]byte(script))
	d := document{
		Policy: "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		Title:  title(files),
		CSS:    template.CSS(asset("uplot/uPlot.min.css") + asset("page.css")),
		Script: template.JS(script),
		Page:   pageOf(files, bounds),
		Bounds: bounds,
		Heads:  tableHeads(),
		Tool:   tool(files),
	}
	names := labels(files)
	for i, f := range files {
		v := fileViewOf(names[i], f, d.Page.Files[i])
		d.Files = append(d.Files, v)
		d.Notes = append(d.Notes, notedIn(names, i, f.Results)...)
		d.Sections.add(v, d.Page.Files[i])
	}
	if len(files) > 1 {
		d.Comparison = compared(files, d.Page.Axis)
	}
	if err := pageTemplate.Execute(w, d); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
