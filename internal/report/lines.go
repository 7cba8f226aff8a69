package report

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// lines is one line per file over the loads, points in doubt crossed out.
func (c charted) lines(p *plot.Plot, of func(*results.Point) record.Opt[float64], dashed bool) error {
	for i, f := range c.files {
		var all, good, bad plotter.XYs
		for j := range f.Results.Results {
			point := &f.Results.Results[j]
			y, ok := of(point).Get()
			if !ok {
				continue
			}
			xy := plotter.XY{X: float64(slices.Index(c.axis.Loads, c.axis.at(point))), Y: y}
			all = append(all, xy)
			if len(doubts(point)) > 0 {
				bad = append(bad, xy)
			} else {
				good = append(good, xy)
			}
		}
		if len(all) == 0 {
			continue
		}
		slices.SortStableFunc(all, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		line, err := plotter.NewLine(all)
		if err != nil {
			return err
		}
		line.Color, line.Width = hue(i), 1.8
		p.Add(line)
		if dashed {
			line.Dashes, line.Width = []vg.Length{4, 3}, 1.2
			continue
		}
		if len(c.files) > 1 {
			p.Legend.Add(c.labels[i], line)
		}
		dot := draw.GlyphStyle{Color: hue(i), Radius: 3, Shape: draw.CircleGlyph{}}
		if err := errors.Join(marked(p, good, dot), marked(p, bad, draw.GlyphStyle{Color: alarm, Radius: 4, Shape: cross{}})); err != nil {
			return err
		}
	}
	c.loads(p)
	return nil
}

func marked(p *plot.Plot, at plotter.XYs, glyph draw.GlyphStyle) error {
	if len(at) == 0 {
		return nil
	}
	marks, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	marks.GlyphStyle = glyph
	p.Add(marks)
	return nil
}

// cross is the library's, but thick enough to be seen.
type cross struct{}

func (cross) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	style := draw.LineStyle{Color: s.Color, Width: 2}
	r := s.Radius
	c.StrokeLine2(style, at.X-r, at.Y-r, at.X+r, at.Y+r)
	c.StrokeLine2(style, at.X-r, at.Y+r, at.X+r, at.Y-r)
}

// bounds are the limits on a figure, across the panel.
func (c charted) bounds(p *plot.Plot, figure string) {
	for _, b := range c.limits {
		if !strings.HasPrefix(b.Name, figure+"_") {
			continue
		}
		limit := plotter.NewFunction(func(float64) float64 { return b.Limit })
		limit.Color, limit.Width, limit.Dashes = alarm, 1.2, []vg.Length{6, 4}
		p.Add(limit)
		p.Legend.Add(b.String(), limit)
	}
}

// loads makes the panel's x axis that of the sweep, evenly spaced.
func (c charted) loads(p *plot.Plot) {
	var ticks plot.ConstantTicks
	for i, l := range apart(c.axis.Loads) {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: l})
	}
	p.X.Tick.Marker, p.X.Label.Text = ticks, c.axis.Title
	p.X.Min, p.X.Max = -0.5, float64(len(c.axis.Loads))-0.5
	frame(p)
}

// letters is about how many letters of names have room beside each other below
// a panel.
const letters = 80

// apart leaves out those of evenly spaced names that would run into the one before.
func apart(names []string) []string {
	out, end := make([]string, len(names)), math.Inf(-1)
	each := letters / float64(len(names))
	for i, name := range names {
		at, half := float64(i)*each, float64(utf8.RuneCountInString(name))/2
		if at-half >= end {
			out[i], end = name, at+half+1
		}
	}
	return out
}

// frame gives a panel a y axis from 0 with room above.
func frame(p *plot.Plot) {
	p.Y.Tick.Marker, p.Y.Min = plot.TickerFunc(readable), 0
	if p.Y.Max <= 0 || math.IsInf(p.Y.Max, 0) { // nothing was drawn
		p.Title.Text += ": not known"
		p.Y.Max, p.Y.Tick.Marker = 1, plot.ConstantTicks{}
	}
	p.Y.Max *= 1.12
}

// readable are some five ticks at round numbers.
func readable(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, m := range []float64{5, 2} {
		if (high-low)/(m*step) >= 4 {
			step *= m
			break
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(low / step); i*step <= high; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: strconv.FormatFloat(i*step, 'g', 6, 64)})
	}
	return ticks
}
