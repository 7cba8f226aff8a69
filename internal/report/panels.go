package report

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// charted is what the panels are drawn from.
type charted struct {
	files  []Named
	labels []string
	axis   axis
	limits []stats.Bound
}

func (c charted) ttft(p *plot.Plot) error {
	p.Title.Text, p.Y.Label.Text = "Time to first token (p50; p99 dashed)", "ms"
	c.bounds(p, "ttft")
	if err := c.lines(p, func(p *results.Point) record.Opt[float64] { return p50Of(p.TTFT) }, false); err != nil {
		return err
	}
	return c.lines(p, func(p *results.Point) record.Opt[float64] { return statisticCell(p.TTFT, statistics[4]).number }, true)
}

func (c charted) decode(p *plot.Plot) error {
	p.Title.Text, p.Y.Label.Text = "Decode rate of one request (p50)", "tok/s"
	p.Legend.Top, p.Legend.YOffs = false, 4
	return c.lines(p, func(p *results.Point) record.Opt[float64] { return p50Of(p.RequestDecodeTokS) }, false)
}

func (c charted) system(p *plot.Plot) error {
	p.Title.Text, p.Y.Label.Text = "End-to-end throughput, all requests together", "output tok/s"
	return c.lines(p, func(p *results.Point) record.Opt[float64] { return p.OutputTokS }, false)
}

func (c charted) request(p *plot.Plot) error {
	p.Title.Text, p.Y.Label.Text = "Throughput of one request (p50)", "output tok/s"
	p.Legend.Top, p.Legend.YOffs = false, 4
	return c.lines(p, func(p *results.Point) record.Opt[float64] { return p50Of(p.RequestOutputTokS) }, false)
}

func (c charted) steady(p *plot.Plot) error {
	p.Title.Text, p.Y.Label.Text = "Steady state", "output tok/s"
	return c.lines(p, func(p *results.Point) record.Opt[float64] { return p.SteadyTokS }, false)
}

// split is the mean request's time to its first token, and from there on.
func (c charted) split(p *plot.Plot) error {
	p.Title.Text, p.Y.Label.Text = "Latency of the mean request: to first token (solid), decode (pale)", "ms"
	width := vg.Points(260 / float64(len(c.axis.Loads)*len(c.files)))
	for i, f := range c.files {
		first, rest := make(plotter.Values, len(c.axis.Loads)), make(plotter.Values, len(c.axis.Loads))
		for j := range f.Results.Results {
			if point := &f.Results.Results[j]; point.TTFT != nil && point.E2E != nil {
				at := slices.Index(c.axis.Loads, c.axis.at(point))
				first[at], rest[at] = point.TTFT.Mean, max(0, point.E2E.Mean-point.TTFT.Mean)
			}
		}
		below, err := plotter.NewBarChart(first, width)
		if err != nil {
			return err
		}
		above, err := plotter.NewBarChart(rest, width)
		if err != nil {
			return err
		}
		pale := hue(i)
		pale.R, pale.G, pale.B = lighter(pale.R), lighter(pale.G), lighter(pale.B)
		below.Color, above.Color = hue(i), pale
		below.LineStyle.Width, above.LineStyle.Width = 0, 0
		below.Offset = width * vg.Length(float64(i)-float64(len(c.files)-1)/2)
		above.Offset = below.Offset
		above.StackOn(below)
		p.Add(below, above)
	}
	c.loads(p)
	return nil
}

func lighter(b uint8) uint8 { return b + (255-b)/2 }

// overTime is the tokens of each second of the first run of the largest load.
func (c charted) overTime(p *plot.Plot) error {
	p.Title.Text, p.Y.Label.Text, p.X.Label.Text = "Tokens over time", "output tok/s", "seconds"
	for i, f := range c.files {
		load, seconds := largestTimed(f.Results.Results, c.axis)
		if len(seconds) == 0 {
			continue
		}
		var xys plotter.XYs
		for _, s := range seconds {
			xys = append(xys, plotter.XY{X: s.T, Y: s.OutputTokens / width(s)})
		}
		last := seconds[len(seconds)-1]
		xys = append(xys, plotter.XY{X: last.T + width(last), Y: last.OutputTokens / width(last)})
		line, err := plotter.NewLine(xys)
		if err != nil {
			return err
		}
		line.StepStyle, line.Color, line.Width = plotter.PostStep, hue(i), 1.6
		p.Add(line)
		p.Legend.Add(c.axis.Title+" "+load+c.suffix(i), line)
	}
	frame(p)
	p.Y.Max *= 1 + 0.08*float64(len(c.files)) // for the legend
	return nil
}

// suffix names the file, where there are several.
func (c charted) suffix(i int) string {
	if len(c.files) == 1 {
		return ""
	}
	return ", " + c.labels[i]
}

func largestTimed(points results.Points, a axis) (load string, seconds []results.Second) {
	largest := -1
	for i := range points {
		at := a.at(&points[i])
		place := slices.Index(a.Loads, at)
		if runs := points[i].Runs; place > largest && len(runs) > 0 && len(runs[0].Seconds) > 0 {
			largest, load, seconds = place, at, runs[0].Seconds
		}
	}
	return load, seconds
}

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
	for i, l := range c.axis.Loads {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: l})
	}
	p.X.Tick.Marker, p.X.Label.Text = ticks, c.axis.Title
	p.X.Min, p.X.Max = -0.5, float64(len(c.axis.Loads))-0.5
	frame(p)
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

func p50Of(q *stats.Quantiles) record.Opt[float64] { return statisticCell(q, statistics[1]).number }
