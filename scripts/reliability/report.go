package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is what one measurement found: figures, the bars that they are held
// to, and examples of what is not as it must be.
type report struct {
	Name     string              `json:"name"`
	Started  time.Time           `json:"started"`
	Seconds  float64             `json:"seconds"`
	Seed     uint64              `json:"seed,omitempty"`
	Driver   string              `json:"driver,omitempty"`  // the proxy's --loop
	Skipped  string              `json:"skipped,omitempty"` // why there is nothing
	Cut      bool                `json:"interrupted,omitempty"`
	Figures  []figure            `json:"figures,omitempty"`
	Bars     []bar               `json:"bars,omitempty"`
	Counts   map[string]int      `json:"counts,omitempty"`
	Outcomes map[string]int      `json:"outcomes,omitempty"`
	Findings map[string]*finding `json:"findings,omitempty"`
}

// figure is something to know that no bar is for.
type figure struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// bar is a figure that must be so.
type bar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Want  string `json:"want"`
	Met   bool   `json:"met"`
}

func (r *report) figure(name, format string, args ...any) {
	r.Figures = append(r.Figures, figure{name, fmt.Sprintf(format, args...)})
}

func (r *report) bar(name, value, want string, met bool) {
	r.Bars = append(r.Bars, bar{name, value, want, met})
}

// none is the bar of what must not be found.
func (r *report) none(kind string, count int) { r.bar(kind, fmt.Sprint(count), "0", count == 0) }

// met says whether every bar was met.
func (r *report) met() bool {
	for _, b := range r.Bars {
		if !b.Met {
			return false
		}
	}
	return true
}

// text writes the report for people.
func (r *report) text(w io.Writer) {
	fmt.Fprintf(w, "%s: %.0f s", r.Name, r.Seconds)
	if r.Seed != 0 {
		fmt.Fprintf(w, ", seed %d", r.Seed)
	}
	if r.Driver != "" {
		fmt.Fprintf(w, ", --loop %s", r.Driver)
	}
	if r.Cut {
		fmt.Fprint(w, ", interrupted")
	}
	fmt.Fprintln(w)
	if r.Skipped != "" {
		fmt.Fprintf(w, "  skipped: %s\n", r.Skipped)
	}
	for _, f := range r.Figures {
		fmt.Fprintf(w, "  %-58s %s\n", f.Name, f.Value)
	}
	for _, name := range sortedKeys(r.Counts) {
		fmt.Fprintf(w, "  %-58s %d\n", "requests: "+name, r.Counts[name])
	}
	for _, name := range sortedKeys(r.Outcomes) {
		fmt.Fprintf(w, "  %-58s %d\n", "Records: "+name, r.Outcomes[name])
	}
	for _, b := range r.Bars {
		mark := "good  "
		if !b.Met {
			mark = "MISSED"
		}
		fmt.Fprintf(w, "  %s %-66s %s (must be %s)\n", mark, b.Name, b.Value, b.Want)
	}
	for _, kind := range sortedKeys(r.Findings) {
		for _, e := range r.Findings[kind].Examples {
			fmt.Fprintf(w, "    %s: %s\n", kind, e)
		}
	}
}

// markdown writes the tables of docs/reliability.md.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "### %s\n\n", r.Name)
	if r.Skipped != "" {
		fmt.Fprintf(w, "Skipped: %s.\n\n", r.Skipped)
		return
	}
	fmt.Fprint(w, "| what | value | must be |\n|---|---|---|\n")
	row := func(name, value, want string) {
		fmt.Fprintf(w, "| %s | %s | %s |\n", strings.ReplaceAll(name, "|", `\|`), value, want)
	}
	if r.Driver != "" {
		row("who relays: `--loop`", r.Driver, "")
	}
	for _, f := range r.Figures {
		row(f.Name, f.Value, "")
	}
	for _, b := range r.Bars {
		want := b.Want
		if !b.Met {
			want += " (missed)"
		}
		row(b.Name, b.Value, want)
	}
	fmt.Fprintln(w)
	sentence(w, "Requests", r.Counts)
	sentence(w, "Records", r.Outcomes)
}

// sentence lists counts.
func sentence(w io.Writer, of string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	var parts []string
	for _, name := range sortedKeys(counts) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	fmt.Fprintf(w, "%s: %s.\n\n", of, strings.Join(parts, "; "))
}

// figures is what docs/reliability.md shows of a run.
func figures(reports []*report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d CPUs, %s/%s, %s; engine, clients and proxy share them.\n\n", time.Now().UTC().Format(time.DateOnly),
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	for _, r := range reports {
		r.markdown(&b)
	}
	return b.String()
}

// Marks around the figures in a document.
const (
	figuresBegin = "<!-- figures -->\n"
	figuresEnd   = "<!-- end of figures -->\n"
)

// update puts the figures of a run into a document, in the place of the last
// ones.
func update(path string, reports []*report) error {
	doc, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(doc), figuresBegin)
	_, after, end := strings.Cut(rest, figuresEnd)
	if !ok || !end {
		return fmt.Errorf("%s has no place for figures: write %q and %q into it", path, figuresBegin, figuresEnd)
	}
	return os.WriteFile(path, []byte(before+figuresBegin+figures(reports)+figuresEnd+after), 0o644)
}

// writeJSON writes the reports for machines.
func writeJSON(path string, reports []*report) error {
	b, err := json.MarshalIndent(reports, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
