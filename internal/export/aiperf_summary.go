package export

import (
	"io"
	"time"

	"tokenomics/internal/record"
)

// aiperfStatistics are one metric of AIPerf's profile_export_aiperf.json. A
// metric of the run as a whole has only its avg.
type aiperfStatistics struct {
	Unit  string              `json:"unit"`
	Avg   float64             `json:"avg"`
	P1    record.Opt[float64] `json:"p1,omitzero"`
	P5    record.Opt[float64] `json:"p5,omitzero"`
	P10   record.Opt[float64] `json:"p10,omitzero"`
	P25   record.Opt[float64] `json:"p25,omitzero"`
	P50   record.Opt[float64] `json:"p50,omitzero"`
	P75   record.Opt[float64] `json:"p75,omitzero"`
	P90   record.Opt[float64] `json:"p90,omitzero"`
	P95   record.Opt[float64] `json:"p95,omitzero"`
	P99   record.Opt[float64] `json:"p99,omitzero"`
	Min   record.Opt[float64] `json:"min,omitzero"`
	Max   record.Opt[float64] `json:"max,omitzero"`
	Std   record.Opt[float64] `json:"std,omitzero"`
	Count record.Opt[int]     `json:"count,omitzero"`
	Sum   record.Opt[float64] `json:"sum,omitzero"`
}

type aiperfErrors struct {
	Details aiperfError `json:"error_details"`
	Count   int         `json:"count"`
}

// aiperfSchema is the version of its schema that has count and sum
// (docs/reference/json-export-schema.md of ai-dynamo/aiperf).
const aiperfSchema = "1.1"

// AIPerfSummary writes a run as AIPerf does in profile_export_aiperf.json.
func AIPerfSummary(w io.Writer, in Run) error {
	f, d := in.Run.Figures, distsOf(in.Records)
	out := map[string]any{
		"schema_version": aiperfSchema,
		"start_time":     in.Run.Start.UTC().Format(time.RFC3339Nano),
		"end_time":       in.Run.Start.Add(time.Duration(in.seconds() * float64(time.Second))).UTC().Format(time.RFC3339Nano),
		"was_cancelled":  in.Run.Partial,
		"error_summary":  aiperfErrorsOf(in),
	}
	spread := func(name, unit string, d *dist) {
		if d.count() > 0 {
			out[name] = aiperfSpread(unit, d)
		}
	}
	spread("request_latency", "ms", &d.e2e)
	spread("time_to_first_token", "ms", &d.ttft)
	spread("inter_token_latency", "ms", &d.tpot)
	spread("inter_chunk_latency", "ms", &d.gap)
	spread("output_token_throughput_per_user", "tokens/sec/user", &d.decodeRate)
	spread("input_sequence_length", "tokens", &d.input)
	spread("output_sequence_length", "tokens", &d.output)

	one := func(name, unit string, v record.Opt[float64]) {
		if avg, ok := v.Get(); ok {
			out[name] = aiperfStatistics{Unit: unit, Avg: avg}
		}
	}
	one("request_throughput", "requests/sec", f.RequestsPerS)
	one("request_count", "requests", record.Some(float64(f.Succeeded)))
	one("error_request_count", "requests", record.Some(float64(f.Requests-f.Succeeded)))
	one("output_token_throughput", "tokens/sec", f.OutputTokS)
	one("goodput", "requests/sec", f.GoodputRPS)
	one("benchmark_duration", "sec", record.Some(in.seconds()))
	return write(w, "AIPerf's summary", out)
}

func aiperfSpread(unit string, d *dist) aiperfStatistics {
	at := func(q float64) record.Opt[float64] { return record.Some(d.quantile(q)) }
	return aiperfStatistics{
		Unit: unit, Avg: d.mean(), Min: at(0), Max: at(1),
		P1: at(0.01), P5: at(0.05), P10: at(0.1), P25: at(0.25), P50: at(0.5), P75: at(0.75), P90: at(0.9), P95: at(0.95), P99: at(0.99),
		Std: record.Some(d.std()), Count: record.Some(d.count()), Sum: record.Some(d.sum()),
	}
}

// aiperfErrorsOf counts the requests that failed alike.
func aiperfErrorsOf(in Run) []aiperfErrors {
	list := []aiperfErrors{}
	at := make(map[aiperfError]int)
	for _, r := range in.ordered() {
		if r.Outcome == record.Complete {
			continue
		}
		e := *aiperfErrorOf(r)
		i, known := at[e]
		if !known {
			i = len(list)
			at[e], list = i, append(list, aiperfErrors{Details: e})
		}
		list[i].Count++
	}
	return list
}
