package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
	"tokenomics/internal/stats"
)

var update = flag.Bool("update", false, "write the golden files anew")

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func measuredRun(n int, records ...*record.Record) MeasuredRun {
	m := MeasuredRun{Number: n, Start: epoch.Add(time.Duration(n) * time.Minute), Window: new(stats.Window)}
	m.Window.Begin = m.Start
	for _, r := range records {
		r.Start = m.Start
		m.Window.Observe(r)
	}
	return m
}

// answered is a stream of 11 tokens with its last after e2e ms.
func answered(e2e int) *record.Record {
	ms := func(n int) record.Offset { return record.Some(time.Duration(n) * time.Millisecond) }
	r := &record.Record{Outcome: record.Complete, Scheduled: ms(0), Sent: ms(0), FirstToken: ms(100), FirstOutput: ms(100), LastToken: ms(e2e), End: ms(e2e + 1)}
	r.Stream = true
	r.Usage = record.Usage{Prompt: record.Some(int64(20)), Cached: record.Some(int64(0)), Completion: record.Some(int64(11)), Source: record.SourceUsage}
	r.Gaps = new(sketch.Sketch)
	r.Gaps.AddN(float64(e2e-100)/10, 10)
	return r
}

func failed() *record.Record {
	r := &record.Record{Outcome: record.Error, Error: "engine on fire", Sent: record.Some(time.Duration(0))}
	r.Stream = true
	return r
}

// TestResultsGolden holds the results file: its keys are a promise.
func TestResultsGolden(t *testing.T) {
	whole := Measured{Name: "2", Load: Load{Shape: "batch", BatchSize: 2}, Runs: []MeasuredRun{
		measuredRun(1, answered(1100), answered(600)),
		measuredRun(2, answered(2100), failed()),
	}}
	dead := Measured{Name: "10", Load: Load{Shape: "batch", BatchSize: 10}, Runs: []MeasuredRun{measuredRun(1, failed())}}
	dead.Runs[0].Partial = true
	r := Results{
		SchemaVersion: SchemaVersion,
		Metadata: Metadata{
			Time: epoch, DurationS: 12.5, Tool: "tokenomics", ToolVersion: "v0", Description: `A & "B"`, Model: "m",
			APIBase: "http://localhost:8000/v1", Engine: "vllm", EngineVersion: "0.25.1", EngineFrontEnd: "uvicorn",
			DatasetKey: "builtin", DatasetSource: "embedded in the binary", DatasetPrompts: 3, DatasetDigest: "abc",
			BatchSizes: []int{2, 10}, NumRuns: 2, MaxTokens: 100, Temperature: 0.5, Stream: true, Seed: 42, TimeoutS: 600,
			Warmup: 3, PrefixCache: "salt", PrefixCacheMethod: "cache_salt", ResultsFile: "r.json",
		},
		Results:  Points{Of(whole, 2), Of(dead, 2)},
		Warnings: []string{"a doubt"}, Partial: true,
	}
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/results.json"
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o777), os.WriteFile(golden, out.Bytes(), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("results differ from %s (-update writes it anew):\n%s", golden, out.Bytes())
	}
}

// TestOldShape reads the results as scripts written for older files do.
func TestOldShape(t *testing.T) {
	m := Measured{Name: "2", Runs: []MeasuredRun{
		measuredRun(1, answered(1100), answered(600)),
		measuredRun(2, answered(2100), failed()),
		measuredRun(3, failed(), failed()),
	}}
	var out bytes.Buffer
	if err := (&Results{Results: Points{Of(m, 3)}}).Write(&out); err != nil {
		t.Fatal(err)
	}
	var old struct {
		Metadata map[string]any
		Results  map[string]struct {
			AvgInput  float64 `json:"avg_input_tokens"`
			AvgOutput float64 `json:"avg_output_tokens"`
			Elapsed   float64 `json:"elapsed_time"`
			System    float64 `json:"tokens_per_second_in_batch"`
			Request   float64 `json:"avg_tokens_per_second"`
		}
	}
	if err := json.Unmarshal(out.Bytes(), &old); err != nil {
		t.Fatal(err)
	}
	got := old.Results["2"]
	for _, f := range []struct {
		key       string
		got, want float64
	}{
		{"avg_input_tokens", got.AvgInput, 20},
		{"avg_output_tokens", got.AvgOutput, 11},
		{"elapsed_time", got.Elapsed, (1.1 + 2.1) / 2}, // the run that came to nothing has none
		{"tokens_per_second_in_batch", got.System, 33 / 3.2},
		{"avg_tokens_per_second", got.Request, (11/1.1 + 11/0.6 + 11/2.1) / 3},
	} {
		if d := f.got - f.want; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s = %v, want %v", f.key, f.got, f.want)
		}
	}
}

func TestPartialRunStandsInOnlyAlone(t *testing.T) {
	stopped := measuredRun(2, answered(5000))
	stopped.Partial = true
	m := Measured{Runs: []MeasuredRun{measuredRun(1, answered(1000)), stopped}}
	if sum := m.Summary(); sum.Requests != 1 || sum.E2E.Max != 1000 {
		t.Errorf("the aggregate has the stopped run in it: %+v", sum)
	}
	m.Runs[0].SetAside = []string{"late"}
	if sum := m.Summary(); sum.Requests != 1 || sum.E2E.Max != 5000 {
		t.Errorf("a run that was set aside is rather taken than a stopped one: %+v", sum)
	}
	m.Runs = m.Runs[1:]
	if sum := m.Summary(); sum.Requests != 1 || sum.E2E.Max != 5000 {
		t.Errorf("the only run is missing: %+v", sum)
	}
}

// TestARunSetAsideIsNoWholePoint: stopped before the run is done again, the point
// lacks it.
func TestARunSetAsideIsNoWholePoint(t *testing.T) {
	late := measuredRun(1, answered(5000))
	late.SetAside = []string{"the tool was late"}
	m := Measured{Runs: []MeasuredRun{late}}
	if p := Of(m, 1); !p.Partial || p.Requests != 1 {
		t.Errorf("alone: %d requests, partial %t", p.Requests, p.Partial)
	}
	m.Runs = append(m.Runs, measuredRun(2, answered(1000)))
	if p := Of(m, 1); p.Partial || p.Requests != 1 || p.E2E.Max != 1000 {
		t.Errorf("done again: %d requests, E2E up to %v ms, partial %t", p.Requests, p.E2E.Max, p.Partial)
	}
}

func TestDoubts(t *testing.T) {
	if d := doubts(measuredRun(1, answered(1000)).Window.Summary(), false); len(d) != 0 {
		t.Errorf("doubts about a good run: %q", d)
	}
	guessed, cached, untold, lumpy := answered(1000), answered(1000), answered(1000), answered(1000)
	guessed.Usage.Source = record.SourceEvents
	cached.Usage.Cached = record.Some(int64(5))
	untold.Usage = record.Usage{}
	lumpy.Buffered = true
	if d := doubts(measuredRun(1, guessed, cached, untold, lumpy).Window.Summary(), false); len(d) != 4 {
		t.Errorf("doubts %q, want one of each kind", d)
	}
	if d := doubts(measuredRun(1, cached).Window.Summary(), true); len(d) != 0 {
		t.Errorf("doubts about a cache that is meant to answer: %q", d)
	}
}

// TestReadGivesBackWhatWasWritten, the order of the points included.
func TestReadGivesBackWhatWasWritten(t *testing.T) {
	read, err := Read("testdata/results.json")
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := read.Write(&again); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/results.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), want) {
		t.Errorf("written again it is\n%s", again.Bytes())
	}
	for name, text := range map[string]string{"no JSON": "x", "another file": `{"a":1}`, "of the future": `{"schema_version":1000}`} {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
