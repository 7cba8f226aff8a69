package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/loadgen/calibration"
)

// builtProgram is this command as a program, which calibrate starts as its
// simulator.
func builtProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokenomics")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return path
}

// TestCalibrate measures two small loads against a simulator's own process.
// Times are the machine's business: what must be right is what was counted.
func TestCalibrate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "c.json")
	var stdout, stderr bytes.Buffer
	e := &env{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	f := &calibrateFlags{streams: "3,1", eventsPerS: 50, duration: time.Second, file: file, json: "-"}
	plan, err := f.plan(builtProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	err = plan.do(t.Context(), e)
	var told calibration.Calibration
	if jsonErr := json.Unmarshal(stdout.Bytes(), &told); jsonErr != nil {
		t.Fatalf("%v, then %v in %q", err, jsonErr, stdout.String())
	}
	kept, readErr := calibration.Read(file)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if kept.Machine != calibration.ThisMachine() || kept.EventsPerS != 50 || len(kept.Levels) != 2 || len(told.Levels) != 2 {
		t.Errorf("kept %+v, told %+v", kept, told)
	}
	well := true
	for i, streams := range []int{1, 3} {
		l := kept.Levels[i]
		if l.Streams != streams || l.Planned != 50*float64(streams) {
			t.Errorf("level %d has %d streams and %g events/s planned", i, l.Streams, l.Planned)
		}
		if l.Requests < streams || l.Failed+l.Unjoined+l.TokenErrors+l.EventErrors > 0 {
			t.Errorf("%d streams: %d requests, %d failed, %d not in the truth, %d with wrong tokens, %d with wrong events",
				streams, l.Requests, l.Failed, l.Unjoined, l.TokenErrors, l.EventErrors)
			continue
		}
		const tokens = 10 // in a fifth of a second
		if l.TTFTError.N != float64(l.Requests) || l.E2EError.N != float64(l.Requests) || l.Lateness.N != float64(l.Requests) ||
			l.GapError.N != float64(l.Requests*(tokens-1)) || l.Stamp.N != float64(l.Requests*tokens) || l.Lag == nil {
			t.Errorf("%d streams: %+v", streams, l)
		}
		if !l.GapRatio.Ok() || !l.EventsPerS.Ok() || !l.EventsPerCPUS.Ok() || !l.ClientCPU.Ok() || !l.SimCPU.Ok() {
			t.Errorf("%d streams: a figure is missing: %+v", streams, l)
		}
		well = well && calibration.Well(l)
	}
	if (err == nil) != well {
		t.Errorf("well is %v, and the verdict %v", well, err)
	}
	for _, want := range []string{"TTFT error", "gap p99", "Kept for loadgen in " + file} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not in what is said:\n%s", want, stderr.String())
		}
	}
}

// TestCalibrateStopped: the simulator ends with the calibration, and nothing is
// written.
func TestCalibrateStopped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.json")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var stdout, stderr output
	e := &env{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	f := &calibrateFlags{streams: "2", eventsPerS: 50, duration: time.Minute, file: file}
	plan, err := f.plan(builtProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- plan.do(ctx, e) }()
	waitFor(t, "the first load", func() bool { return strings.Contains(stderr.String(), "2 streams") })
	stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("stopped: %v", err)
	}
	if _, err := calibration.Read(file); err == nil {
		t.Error("a calibration was written")
	}
}

func TestSimProcess(t *testing.T) {
	program := builtProgram(t)
	s, err := startSimProcess(t.Context(), program, t.TempDir(), time.Minute, "--model", "m")
	if err != nil {
		t.Fatal(err)
	}
	if models := get(t, s.url+"/v1/models"); !strings.Contains(models, `"m"`) {
		t.Errorf("%s", models)
	}
	if _, err := s.stop(); err != nil || !s.cmd.ProcessState.Exited() {
		t.Errorf("%v, %v", err, s.cmd.ProcessState)
	}
	if _, err := startSimProcess(t.Context(), program, t.TempDir(), time.Minute, "--dialect", "gpt"); err == nil || !strings.Contains(err.Error(), "gpt") {
		t.Errorf("a simulator that does not start: %v", err)
	}
	if _, err := startSimProcess(t.Context(), filepath.Join(t.TempDir(), "none"), t.TempDir(), time.Minute); err == nil {
		t.Error("no program: no error")
	}
}

func TestCalibrateRefusals(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--streams", "0"}, "0 measures nothing"},
		{[]string{"--streams", "5,5"}, "5 is there twice (a longer --duration measures more of it)"},
		{[]string{"--streams", "1,x"}, `"x" is not a whole number`},
		{[]string{"--events-per-second", "0"}, "more than 0"},
		{[]string{"--events-per-second", "NaN"}, "more than 0"},
		{[]string{"--duration", "10m"}, "give 1s to 5m0s"},
		{[]string{"--file", "a", "--json", "a"}, "one file"},
		{[]string{"5"}, "unexpected argument"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), append([]string{"calibrate"}, tt.args...), strings.NewReader(""), &stdout, &stderr)
		if code != exitUsage || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("calibrate %v: exit %d, %q; want %q", tt.args, code, stderr.String(), tt.want)
		}
	}
}

func TestCoreTime(t *testing.T) {
	got, ok := parseCoreTime("cpu  10 2 30 400 50 6 7 8 9 1")
	if !ok || got.all != 513 || got.busy != 63 {
		t.Errorf("%+v, %v; want 63 of 513", got, ok)
	}
	for _, bad := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu a 2 3 4 5 6 7 8"} {
		if _, ok := parseCoreTime(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestSimStopsByItself: what is started for a time does not outlive it.
func TestSimStopsByItself(t *testing.T) {
	var stdout, stderr output
	if code := run(t.Context(), []string{"sim", "--listen", "127.0.0.1:0", "--stop-after", "1ms"}, strings.NewReader(""), &stdout, &stderr); code != exitGood {
		t.Errorf("exit %d, %q", code, stderr.String())
	}
}
