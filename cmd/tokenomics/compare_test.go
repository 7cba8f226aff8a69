package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sim"
	"tokenomics/internal/stats"
)

func TestParseShare(t *testing.T) {
	for text, want := range map[string]float64{"5%": 0.05, " 2.5 % ": 0.025, "0.05": 0.05, "0": 0, "150%": 1.5} {
		if got, err := parseShare(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"5": "write 5% if", "-1%": "is no percentage", "x": "is no percentage", "": "is no percentage", "NaN": "is no percentage"} {
		if _, err := parseShare(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// compareRun runs the command.
func compareRun(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), append([]string{"compare"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// resultsFile writes a sweep of one point, whose runs had these rates and TTFT.
func resultsFile(t *testing.T, point string, rates []float64, ttft float64) string {
	t.Helper()
	p := results.Point{Name: point, Load: &results.Load{Shape: "batch"}}
	for i, v := range rates {
		f := results.Figures{Requests: 10, Succeeded: 10, OutputTokS: record.Some(v), TTFT: &stats.Quantiles{P50: ttft + float64(i)/100, P99: 2*ttft + float64(i)/100}}
		p.Runs = append(p.Runs, results.Run{Run: i + 1, Figures: f})
	}
	r := results.Results{SchemaVersion: results.SchemaVersion, Results: results.Points{p}}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "r.json")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompareCommand(t *testing.T) {
	base := resultsFile(t, "8", []float64{100, 101, 99}, 50)
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string // in what it says
	}{
		{"the same", []string{base, resultsFile(t, "8", []float64{100.5, 100, 101}, 50)}, exitGood, []string{"output_tok_s", "+0.5%", "same"}},
		{"slower", []string{base, resultsFile(t, "8", []float64{80, 81, 79}, 50)}, exitFailed, []string{"-20.0%", "worse than BASE: output_tok_s of 8 (-20.0%)"}},
		{"faster", []string{base, resultsFile(t, "8", []float64{120, 121, 119}, 40)}, exitGood, []string{"+20.0%", "-20.0%", "better"}},
		{"slower within the threshold", []string{base, resultsFile(t, "8", []float64{80, 81, 79}, 50), "--threshold", "30%"}, exitGood, []string{"same"}},
		{"slower, but nobody asks", []string{base, resultsFile(t, "8", []float64{80, 81, 79}, 50), "--metrics", "ttft_p50,tpot_p99"}, exitGood,
			[]string{"ttft_p50", "no point has tpot_p99 in both files"}},
		{"one run", []string{base, resultsFile(t, "8", []float64{50}, 50)}, exitGood, []string{"can't tell", "measure with --num-runs 3 or more"}},
		{"no point in common", []string{base, resultsFile(t, "4", []float64{50}, 50)}, exitNotRun, []string{"no point in common, of the same name and load: (batch 8) and (batch 4)"}},
		{"one file", []string{base}, exitUsage, []string{"takes two results files"}},
		{"no such file", []string{base, "nowhere.json"}, exitUsage, []string{"nowhere.json"}},
		{"no such figure", []string{base, base, "--metrics", "speed"}, exitUsage, []string{`--metrics: there is no figure "speed"`, "ttft_p99"}},
		{"no such threshold", []string{base, base, "--threshold", "much"}, exitUsage, []string{"--threshold", "is no percentage"}},
	} {
		code, stdout, stderr := compareRun(t, c.args...)
		if code != c.code {
			t.Errorf("%s: exit %d, want %d: %s", c.name, code, c.code, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout+stderr, want) {
				t.Errorf("%s: nothing says %q:\n%s%s", c.name, want, stdout, stderr)
			}
		}
		if strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s: an error of several lines: %s", c.name, stderr)
		}
	}
}

func TestCompareJSON(t *testing.T) {
	base, other := resultsFile(t, "8", []float64{100, 101, 99}, 50), resultsFile(t, "8", []float64{80, 81, 79}, 50)
	code, stdout, _ := compareRun(t, base, other, "--json")
	var c results.Comparison
	if err := json.Unmarshal([]byte(stdout), &c); err != nil || code != exitFailed {
		t.Fatalf("exit %d, %v: %s", code, err, stdout)
	}
	f := c.Points[0].Figures[0]
	if c.Base != base || c.New != other || c.Regressions != 1 || f.Figure != "output_tok_s" || f.Verdict != stats.Worse || math.Abs(f.Difference.Or(0)+0.2) > 1e-9 {
		t.Errorf("%+v", c)
	}
}

// TestCompareOfRealSweeps: an engine that takes three times as long for a token
// is found out, and one against itself is not. The threshold is wide, because
// other tests keep the machine busy.
func TestCompareOfRealSweeps(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	sweep := func(name string, itl time.Duration) {
		engine := startSim(t, sim.Config{Model: "m", TTFT: sim.ConstantDuration(20 * time.Millisecond), ITL: sim.ConstantDuration(itl)})
		code, _, stderr := loadgenRun(t.Context(), t, "--api-base", engine, "--batch-sizes", "1,4", "--num-runs", "4", "--max-tokens", "12", "--results-file", name)
		if code != exitGood {
			t.Fatalf("exit %d: %s", code, stderr)
		}
	}
	sweep("base.json", 6*time.Millisecond)
	sweep("again.json", 6*time.Millisecond)
	sweep("slow.json", 18*time.Millisecond)
	if code, stdout, stderr := compareRun(t, "base.json", "again.json", "--threshold", "50%"); code != exitGood {
		t.Errorf("against itself: exit %d %s\n%s", code, stderr, stdout)
	}
	code, stdout, stderr := compareRun(t, "base.json", "slow.json", "--threshold", "50%", "--metrics", "output_tok_s,tpot_p50")
	for _, want := range []string{"output_tok_s of 1", "tpot_p50 of 1", "output_tok_s of 4", "tpot_p50 of 4"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("a slower engine: exit %d, nothing of %s: %s\n%s", code, want, stderr, stdout)
		}
	}
	if code != exitFailed {
		t.Errorf("a slower engine: exit %d", code)
	}
}
