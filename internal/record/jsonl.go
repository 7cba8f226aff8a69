package record

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"tokenomics/internal/sketch"
)

// line is the Record on disk: one JSON object a line. Keys are never renamed;
// each is there only when its value is known. docs/results.md documents them.
type line struct {
	RequestID        string       `json:"request_id,omitempty"`
	Start            string       `json:"start"`
	Endpoint         string       `json:"endpoint,omitempty"`
	Dialect          string       `json:"dialect,omitempty"`
	Provider         string       `json:"provider,omitempty"`
	Server           string       `json:"server,omitempty"`
	Method           string       `json:"method,omitempty"`
	Path             string       `json:"path,omitempty"`
	Model            string       `json:"model,omitempty"`
	ResponseModel    string       `json:"response_model,omitempty"`
	Stream           bool         `json:"stream"`
	N                int          `json:"n,omitempty"`
	MaxTokens        Opt[int64]   `json:"max_tokens,omitzero"`
	Status           int          `json:"status,omitempty"`
	Outcome          Outcome      `json:"outcome"`
	Error            string       `json:"error,omitempty"`
	ErrorType        string       `json:"error_type,omitempty"`
	FinishReasons    []string     `json:"finish_reasons,omitempty"`
	PromptTokens     Opt[int64]   `json:"prompt_tokens,omitzero"`
	CachedTokens     Opt[int64]   `json:"cached_tokens,omitzero"`
	CompletionTokens Opt[int64]   `json:"completion_tokens,omitzero"`
	ReasoningTokens  Opt[int64]   `json:"reasoning_tokens,omitzero"`
	TokenSource      TokenSource  `json:"token_source,omitempty"`
	SchedLag         Opt[float64] `json:"sched_lag_ms,omitzero"`
	Connect          Opt[float64] `json:"connect_ms,omitzero"`
	Sent             Opt[float64] `json:"sent_ms,omitzero"`
	TTFB             Opt[float64] `json:"ttfb_ms,omitzero"`
	TTFT             Opt[float64] `json:"ttft_ms,omitzero"`
	TTFO             Opt[float64] `json:"ttfo_ms,omitzero"`
	TPOT             Opt[float64] `json:"tpot_ms,omitzero"`
	TPOTBasis        string       `json:"tpot_basis,omitempty"`
	OutputRate       Opt[float64] `json:"output_tok_s,omitzero"`
	DecodeRate       Opt[float64] `json:"decode_tok_s,omitzero"`
	E2E              Opt[float64] `json:"e2e_ms,omitzero"`
	Duration         Opt[float64] `json:"duration_ms,omitzero"`
	EngineQueue      Opt[float64] `json:"engine_queue_ms,omitzero"`
	EngineLoad       Opt[float64] `json:"engine_load_ms,omitzero"`
	EnginePrefill    Opt[float64] `json:"engine_prefill_ms,omitzero"`
	EngineDecode     Opt[float64] `json:"engine_decode_ms,omitzero"`
	EngineCompute    Opt[float64] `json:"engine_compute_ms,omitzero"`
	EngineTime       Opt[float64] `json:"engine_ms,omitzero"`
	OutsideEngine    Opt[float64] `json:"outside_engine_ms,omitzero"`
	Gap              *quantiles   `json:"gap_ms,omitempty"`
	ITL              *quantiles   `json:"itl_ms,omitempty"`
	Buffered         bool         `json:"buffered,omitempty"`
	Choices          []choiceLine `json:"choices,omitempty"`
	Events           int          `json:"events,omitempty"`
	CoalescedReads   int          `json:"coalesced_reads,omitempty"`
	RequestBytes     int64        `json:"request_bytes"`
	ResponseBytes    int64        `json:"response_bytes"`
	InFlight         int          `json:"in_flight,omitempty"`
	Retries          int          `json:"retries,omitempty"`
	Tenant           string       `json:"tenant,omitempty"`
	TraceID          string       `json:"trace_id,omitempty"`
	SpanID           string       `json:"span_id,omitempty"`
	Overhead         Opt[float64] `json:"overhead_us,omitzero"`
	Warnings         []string     `json:"warnings,omitempty"`
	EventMS          []float64    `json:"event_ms,omitempty"`
	EventTokens      []int        `json:"event_tokens,omitempty"`
}

type quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

type choiceLine struct {
	Index            int          `json:"index"`
	TTFT             Opt[float64] `json:"ttft_ms,omitzero"`
	E2E              Opt[float64] `json:"e2e_ms,omitzero"`
	CompletionTokens Opt[int64]   `json:"completion_tokens,omitzero"`
	FinishReason     string       `json:"finish_reason,omitempty"`
}

// MarshalJSON writes the value; an absent one is left out by omitzero and
// writes null elsewhere.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.ok {
		return []byte("null"), nil
	}
	return json.Marshal(o.v)
}

// UnmarshalJSON reads a value, which is then present; null is absent.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Opt[T]{}
		return nil
	}
	o.ok = true
	return json.Unmarshal(b, &o.v)
}

// MarshalJSON writes the Record as it stands on disk.
func (r *Record) MarshalJSON() ([]byte, error) {
	l := line{
		RequestID: r.RequestID, Start: r.Start.Format(time.RFC3339Nano),
		Endpoint: r.Endpoint, Dialect: r.Dialect, Provider: r.Provider, Server: r.Server, Method: r.Method, Path: r.Path,
		Model: r.Model, ResponseModel: r.ResponseModel, Stream: r.Stream, N: r.N, MaxTokens: r.MaxTokens,
		Status: r.Status, Outcome: r.Outcome, Error: r.Error, ErrorType: r.ErrorType, FinishReasons: r.FinishReasons,
		PromptTokens: r.Usage.Prompt, CachedTokens: r.Usage.Cached,
		CompletionTokens: r.Usage.Completion, ReasoningTokens: r.Usage.Reasoning, TokenSource: r.Usage.Source,
		SchedLag: ms(r.ClientQueue()), Connect: ms(r.Connect.Get()), Sent: ms(r.Sent.Get()),
		TTFB: ms(r.TTFB()), TTFT: ms(r.TTFT()), TTFO: ms(r.TTFO()),
		TPOT: ms(r.TPOT()), OutputRate: rate(r.OutputTokensPerSecond()), DecodeRate: rate(r.DecodeTokensPerSecond()),
		E2E: ms(r.E2E()), Duration: ms(r.Duration()),
		EngineQueue: ms(r.EngineQueue()), EngineLoad: ms(r.EngineLoad()), EnginePrefill: ms(r.EnginePrefill()), EngineDecode: ms(r.EngineDecode()),
		EngineCompute: ms(r.EngineCompute()), EngineTime: ms(r.EngineTime()), OutsideEngine: ms(r.OutsideEngine()),
		Gap: quantilesOf(r.Gaps), ITL: quantilesOf(r.ITL), Buffered: r.Buffered,
		Events: r.Events, CoalescedReads: r.CoalescedReads,
		RequestBytes: r.RequestBytes, ResponseBytes: r.ResponseBytes,
		InFlight: r.InFlight, Retries: r.Retries, Tenant: r.Tenant, Warnings: r.Warnings,
	}
	if l.TPOT.ok {
		l.TPOTBasis = r.TPOTBasis()
	}
	if d, ok := r.Overhead.Get(); ok {
		l.Overhead = Some(float64(d) / float64(time.Microsecond))
	}
	if r.Trace.On() {
		l.TraceID = hex.EncodeToString(r.Trace.TraceID[:])
		l.SpanID = hex.EncodeToString(r.Trace.Client[:])
	}
	if len(r.Choices) > 1 {
		for _, c := range r.Choices {
			l.Choices = append(l.Choices, choiceLine{
				Index: c.Index, TTFT: ms(since(r.Sent, c.FirstToken)), E2E: ms(since(r.Sent, c.LastToken)),
				CompletionTokens: c.Completion, FinishReason: c.FinishReason,
			})
		}
	}
	l.EventMS, l.EventTokens = make([]float64, len(r.Timeline)), make([]int, len(r.Timeline))
	for i, e := range r.Timeline {
		l.EventMS[i], l.EventTokens[i] = millis(e.At-r.Sent.Or(0)), e.Tokens
	}
	return json.Marshal(l)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func ms(d time.Duration, ok bool) Opt[float64] {
	if !ok {
		return Opt[float64]{}
	}
	return Some(millis(d))
}

func rate(v float64, ok bool) Opt[float64] {
	if !ok {
		return Opt[float64]{}
	}
	return Some(v)
}

func quantilesOf(s *sketch.Sketch) *quantiles {
	if s.Count() == 0 {
		return nil
	}
	var q quantiles
	q.P50, _ = s.Quantile(0.50)
	q.P90, _ = s.Quantile(0.90)
	q.P99, _ = s.Quantile(0.99)
	q.Max, _ = s.Max()
	return &q
}

// JSONL writes each Record as a line, in one write, so that a line is never
// half there for who follows the file.
type JSONL struct {
	OnError func(error) // told of the first failure, at once; set before the first Observe, nil is fine

	mu     sync.Mutex // protects the rest
	w      io.Writer
	err    error
	failed int64
}

// NewJSONL writes to w, which the caller closes after the last Observe.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{w: w} }

// Observe writes one line. A line that can't be written is counted, and the
// next is tried again: a full disk may be emptied.
func (j *JSONL) Observe(r *Record) {
	b, err := r.MarshalJSON() // which encoding/json would go through once more
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		_, err = j.w.Write(append(b, '\n'))
	}
	if err == nil {
		return
	}
	j.failed++
	if j.err == nil {
		j.err = fmt.Errorf("writing a request's log line: %w", err)
		if j.OnError != nil {
			j.OnError(j.err)
		}
	}
}

// Err is the first failure and how many lines were lost, nil when none was.
func (j *JSONL) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		return nil
	}
	return fmt.Errorf("%w (%d lines lost)", j.err, j.failed)
}

var _ Sink = (*JSONL)(nil)
