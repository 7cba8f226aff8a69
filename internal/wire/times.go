package wire

import (
	"math"
	"strconv"
	"time"

	"tokenomics/internal/record"
)

// Engines tell how long a request took them only where its answer ends, and only
// there it is looked for: nothing of this is done for any other event.

// took reads vLLM's metrics (WIRE.md 3.2) or llama.cpp's timings (6.2).
func took(v []byte) (t record.EngineTimes) {
	members(v, func(m member) bool {
		switch string(m.key) {
		case "queue_time_ms":
			t.Queue = spanOf(m.value, time.Millisecond)
		case "time_to_first_token_ms", "prompt_ms": // the former since it was scheduled
			t.Prefill = spanOf(m.value, time.Millisecond)
		case "generation_time_ms", "predicted_ms": // both since the first token
			t.Decode = spanOf(m.value, time.Millisecond)
		}
		return true
	})
	return t
}

// ollamaTook reads the last line of Ollama's own endpoints (WIRE.md 7). What was
// zero is left out there, and so not known.
func ollamaTook(line []byte) (t record.EngineTimes) {
	members(line, func(m member) bool {
		switch string(m.key) {
		case "load_duration":
			t.Load = spanOf(m.value, time.Nanosecond)
		case "prompt_eval_duration":
			t.Prefill = spanOf(m.value, time.Nanosecond)
		case "eval_duration":
			t.Decode = spanOf(m.value, time.Nanosecond)
		case "total_duration":
			t.Total = spanOf(m.value, time.Nanosecond)
		}
		return true
	})
	return t
}

// sglangTook reads SGLang's meta_info at a request's end (WIRE.md 5.4). It tells
// moments, in seconds of the wall clock; releases of 2025 had other names for
// two of them, and not the first forward.
func sglangTook(meta []byte) (t record.EngineTimes) {
	forward, prefilled, finished := math.NaN(), math.NaN(), math.NaN()
	members(meta, func(m member) bool {
		switch string(m.key) {
		case "e2e_latency":
			t.Total = spanOf(m.value, time.Second)
		case "queue_time":
			t.Queue = spanOf(m.value, time.Second)
		case "inference_time":
			t.Compute = spanOf(m.value, time.Second)
		case "forward_entry_time":
			forward = number(m.value)
		case "prefill_finished_time", "prefill_finished_ts":
			prefilled = number(m.value)
		case "request_finished_ts", "decode_finished_ts":
			finished = number(m.value)
		}
		return true
	})
	if compute, ok := t.Compute.Get(); ok && math.IsNaN(forward) {
		forward = finished - compute.Seconds()
	}
	prefill, decode := units(prefilled-forward, time.Second), units(finished-prefilled, time.Second)
	if prefill.Ok() && decode.Ok() { // else they stay together
		t.Prefill, t.Decode, t.Compute = prefill, decode, record.Span{}
	}
	return t
}

// tgiTook reads the head of TGI's answers in one piece (WIRE.md 8).
func tgiTook(field func(string) string) (t record.EngineTimes) {
	ms := func(name string) record.Span { return spanOf([]byte(field(name)), time.Millisecond) }
	t.Queue, t.Compute, t.Total = ms("x-queue-time"), ms("x-inference-time"), ms("x-total-time")
	return t
}

// spanOf is v of these units, absent where v is no length of time.
func spanOf(v []byte, unit time.Duration) record.Span { return units(number(v), unit) }

// longestSpan is what no request takes. What is beyond is a moment, or made up,
// and could not be added to the others.
const longestSpan = 365 * 24 * time.Hour

func units(n float64, unit time.Duration) record.Span {
	if n *= float64(unit); n >= 0 && n <= float64(longestSpan) {
		return record.Some(time.Duration(math.Round(n)))
	}
	return record.Span{}
}

// number is v, not a number where v is none.
func number(v []byte) float64 {
	n, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// tell keeps an engine's account, if it is one.
func tell(to **record.EngineTimes, t record.EngineTimes) {
	if t != (record.EngineTimes{}) {
		*to = &t
	}
}
