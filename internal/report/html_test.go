package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

func written(t *testing.T, files []Named, bounds ...stats.Bound) string {
	t.Helper()
	var out strings.Builder
	if err := HTML(&out, files, bounds); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var (
	embedded = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)
	code     = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// held is the JSON in a page, read back.
func held(t *testing.T, html string) (p page) {
	t.Helper()
	m := embedded.FindStringSubmatch(html)
	if m == nil {
		t.Fatal("the page holds no JSON")
	}
	if err := json.Unmarshal([]byte(m[1]), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHTMLHoldsTheFigures(t *testing.T) {
	files := fixture()
	html := written(t, files, bounded(t, "ttft_p99=500ms")...)
	p := held(t, html)
	if len(p.Files) != 2 || p.Files[0].Label != "fast engine, BF16" || p.Axis.Title != "concurrency" || strings.Join(p.Axis.Loads, " ") != "1 2 4 8 16 32 64" || p.SLOs[0] != (slo{"ttft_ms", "p99", 500, "ttft_p99=500ms"}) {
		t.Errorf("files %d, axis %+v, SLOs %+v", len(p.Files), p.Axis, p.SLOs)
	}
	for i, f := range files {
		for j, want := range f.Results.Results {
			got := p.Files[i].Points[j]
			if got.Name != want.Name || got.Figures.OutputTokS != want.OutputTokS || *got.Figures.TTFT != *want.TTFT || *got.Figures.E2E != *want.E2E || len(got.Runs[0].Seconds) != len(want.Runs[0].Seconds) {
				t.Errorf("%s, point %s: %+v, want %+v", f.Name, want.Name, got.Figures, want.Figures)
			}
		}
	}
	if knees := p.Files[0].Points[4].Knee && p.Files[1].Points[3].Knee; !knees {
		t.Error("the knees are not at 16 and 8")
	}
	if d := p.Files[0].Points[6].Doubts; len(d) != 1 || !strings.Contains(d[0], "unsustainable") {
		t.Errorf("doubts about 64: %q", d)
	}
	// What is read without the charts.
	for _, want := range []string{
		"concurrency 64: unsustainable", "7 of 7680 requests failed", "invalid: requests left 12 ms late", "own account, a mean over all its clients",
		"As seen from outside", "At 2.50 per hour", "Side by side", "What the engine says", "The proxy in between", "What the tool itself did", "<th>KV cache<small>% used, most</small></th>", "<h2>All points</h2>", "<th>16 <small>knee</small></th>", "<th>64 <small>unsustainable</small></th>", `id="timeline"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestHTMLOfLittle: what is not known has no section, and no zero.
func TestHTMLOfLittle(t *testing.T) {
	html := written(t, []Named{{"r", &results.Results{Results: results.Points{{Name: "1", Figures: results.Figures{Requests: 3, Failed: 3}}}}}})
	for _, id := range []string{"tradeoff", "loads", "distributions", "timeline", "spent", "engine", "cost", "comparison", "tool"} {
		if strings.Contains(html, `<section class="card drawn" id="`+id) || strings.Contains(html, `<section class="card" id="`+id) {
			t.Errorf("section %s of nothing", id)
		}
	}
	if !strings.Contains(html, "<td>-</td>") {
		t.Error("no dash for what is not known")
	}
}

// TestHTMLOfHostileWords: descriptions, models and errors are other people's.
func TestHTMLOfHostileWords(t *testing.T) {
	const hostile = `</script><img src=x onerror=alert(1)>"'{{.}}` + "<!--\u2028" + `<style>`
	f := fixture()[0]
	m := &f.Results.Metadata
	m.Description, m.Model, m.APIBase, m.Engine, m.DatasetSource, m.SimulatedBy = hostile, hostile, hostile, hostile, hostile, hostile
	f.Results.Warnings = []string{hostile}
	for i := range f.Results.Results {
		p := &f.Results.Results[i]
		p.Name, p.Load, p.FirstError, p.Failed = hostile, nil, hostile, 1
		p.Sustainable = &results.Sustainable{Reason: hostile}
		p.Instrument = &results.Instrument{Invalid: []string{hostile}}
	}
	other := fixture()[1]
	other.Name = hostile
	html := written(t, []Named{f, other, {hostile, other.Results}}, bounded(t, "e2e_mean=1s")...)
	if strings.Contains(html, "<img") || strings.Contains(html, "<!--") {
		t.Error("a tag of others is in the page")
	}
	for tag, want := range map[string]int{"<script": 2, "</script": 2, "<style": 1, "</style": 1} {
		// The style element's own text and the code are ours.
		if n := strings.Count(html, tag); n != want {
			t.Errorf("%d times %s, want %d", n, tag, want)
		}
	}
	if p := held(t, html); p.Files[0].Points[0].Name != hostile || p.Files[0].Points[0].Doubts[0] != "invalid: "+hostile {
		t.Errorf("the words became %q", p.Files[0].Points[0].Name)
	}
}

// TestHTMLIsSelfContained: nothing is fetched, and its own policy, which names
// the code by its hash, lets nothing else run.
func TestHTMLIsSelfContained(t *testing.T) {
	html := written(t, fixture())
	m := code.FindStringSubmatch(html)
	if m == nil {
		t.Fatal("no code")
	}
	sum := sha256.Sum256([]byte(m[1]))
	if hash := "&#39;sha256-" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;") + "&#39;"; !strings.Contains(html, hash) {
		t.Errorf("the policy does not name the code's hash %s", hash)
	}
	if !strings.Contains(m[1], "Permission is hereby granted") {
		t.Error("uPlot is in the page without its licence")
	}
	for _, fetches := range []string{" src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest", "import("} {
		if strings.Contains(html, fetches) {
			t.Errorf("the page has %q", fetches)
		}
	}
}

func TestHTMLSaysWhenItCouldNotBeWritten(t *testing.T) {
	if HTML(brokenWriter{}, fixture(), nil) == nil {
		t.Error("no error")
	}
}
