package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"tokenomics/internal/results"
)

// Named is a results file to report on.
type Named struct {
	Name    string // of the file, without its directory
	Results *results.Results
}

// labels are what the files are called in legends: by their descriptions where
// each has one of its own, else by their names.
func labels(files []Named) []string {
	var names, said []string
	for _, f := range files {
		names = append(names, f.Name)
		if d := f.Results.Metadata.Description; d != "" && !slices.Contains(said, d) {
			said = append(said, d)
		}
	}
	if len(said) == len(files) {
		return said
	}
	return names
}

// load is where a point stands on the axis of a sweep.
type load struct {
	label string  // "8", "2.5", "inf", or the point's name
	value float64 // to sort by
	title string  // of the axis: "batch size"
}

func loadOf(p *results.Point) load {
	if p.Load == nil { // older files have batches only
		return numbered(p.Name, "batch size")
	}
	switch l := p.Load; l.Shape {
	case "batch":
		return load{strconv.Itoa(l.BatchSize), float64(l.BatchSize), "batch size"}
	case "concurrency":
		return load{strconv.Itoa(l.MaxConcurrency), float64(l.MaxConcurrency), "concurrency"}
	case "rate":
		return load{l.RequestRate.String(), float64(l.RequestRate), "requests per second"}
	}
	return numbered(p.Name, p.Load.Shape)
}

// numbered takes a point's place from its name, where that is a number.
func numbered(name, title string) load {
	v, err := strconv.ParseFloat(name, 64)
	if err != nil || math.IsNaN(v) {
		v = 0
	}
	return load{name, v, title}
}

// axis is the loads of all files in order, and what they are.
type axis struct {
	Title string   `json:"title"` // "load" where there are several kinds
	Loads []string `json:"loads"`
	mixed bool
}

// at is the point's place on the axis. Among several kinds of load it says of
// which it is: 8 requests at once are not 8 a second.
func (a axis) at(p *results.Point) string {
	l := loadOf(p)
	if a.mixed {
		return l.title + " " + l.label
	}
	return l.label
}

func axisOf(files []Named) axis {
	var points []*results.Point
	a := axis{Title: "load"}
	for _, f := range files {
		for i := range f.Results.Results {
			p := &f.Results.Results[i]
			points = append(points, p)
			a.mixed = a.mixed || loadOf(p).title != loadOf(points[0]).title
		}
	}
	slices.SortStableFunc(points, compareLoads)
	for _, p := range points {
		if at := a.at(p); !slices.Contains(a.Loads, at) {
			a.Loads = append(a.Loads, at)
		}
		if !a.mixed {
			a.Title = loadOf(p).title
		}
	}
	return a
}

func compareLoads(a, b *results.Point) int {
	x, y := loadOf(a), loadOf(b)
	return cmp.Or(strings.Compare(x.title, y.title), cmp.Compare(x.value, y.value))
}

// byLoad are the files with their points in the order of their loads: a search
// measures them in another.
func byLoad(files []Named) []Named {
	out := slices.Clone(files)
	for i := range out {
		r := *out[i].Results
		r.Results = slices.Clone(r.Results)
		slices.SortStableFunc(r.Results, func(a, b results.Point) int { return compareLoads(&a, &b) })
		out[i].Results = &r
	}
	return out
}

// doubts say why a point's figures are not to be used as they are, in words
// for people; none for a good point.
func doubts(p *results.Point) []string {
	var out []string
	if p.Instrument != nil {
		for _, why := range p.Instrument.Invalid {
			out = append(out, "invalid: "+why)
		}
	}
	if s := p.Sustainable; s != nil && !s.OK {
		why := "unsustainable"
		if s.Reason != "" {
			why += ": " + s.Reason
		}
		out = append(out, why)
	}
	return out
}
