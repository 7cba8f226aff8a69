package report

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

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
		if s := timeLine(&points[i]); place > largest && len(s) > 0 {
			largest, load, seconds = place, at, s
		}
	}
	return load, seconds
}

// timeLine is that of a point's first run that counts.
func timeLine(p *results.Point) []results.Second {
	for i := range p.Runs {
		if r := &p.Runs[i]; r.SetAside == nil {
			return r.Seconds
		}
	}
	return nil
}

func p50Of(q *stats.Quantiles) record.Opt[float64] { return statisticCell(q, statistics[1]).number }
