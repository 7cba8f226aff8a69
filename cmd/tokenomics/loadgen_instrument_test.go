package main

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sim"
	"tokenomics/internal/stats"
	"tokenomics/loadgen/calibration"
)

// calibrated writes a calibration of this machine with one level.
func calibrated(t *testing.T, change func(*calibration.Calibration)) string {
	t.Helper()
	c := calibration.New(time.Now(), "v1")
	c.Add(calibration.Level{
		Streams: 2, EventsPerS: record.Some(1e9), Requests: 1, GapRatio: record.Some(1.02),
		TTFTError: &stats.Quantiles{N: 1, P50: 0.1, P99: 0.7},
	})
	if change != nil {
		change(c)
	}
	path := filepath.Join(t.TempDir(), "calibration.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := c.Write(f); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLoadgenSaysWhatItDidItself: every point has the tool's own doings, and its
// errors where they are known; what is more than was measured well is invalid.
func TestLoadgenSaysWhatItDidItself(t *testing.T) {
	url := fakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond) // so that all of a batch are in flight together
		answers(w, r)
	})
	out := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := loadgenRun(t.Context(), t, "--api-base", url, "--batch-sizes", "1,2,5", "--num-runs", "1", "--results-file", out, "--calibration", calibrated(t, nil))
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	r, err := results.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Results {
		in := p.Instrument
		if in == nil || in.Lateness == nil || in.Lateness.N != float64(p.Requests) || !in.EventsPerS.Ok() || runtime.GOOS == "linux" && !in.CPUShare.Ok() {
			t.Fatalf("batch %s: %+v", p.Name, in)
		}
		beyond := strings.Contains(strings.Join(in.Invalid, "; "), "5 streams and")
		if known := in.TTFTErrorP99.Or(0) == 0.7; known != (p.Name != "5") || beyond == known {
			t.Errorf("batch %s: %+v", p.Name, in)
		}
	}
	const want = "batch 5 is INVALID: 5 streams and"
	if !strings.Contains(stdout, "Warning: "+want) || !strings.Contains(strings.Join(r.Warnings, "\n"), want) {
		t.Errorf("no warning:\n%s\n%q", stdout, r.Warnings)
	}
}

func TestWhichCalibration(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	for name, tt := range map[string]struct {
		file  string
		found bool
		hint  string
		err   string
	}{
		"none, and none kept":     {"", false, "tokenomics calibrate measures it", ""},
		"none wanted":             {uncalibrated, false, "", ""},
		"of this machine":         {calibrated(t, nil), true, "", ""},
		"of another machine":      {calibrated(t, func(c *calibration.Calibration) { c.Machine.CPUs++ }), false, "is of another machine", ""},
		"named, and not there":    {filepath.Join(t.TempDir(), "none"), false, "", "--calibration: "},
		"named, and no such file": {"calibrate_test.go", false, "", "calibrate anew"},
	} {
		p := &loadgenPlan{loadgenFlags: &loadgenFlags{calibrationFile: tt.file}}
		c, hint, err := p.calibration()
		text := ""
		if err != nil {
			text = err.Error()
		}
		if (c != nil) != tt.found || (hint == "") != (tt.hint == "") || !strings.Contains(hint, tt.hint) || (text == "") != (tt.err == "") || !strings.Contains(text, tt.err) {
			t.Errorf("%s: found %v, %q, %v", name, c != nil, hint, err)
		}
	}
}

// TestLoadgenHop: each point's time is split between us, the proxy and the
// engine, whether the proxy runs here or elsewhere.
func TestLoadgenHop(t *testing.T) {
	const ttft = 20 * time.Millisecond
	engine := startSim(t, sim.Config{TTFT: sim.ConstantDuration(ttft), ITL: sim.ConstantDuration(2 * time.Millisecond)})
	dir := t.TempDir()
	log := filepath.Join(dir, "proxy.jsonl")
	elsewhere := runProxy(t, "--upstream", engine, "--log-requests", log)
	for name, args := range map[string][]string{
		"in this process": {"--api-base", engine, "--via-proxy"},
		"elsewhere":       {"--api-base", elsewhere.url, "--proxy-records", log},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "r.json")
			code, stdout, stderr := loadgenRun(t.Context(), t, append(args, "--batch-sizes", "1,3", "--num-runs", "2", "--max-tokens", "5", "--results-file", out)...)
			if code != 0 {
				t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
			}
			r, err := results.Read(out)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Results {
				h := p.Hop
				if h == nil || h.Joined != p.Requests || h.ClientOnly+h.ProxyOnly > 0 {
					t.Fatalf("batch %s of %d requests: %+v", p.Name, p.Requests, h)
				}
				// No stamp is earlier than what it stamps, so the engine's part has the
				// simulated time in it; and the parts are the whole.
				if h.EngineTTFT.Or(0) < 1000*ttft.Seconds()/4 || h.EngineE2E.Or(0) <= h.EngineTTFT.Or(0) {
					t.Errorf("batch %s: the engine took %v ms, %v to the first token", p.Name, h.EngineE2E, h.EngineTTFT)
				}
				whole := p.ClientQueue.Mean + p.E2E.Mean
				if parts := h.Client.Or(0) + h.HopE2E.Or(0) + h.EngineE2E.Or(0); parts < whole-1e-6 || parts > whole+1e-6 {
					t.Errorf("batch %s: the parts come to %v ms of %v", p.Name, parts, whole)
				}
				if !h.Proxy.Ok() || !h.Unattributed.Ok() {
					t.Errorf("batch %s: %+v", p.Name, h)
				}
			}
			if want := "(6 requests joined)"; strings.Count(stdout, "to the last token") != 2 || !strings.Contains(stdout, want) {
				t.Errorf("standard output lacks %q:\n%s", want, stdout)
			}
		})
	}
}

func TestDescribeHop(t *testing.T) {
	for want, h := range map[string]results.Hop{
		"no request of ours is among the proxy's records (0 requests joined, 3 without the proxy's record)": {ClientOnly: 3},
		"of 13.0 ms to the last token 1.00 were ours, 2.00 the hop's (0.50 in the proxy's code, 1.50 unattributed) and 10.0 the engine's; " +
			"of TTFT 1.50 the hop's and 5.0 the engine's (1 request joined, 2 without ours)": {
			Joined: 1, ProxyOnly: 2, Client: record.Some(1.0), HopE2E: record.Some(2.0), EngineE2E: record.Some(10.0),
			Proxy: record.Some(0.5), Unattributed: record.Some(1.5), HopTTFT: record.Some(1.5), EngineTTFT: record.Some(5.0),
		},
	} {
		if got := describeHop(&h); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
