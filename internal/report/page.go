package report

import (
	"math"
	"slices"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sketch"
	"tokenomics/internal/stats"
)

// page is what the charts of the HTML page are drawn from. It is in the page
// as JSON, figures under the keys that they have in results files.
type page struct {
	Files []pageFile `json:"files"`
	SLOs  []slo      `json:"slos"`
	Axis  axis       `json:"axis"`
	Ranks []float64  `json:"ranks"` // of the percentiles, 0 to 1
}

type pageFile struct {
	Label  string      `json:"label"`
	Points []pagePoint `json:"points"`
}

type pagePoint struct {
	Name        string                `json:"name"`
	Load        string                `json:"load"`
	Figures     results.Figures       `json:"figures"`
	Knee        bool                  `json:"knee"`
	Doubts      []string              `json:"doubts"`
	Percentiles map[string][]*float64 `json:"percentiles"` // by figure; null where a rank is not known
	Runs        []pageRun             `json:"runs"`        // those with a time line
}

type pageRun struct {
	Run     int              `json:"run"`
	Every   float64          `json:"every"` // seconds that one entry covers
	Seconds []results.Second `json:"seconds"`
}

// ranks are dense where users look: in the tail.
var ranks = []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9975, 0.999}

func pageOf(files []Named, bounds []stats.Bound) page {
	p := page{SLOs: slosOf(bounds, files), Axis: axisOf(files), Ranks: ranks}
	for i, label := range labels(files) {
		points := files[i].Results.Results
		file := pageFile{Label: label}
		best, found := knee(points, bounds)
		for j := range points {
			point := pagePointOf(&points[j], p.Axis)
			point.Knee = found && j == best
			file.Points = append(file.Points, point)
		}
		p.Files = append(p.Files, file)
	}
	return p
}

func pagePointOf(p *results.Point, a axis) pagePoint {
	out := pagePoint{
		Name: p.Name, Load: a.at(p), Figures: p.Figures, Doubts: doubts(p),
		Percentiles: make(map[string][]*float64),
	}
	for _, f := range figures {
		if q := f.of(&p.Figures); q != nil {
			out.Percentiles[f.key] = percentiles(q, p.Sketches[f.key])
		}
	}
	for _, r := range p.Runs {
		if len(r.Seconds) > 0 {
			every, seconds := coarse(r.Seconds)
			out.Runs = append(out.Runs, pageRun{r.Run, every, seconds})
		}
	}
	return out
}

// percentiles are those of the sketch, where there is one, else the few that
// the file tells. A rank above which no whole sample lies has none.
func percentiles(q *stats.Quantiles, s *sketch.Sketch) []*float64 {
	told := map[float64]float64{0: q.Min, 0.5: q.P50, 0.9: q.P90, 0.95: q.P95, 0.99: q.P99}
	if v, ok := q.P999.Get(); ok {
		told[0.999] = v
	}
	out := make([]*float64, len(ranks))
	for i, rank := range ranks {
		if rank > 0.5 && q.N*(1-rank) < 1-1e-9 {
			break
		}
		if v, ok := told[rank]; ok {
			out[i] = &v
		} else if v, ok := s.Quantile(rank); ok {
			out[i] = &v
		}
	}
	return out
}

// maxSeconds bounds what a run's time line puts into the page: more entries
// than a wide screen has columns show nothing more.
const maxSeconds = 1200

// coarse merges neighbouring seconds until there are at most maxSeconds: sums
// of what happened, and the most of what was in flight.
func coarse(seconds []results.Second) (every float64, merged []results.Second) {
	size := (len(seconds) + maxSeconds - 1) / maxSeconds
	if size <= 1 {
		return width(seconds[0]), seconds
	}
	for group := range slices.Chunk(seconds, size) {
		one := group[0]
		one.TTFT = record.Opt[float64]{} // means without their weights can't be merged
		for _, s := range group[1:] {
			one.Sent += s.Sent
			one.Done += s.Done
			one.Failed += s.Failed
			one.InFlight = max(one.InFlight, s.InFlight)
			one.OutputTokens += s.OutputTokens
		}
		merged = append(merged, one)
	}
	return float64(size) * width(seconds[0]), merged
}

// width is how many seconds an entry of a time line stands for.
func width(s results.Second) float64 {
	if s.Width == 0 {
		return 1
	}
	return s.Width
}

// share is a as a percentage of b, and 0 where there is nothing to share.
func share(a, b float64) float64 {
	if b <= 0 || math.IsNaN(a) {
		return 0
	}
	return 100 * a / b
}
