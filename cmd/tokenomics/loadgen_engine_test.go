package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
	"tokenomics/internal/sim"
)

// TestWhatIsNotSaltedIsNotSaidToBe: the results name what kept the prefix cache
// out.
func TestWhatIsNotSaltedIsNotSaidToBe(t *testing.T) {
	for endpoint, method := range map[string]string{"chat": "cache_salt", "ollama-chat": ""} {
		path := filepath.Join(t.TempDir(), "r.json")
		_, _, stderr := loadgenRun(t.Context(), t, "--api-base", fakeServer(t, answers), "--endpoint", endpoint, "--prefix-cache", "salt", "--batch-sizes", "1", "--results-file", path)
		r, err := results.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if r.Metadata.PrefixCacheMethod != method || strings.Contains(stderr, "heeds no cache_salt at --endpoint "+endpoint) != (method == "") {
			t.Errorf("%s: %q\n%s", endpoint, r.Metadata.PrefixCacheMethod, stderr)
		}
	}
}

// TestOursMayBeUnseen: for a request that was broken off the engine may have
// made all tokens of each of its answers.
func TestOursMayBeUnseen(t *testing.T) {
	o := ours{whole: true}
	r := &record.Record{Outcome: record.ClientAbort, Sent: record.Some(time.Duration(0))}
	r.N, r.MaxTokens, r.Usage.Completion = 3, record.Some[int64](10), record.Some[int64](4)
	o.add(r)
	if got := o.of(); got.Unseen != 26 || got.Output.Or(0) != 4 || got.Prompt.Ok() {
		t.Errorf("%+v", got)
	}
}

// TestEstimatesAreNotAll: what an answer's events show is not all that the
// engine may have made for it.
func TestEstimatesAreNotAll(t *testing.T) {
	var o ours
	r := &record.Record{Outcome: record.Complete}
	r.MaxTokens, r.Usage.Completion, r.Usage.Source = record.Some[int64](10), record.Some[int64](9), record.SourceEvents
	o.add(r)
	if got := o.of(); got.Unseen != 1 {
		t.Errorf("%+v", got)
	}
}

// TestEngineTimesOfRequests: what an engine tells of each request is in the results
// and in the lines, and the table says where the time went by it.
func TestEngineTimesOfRequests(t *testing.T) {
	var truth output
	engine := startSim(t, sim.Config{
		RequestMetrics: true, Truth: &truth, CacheTokens: -1, Slots: 1, // the second waits for the first
		TTFT: sim.ConstantDuration(20 * time.Millisecond), ITL: sim.ConstantDuration(2 * time.Millisecond), OutputTokens: sim.ConstantCount(11),
	})
	dir := t.TempDir()
	path, lines := filepath.Join(dir, "r.json"), filepath.Join(dir, "q.jsonl")
	code, stdout, stderr := loadgenRun(t.Context(), t, "--api-base", engine+"/v1", "--batch-sizes", "2", "--num-runs", "1", "--warmup", "0",
		"--results-file", path, "--requests-file", lines)
	if code != exitGood {
		t.Fatalf("%d: %s", code, stderr)
	}
	r, err := results.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	p := r.Results[0]
	if p.EngineQueue == nil || p.EnginePrefill == nil || p.EngineDecode == nil || p.EngineLoad != nil || p.EngineCompute != nil {
		t.Fatalf("engine times: %+v", p.EngineTimes)
	}
	if p.EnginePrefill.Mean != 20 || p.EngineDecode.Mean != 20 || p.EngineQueue.N != 2 || p.EngineTime.N != 2 {
		t.Errorf("queue %+v, prefill %+v, decode %+v", p.EngineQueue, p.EnginePrefill, p.EngineDecode)
	}
	if !strings.Contains(stdout, "prefill 20.0, decode 20.0") || !strings.Contains(stdout, "as the engine's answers tell, 2 of 2 requests") {
		t.Errorf("the table does not say where the time went:\n%s", stdout)
	}
	told := byRequest(t, truth.String())
	for id, line := range byRequest(t, readFile(t, lines)) {
		if got, want := line.Get("engine_queue_ms").Float(), told[id].Get("admitted_ns").Float()/1e6; math.Abs(got-want) > 1e-6 {
			t.Errorf("%s queued for %v ms, in truth %v", id, got, want)
		}
		rest := line.Get("e2e_ms").Float() - line.Get("engine_ms").Float()
		if got := line.Get("outside_engine_ms"); got.Exists() != (rest >= 0) || got.Exists() && math.Abs(got.Float()-rest) > 1e-6 {
			t.Errorf("%s: %s ms were outside the engine, which leaves %v", id, got, rest)
		}
	}
}

// TestEngineTimesUnasked: what vLLM tells beside the usage that the proxy asked for
// is in the proxy's line, and the client sees none of it.
func TestEngineTimesUnasked(t *testing.T) {
	var truth output
	engine := startSim(t, sim.Config{
		RequestMetrics: true, Truth: &truth,
		TTFT: sim.ConstantDuration(2 * time.Millisecond), ITL: sim.ConstantDuration(time.Millisecond), OutputTokens: sim.ConstantCount(7),
	})
	log := filepath.Join(t.TempDir(), "log.jsonl")
	proxy := runProxy(t, "--upstream", engine, "--log-requests", log)
	_, _, body := postJSON(t, proxy.url+"/v1/chat/completions", `{"model":"sim-model","stream":true,"messages":[{"role":"user","content":"Say why."}]}`, "X-Request-Id", "one")
	if strings.Contains(body, "metrics") || strings.Contains(body, `"usage"`) {
		t.Errorf("the client sees what it did not ask for: %s", body)
	}
	if code, stderr := proxy.stop(); code != exitGood {
		t.Fatalf("the proxy ended with %d: %s", code, stderr)
	}
	logged, told := byRequest(t, readFile(t, log))["one"], byRequest(t, truth.String())["one"]
	for key, truth := range map[string]string{"engine_queue_ms": "admitted_ns", "engine_prefill_ms": "prefill_ns", "engine_decode_ms": "decode_ns"} {
		if got, want := logged.Get(key), told.Get(truth).Float()/1e6; !got.Exists() || math.Abs(got.Float()-want) > 1e-6 {
			t.Errorf("%s is %s, in truth %v", key, got, want)
		}
	}
}
