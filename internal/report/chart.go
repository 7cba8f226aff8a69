package report

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"tokenomics/internal/stats"
)

// Chart formats.
const (
	PNG = "png"
	SVG = "svg"
)

// Chart draws panels of all files, overlaid: with panels 2 the throughput of
// all requests together and of one, with 6 TTFT, decode rate, throughput, the
// split of latency, steady state, and tokens over the time of the largest load.
func Chart(w io.Writer, format string, files []Named, limits []stats.Bound, panels int) error {
	c := charted{files: files, labels: labels(files), axis: axisOf(files), limits: limits}
	grid := [][]panel{{c.ttft, c.decode}, {c.system, c.split}, {c.steady, c.overTime}}
	if panels == 2 {
		grid = [][]panel{{c.system, c.request}}
	}
	width, height := 15*vg.Inch, vg.Length(len(grid))*4.1*vg.Inch+headRoom
	canvas, finish := canvasOf(format, width, height)
	if err := c.draw(draw.New(canvas), grid); err != nil {
		return fmt.Errorf("drawing the chart: %w", err)
	}
	if _, err := finish.WriteTo(w); err != nil {
		return fmt.Errorf("writing the chart: %w", err)
	}
	return nil
}

func canvasOf(format string, width, height vg.Length) (vg.CanvasSizer, io.WriterTo) {
	if format == SVG {
		c := vgsvg.NewWith(vgsvg.UseWH(width, height))
		return c, c
	}
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(96), vgimg.UseBackgroundColor(color.White))}
	return c, c
}

// panel fills a plot; what it has no data for it leaves empty.
type panel func(*plot.Plot) error

// headRoom is for the title above the panels.
const headRoom = 0.8 * vg.Inch

func (c charted) draw(dc draw.Canvas, grid [][]panel) error {
	plots := make([][]*plot.Plot, len(grid))
	for i, row := range grid {
		for _, fill := range row {
			p := plot.New()
			style(p)
			if err := fill(p); err != nil {
				return err
			}
			plots[i] = append(plots[i], p)
		}
	}
	tiles := draw.Tiles{
		Rows: len(grid), Cols: len(grid[0]), PadTop: headRoom, PadBottom: 8, PadLeft: 10, PadRight: 16, PadX: 26, PadY: 20,
	}
	for i, row := range plot.Align(plots, tiles, dc) {
		for j, tile := range row {
			plots[i][j].Draw(tile)
		}
	}
	head := plots[0][0].Title.TextStyle
	head.XAlign, head.YAlign, head.Font.Size = draw.XCenter, draw.YCenter, 17
	middle := (dc.Min.X + dc.Max.X) / 2
	dc.FillText(head, vg.Point{X: middle, Y: dc.Max.Y - 20}, title(c.files))
	head.Font.Size, head.Font.Weight, head.Color = 11, 0, faint
	dc.FillText(head, vg.Point{X: middle, Y: dc.Max.Y - 40}, c.subtitle())
	return nil
}

// subtitle is what was measured, where that is one thing.
func (c charted) subtitle() string {
	if len(c.files) == 1 {
		return headline(c.files[0].Results.Metadata)
	}
	return fmt.Sprintf("%d results, measured by %s", len(c.files), tool(c.files))
}

var (
	ink   = color.RGBA{0x1c, 0x24, 0x30, 0xff}
	faint = color.RGBA{0x5b, 0x66, 0x75, 0xff}
	pale  = color.RGBA{0xe2, 0xe6, 0xea, 0xff}
	alarm = color.RGBA{0xb3, 0x26, 0x1e, 0xff}
)

// hues are those of the page, in its light dress.
var hues = []color.RGBA{
	{0x1f, 0x6f, 0xeb, 0xff}, {0xd4, 0x65, 0x0b, 0xff}, {0x12, 0x80, 0x5c, 0xff},
	{0xa8, 0x33, 0x8f, 0xff}, {0x6b, 0x5b, 0xd6, 0xff}, {0x8a, 0x6d, 0x00, 0xff},
}

func hue(i int) color.RGBA { return hues[i%len(hues)] }

func style(p *plot.Plot) {
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	set := func(f *font.Font, size vg.Length) { *f = sans; f.Size = size }
	set(&p.Title.TextStyle.Font, 13)
	p.Title.TextStyle.Color, p.Title.Padding = ink, 8
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		set(&a.Label.TextStyle.Font, 11)
		set(&a.Tick.Label.Font, 10)
		a.Color, a.Label.TextStyle.Color, a.Tick.Color, a.Tick.Label.Color = faint, faint, faint, faint
	}
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = pale, pale
	p.Add(g)
	set(&p.Legend.TextStyle.Font, 10)
	p.Legend.TextStyle.Color = ink
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs, p.Legend.Padding = true, true, 6, -4, 2
}
