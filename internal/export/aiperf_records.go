package export

import (
	"io"
	"time"

	"tokenomics/internal/record"
)

// aiperfRecord is a line of AIPerf's profile_export.jsonl
// (docs/tutorials/working-with-profile-exports.md of ai-dynamo/aiperf).
type aiperfRecord struct {
	Metadata aiperfMetadata          `json:"metadata"`
	Metrics  map[string]aiperfMetric `json:"metrics"`
	Error    *aiperfError            `json:"error"`
}

type aiperfMetadata struct {
	SessionNum      int               `json:"session_num"` // of the conversation, else of the request, from 0
	RequestID       string            `json:"x_request_id"`
	CorrelationID   string            `json:"x_correlation_id"`
	ConversationID  *string           `json:"conversation_id"`
	TurnIndex       int               `json:"turn_index"`
	Start           int64             `json:"request_start_ns"` // since 1970, as the other two
	Ack             record.Opt[int64] `json:"request_ack_ns"`
	End             int64             `json:"request_end_ns"`
	Worker          string            `json:"worker_id"`
	RecordProcessor string            `json:"record_processor_id"` // AIPerf's own reader wants one
	Phase           string            `json:"benchmark_phase"`
	Cancelled       bool              `json:"was_cancelled"`
}

type aiperfMetric struct {
	Value any    `json:"value"`
	Unit  string `json:"unit"`
}

type aiperfError struct {
	Code    record.Opt[int] `json:"code"`
	Type    string          `json:"type"`
	Message string          `json:"message"`
}

// ourName stands where AIPerf names a process of its own.
const ourName = "tokenomics"

// AIPerfRecords writes a line per request as AIPerf does in
// profile_export.jsonl.
func AIPerfRecords(w io.Writer, in Run) error {
	talks := make(aiperfTalks)
	for i, r := range in.ordered() {
		line := aiperfRecord{Metadata: aiperfMetadataOf(i, r), Metrics: map[string]aiperfMetric{}}
		if in.load().Shape == "conversations" {
			talks.tell(&line.Metadata)
		}
		if r.Outcome == record.Complete {
			line.Metrics = aiperfMetricsOf(r)
		} else {
			line.Error = aiperfErrorOf(r)
		}
		if err := write(w, "AIPerf's records", line); err != nil {
			return err
		}
	}
	return nil
}

func aiperfMetadataOf(i int, r *record.Record) aiperfMetadata {
	at := func(o record.Offset) int64 { return r.Start.Add(o.Or(0)).UnixNano() }
	m := aiperfMetadata{
		SessionNum: i, RequestID: r.RequestID, CorrelationID: r.RequestID,
		Start: at(r.Sent), End: at(r.End), Worker: ourName, RecordProcessor: ourName,
		Phase: "profiling", Cancelled: r.Outcome == record.ClientAbort,
	}
	if r.Stream && r.Headers.Ok() {
		m.Ack = record.Some(at(r.Headers))
	}
	return m
}

func aiperfMetricsOf(r *record.Record) map[string]aiperfMetric {
	m := make(map[string]aiperfMetric)
	duration := func(name string, figure func() (time.Duration, bool)) {
		if d, ok := figure(); ok {
			m[name] = aiperfMetric{ms(d), "ms"}
		}
	}
	count := func(name string, c record.Count) {
		if n, ok := c.Get(); ok {
			m[name] = aiperfMetric{n, "tokens"}
		}
	}
	duration("request_latency", r.E2E)
	duration("time_to_first_token", r.TTFT)
	duration("inter_token_latency", r.TPOT)
	count("input_sequence_length", r.Usage.Prompt)
	count("output_sequence_length", r.Usage.Completion)
	if v, ok := r.DecodeTokensPerSecond(); ok {
		m["output_token_throughput_per_user"] = aiperfMetric{v, "tokens/sec/user"}
	}
	if list := gaps(r); len(list) > 0 && !r.Buffered {
		var between []float64
		for _, gap := range list {
			between = append(between, ms(gap))
		}
		m["inter_chunk_latency"] = aiperfMetric{between, "ms"}
	}
	return m
}

func aiperfErrorOf(r *record.Record) *aiperfError {
	e := &aiperfError{Type: r.ErrorType, Message: failure(r)}
	if e.Type == "" {
		e.Type = string(r.Outcome)
	}
	switch {
	case r.Outcome == record.ClientAbort:
		e.Code = record.Some(499) // its code for a request that was cancelled
	case r.Status > 0:
		e.Code = record.Some(r.Status)
	}
	return e
}
