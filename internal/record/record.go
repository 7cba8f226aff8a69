// Package record says what one request was. A Record is made once, by the
// proxy or the load generator, when the request is over; everything else the
// house shows (metrics, spans, log lines, tables) is derived from it.
package record

import (
	"time"

	"tokenomics/internal/sketch"
)

// Record is one request, whole. Moments are offsets from Start. Once it has
// been handed to a Sink nobody changes it.
type Record struct {
	RequestID string    // the client's X-Request-Id, else our own
	Start     time.Time // proxy: the head was complete; load generator: the intended time

	Scheduled   Offset // load generator only: the intended time
	Sent        Offset // the last body byte was written to the engine
	Headers     Offset // the read that completed the response's head
	FirstEvent  Offset // first event or body byte, whatever it carried
	FirstToken  Offset // first token on any channel
	FirstOutput Offset // first visible content
	LastToken   Offset // the finish event, or the last token event (METRICS.md)
	End         Offset // the end of the body, or of either peer

	Request         // what was asked
	Provider string // whose engine it is: "vllm", "sglang", "llama_cpp", ...; "" when not known
	Server   string // the engine's address, host:port
	InFlight int    // requests in flight when this one started, itself included
	Tenant   string // who asked, where that is known
	Trace    Trace  // zero when tracing is off
	Connect  Offset // time spent connecting (a duration), absent on a reused connection
	Overhead Offset // time spent in our own code (a duration)
	Retries  int    // times the request was sent again on a fresh connection

	Status        int // of the engine's answer; our own 502 when there was none; 0 when nothing was answered
	Outcome       Outcome
	Error         string // what went wrong, for people; never prompt or completion text
	ErrorType     string // what went wrong, of few values: the engine's error type, "timeout", "502", ...
	ResponseModel string
	FinishReasons []string // one per choice, in the order of their index

	Usage       Usage
	FirstTokens Count // tokens in the first token event: exact where per-event counts are
	Choices     []Choice
	Gaps        *sketch.Sketch // ms between consecutive token events of a choice
	ITL         *sketch.Sketch // ms per token, weighted by tokens; nil unless per-event counts are exact
	Buffered    bool           // token events came in far fewer instants than tokens: no decode figures
	Timeline    []Event        // only when asked for
	Engine      *EngineTimes   // the engine's own account of the request; nil where its answer tells none

	Events         int   // events decoded, of any kind
	CoalescedReads int   // socket reads that brought more than one token event
	RequestBytes   int64 // of the client's body
	ResponseBytes  int64 // of the engine's body, as received
	Warnings       []string
}

// Request is what a client asked for, as far as its body could be read.
type Request struct {
	Method    string
	Path      string // without the query
	Endpoint  string // "chat", "completions", "responses", "embeddings", ...; "" for what is only passed through
	Dialect   string // the grammar the answer is read by: "openai", "anthropic", ...; "" for what is only passed through
	Model     string
	Stream    bool
	N         int // choices asked for per prompt; 0 when it was not said
	MaxTokens Count
}

// Generates says whether what was asked for makes output tokens.
func (r *Request) Generates() bool {
	switch r.Endpoint {
	case "embeddings", "rerank", "score", "pooling", "classify":
		return false
	}
	return true
}

// Choice is the timeline of one choice of an answer.
type Choice struct {
	Index        int
	FirstToken   Offset
	LastToken    Offset
	Completion   Count // absent where the engine tells only the sum
	FinishReason string
}

// Event is one token event of the timeline.
type Event struct {
	At     time.Duration
	Tokens int // 0 where the event's count is not known exactly
}

// Warn adds a doubt that travels with the figures. Each is kept once, and a
// Record carries at most maxWarnings.
func (r *Record) Warn(text string) {
	if len(r.Warnings) >= maxWarnings {
		return
	}
	for _, w := range r.Warnings {
		if w == text {
			return
		}
	}
	r.Warnings = append(r.Warnings, text)
}

// maxWarnings is far above the kinds of warnings there are, so that only a
// mistake of ours could reach it.
const maxWarnings = 16
