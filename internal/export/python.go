package export

import (
	"errors"
	"io"
	"time"

	"tokenomics/internal/record"
)

// pyFile is a sweep value's file of the Python tool of our name
// (tokenomics/completion_benchmark.py of tugot17/tokenomics). Times are in
// seconds.
type pyFile struct {
	Metadata   map[string]any `json:"metadata"`
	SweepValue any            `json:"sweep_value"`
	Result     pyResult       `json:"result"`
}

type pyResult struct {
	Tokens      map[string]pySpread `json:"tokens"`
	Prefill     map[string]pySpread `json:"prefill_metrics"`
	Decode      map[string]pySpread `json:"decode_metrics"`
	Batch       map[string]pySpread `json:"batch_metrics"`
	Reliability pyReliability       `json:"reliability"`
	UsageExtras map[string]pySpread `json:"usage_extras"`
	Phased      *pyPhased           `json:"phased_metrics,omitempty"`
}

type pySpread struct {
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
}

type pyReliability struct {
	Total      int `json:"total_requests"`
	Successful int `json:"successful"`
	Failed     int `json:"failed"`
}

// TokenomicsPy writes the runs of one point as the Python tool does: requests
// of all runs pooled, and of what is one figure a run, the mean over the runs.
func TokenomicsPy(w io.Writer, runs []Run) error {
	if len(runs) == 0 {
		return errors.New("a point without runs can't be written as the Python tool's")
	}
	runs = counted(runs)
	var all []*record.Record
	var rate, length dist
	out := pyFile{Metadata: pyMetadataOf(runs[0]), SweepValue: pySweepValue(runs[0])}
	for _, run := range runs {
		all = append(all, run.Records...)
		if v, ok := run.Run.OutputTokS.Get(); ok {
			rate.add(v)
		}
		length.add(run.seconds())
		out.Result.Reliability.Total += run.Run.Requests
		out.Result.Reliability.Successful += run.Run.Succeeded
		out.Result.Reliability.Failed += run.Run.Requests - run.Run.Succeeded
	}
	d := distsOf(all)
	r := &out.Result
	r.Tokens = pySpreads(1, named{"input_per_request", &d.input}, named{"output_per_request", &d.output})
	r.Prefill = pySpreads(1e-3, named{"ttft", &d.ttft}, named{"ttfo", &d.ttfo})
	addSpread(r.Prefill, "input_throughput", 1, &d.inputRate)
	r.Decode = pySpreads(1e-3, named{"tpot", &d.tpot}, named{"decode_time", &d.decodeTime})
	addSpread(r.Decode, "output_throughput", 1, &d.decodeRate)
	r.Batch = pySpreads(1, named{"e2e_tps", &rate}, named{"wall_time", &length})
	r.UsageExtras = pySpreads(1, named{"cached_tokens", &d.cached}, named{"reasoning_tokens", &d.reasoning})
	r.Phased = pyPhasedOf(runs)
	return write(w, "the Python tool's", out)
}

// counted are the runs that a point's figures are of: those that were set aside
// are where there is no other.
func counted(runs []Run) (list []Run) {
	for _, r := range runs {
		if r.Run.SetAside == nil {
			list = append(list, r)
		}
	}
	if list == nil {
		return runs
	}
	return list
}

type named struct {
	name string
	of   *dist
}

// pySpreads has no figure that has no samples: there 0 would stand for it.
func pySpreads(scale float64, list ...named) map[string]pySpread {
	m := make(map[string]pySpread)
	for _, n := range list {
		addSpread(m, n.name, scale, n.of)
	}
	return m
}

func addSpread(m map[string]pySpread, name string, scale float64, d *dist) {
	if d.count() > 0 {
		m[name] = pySpread{d.mean() * scale, d.std() * scale}
	}
}

// pySweepValue is what the sweep varies.
func pySweepValue(in Run) any {
	switch l := in.load(); {
	case l.BatchSize > 0:
		return l.BatchSize
	case l.RequestRate > 0:
		return l.RequestRate
	case l.MaxConcurrency > 0:
		return l.MaxConcurrency
	}
	return in.Point.Name
}

func pyMetadataOf(in Run) map[string]any {
	m, l := in.Metadata, in.load()
	out := map[string]any{
		"timestamp": m.Time.UTC().Format(time.RFC3339Nano), "model": m.Model, "api_base": m.APIBase, "description": m.Description, "scenario": m.Scenario,
		"dataset_config": map[string]any{"source": m.DatasetSource, "prompt_column": m.PromptColumn},
		"num_runs":       m.NumRuns, "warmup_runs": m.Warmup, "temperature": m.Temperature, "seed": m.Seed,
		"steady_state_threshold": pySteady, "bucket_size_seconds": pyBucket.Seconds(), "execution_mode": "sustained", "lora_config": nil,
	}
	switch {
	case l.Shape == "batch":
		out["execution_mode"], out["batch_sizes"] = "burst", m.BatchSizes
	case l.MaxConcurrency > 0:
		out["concurrency_levels"], out["num_prompts"] = []int{l.MaxConcurrency}, l.NumPrompts
	}
	return out
}
