package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/report"
	"tokenomics/internal/results"
	"tokenomics/internal/sim"
)

// reportRun runs the command.
func reportRun(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), append([]string{"report"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// measuredFile is a results file of a small sweep over a simulated engine.
func measuredFile(t *testing.T, dir, name, description string, itl time.Duration) string {
	t.Helper()
	engine := startSim(t, sim.Config{TTFT: sim.ConstantDuration(2 * time.Millisecond), ITL: sim.ConstantDuration(itl), OutputTokens: sim.ConstantCount(20)})
	path := filepath.Join(dir, name)
	code, stdout, stderr := loadgenRun(t.Context(), t, "--api-base", engine, "--batch-sizes", "1,2,4", "--num-runs", "2", "--warmup", "1",
		"--description", description, "--results-file", path)
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	return path
}

// TestReport makes every kind of report of two sweeps that were really run.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	files := []string{measuredFile(t, dir, "a.json", "quick", time.Millisecond), measuredFile(t, dir, "b.json", "slow", 3*time.Millisecond)}
	made := func(name string, args ...string) []byte {
		t.Helper()
		path := filepath.Join(dir, name)
		code, stdout, stderr := reportRun(t, append(append([]string{"-o", path}, args...), files...)...)
		if code != 0 || stdout != "" || stderr != "Report: "+path+"\n" {
			t.Fatalf("exit code %d, stdout %q, stderr:\n%s", code, stdout, stderr)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	html := made("r.html", "--slo", "ttft_p99=500ms,tpot_p99=1s")
	m := regexp.MustCompile(`(?s)id="data">(.*?)</script>`).FindSubmatch(html)
	if m == nil {
		t.Fatal("the page holds no JSON")
	}
	var held struct {
		Files []struct {
			Label  string
			Points []struct {
				Load    string
				Figures struct {
					OutputTokS float64               `json:"output_tok_s"`
					TTFT       struct{ P99 float64 } `json:"ttft_ms"`
				}
			}
		}
		SLOs []struct{ Text string }
	}
	if err := json.Unmarshal(m[1], &held); err != nil {
		t.Fatal(err)
	}
	if len(held.SLOs) != 2 || held.SLOs[1].Text != "tpot_p99=1000ms" || len(held.Files) != 2 || held.Files[0].Label != "quick" || held.Files[1].Label != "slow" {
		t.Errorf("the page holds %+v", held)
	}
	for i, path := range files {
		r, err := results.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for j, p := range r.Results {
			got := held.Files[i].Points[j]
			if got.Load != p.Name || got.Figures.OutputTokS != p.OutputTokS.Or(-1) || got.Figures.TTFT.P99 != p.TTFT.P99 {
				t.Errorf("%s: the page has %+v of point %s", path, got, p.Name)
			}
		}
	}

	lines, err := csv.NewReader(bytes.NewReader(made("r.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 7 || lines[1][0] != "a" || lines[6][0] != "b" || lines[6][4] != "4" {
		t.Errorf("the table is %q", lines)
	}
	for i, head := range lines[0] {
		if head == "output_tokens" && lines[6][i] != strconv.Itoa(2*4*20) {
			t.Errorf("%s output tokens in batch 4, want %d", lines[6][i], 2*4*20)
		}
	}
	if _, err := png.Decode(bytes.NewReader(made("r.png"))); err != nil {
		t.Error(err)
	}
	if svg := made("r.svg", "--panels", "2"); !bytes.Contains(svg, []byte("batch size")) {
		t.Error("the SVG does not name its axis")
	}
	code, stdout, stderr := reportRun(t, files[0], "-o", "-", "--format", "md")
	if code != 0 || !strings.HasPrefix(stdout, "## quick\n") || stderr != "" {
		t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, stdout, stderr)
	}
}

// TestReportRefusals: one line that names the file and the remedy, and nothing
// written.
func TestReportRefusals(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"good.json": `{"schema_version":1,"metadata":{},"results":{"1":{"requests":1,"runs":[]}}}`, "empty.json": `{"schema_version":1,"results":{}}`,
		"other.json": `{"a":1}`, "broken.json": `{`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"-o r.html", 2, "no results file: give one or more"},
		{"good.json", 2, "add -o report.html"},
		{"good.json -o r.pdf", 2, `can't tell what to write to "r.pdf": end its name in .html`},
		{"good.json -o r.png --panels 3", 2, "give 2 or 6"},
		{"good.json -o r.html --slo fast", 2, "such as ttft_p99=500ms"},
		{"none.json -o r.html", 2, "none.json"},
		{"other.json -o r.html", 2, `"other.json" is no results file of tokenomics loadgen`},
		{"broken.json -o r.html", 2, `"broken.json"`},
		{"empty.json -o r.html", 2, `"empty.json" has no points`},
		{"good.json -o no/such/r.html", 3, "does not exist"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := reportRun(t, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("exit code %d, want %d with %q in one line; stdout %q, stderr:\n%s", code, tt.code, tt.want, stdout, stderr)
			}
			if entries, err := os.ReadDir("."); err != nil || len(entries) != 4 {
				t.Errorf("the directory holds %v, %v", entries, err)
			}
		})
	}
}

func TestOwnBounds(t *testing.T) {
	measured := func(slos ...string) (files []report.Named) {
		for _, slo := range slos {
			files = append(files, report.Named{Name: "f", Results: &results.Results{Metadata: results.Metadata{SLO: slo}}})
		}
		return files
	}
	for _, tt := range []struct {
		name  string
		files []report.Named
		want  string
	}{
		{"the same", measured("ttft_p99=500ms", "ttft_p99=500ms"), "[ttft_p99=500ms] <nil>"},
		{"different ones", measured("ttft_p99=500ms", "ttft_p99=1s"), "[] <nil>"},
		{"one without", measured("", "ttft_p99=1s"), "[] <nil>"},
		{"none", measured(""), "[] <nil>"},
		{"unreadable", measured("fast"), `[] reading the bounds that "f" was measured against`},
	} {
		bounds, err := ownBounds(tt.files)
		if got := fmt.Sprint(bounds, err); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
