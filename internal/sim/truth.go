package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Truth is what the simulator did with one request: one JSON object a line of
// the truth log. Times named _ns are nanoseconds on the monotonic clock since
// the request's last byte was read; received_unix_ns is that moment on the wall
// clock, so received_unix_ns + at_ns is an event's wall time. Keys that do not
// apply are absent.
type Truth struct {
	// RequestID is the client's X-Request-Id, else the response's id.
	RequestID  string `json:"request_id"`
	ResponseID string `json:"response_id,omitempty"`
	// Number counts generation and embeddings requests from 1, in order of receipt.
	Number   uint64 `json:"number"`
	Dialect  string `json:"dialect"`
	Endpoint string `json:"endpoint"`
	Model    string `json:"model,omitempty"`
	Stream   bool   `json:"stream"`
	// Status is 0 when no response head was written.
	Status  int          `json:"status"`
	Outcome TruthOutcome `json:"outcome"`
	Faults  []string     `json:"faults,omitempty"`

	ReceivedUnixNS int64 `json:"received_unix_ns"`
	// AdmittedNS is when the request got its slot.
	AdmittedNS int64 `json:"admitted_ns,omitempty"`
	// PrefillNS is how long the engine took from there to the first choice's first
	// token, and DecodeNS from that to its last. Events leave at these times at the
	// earliest.
	PrefillNS int64 `json:"prefill_ns,omitempty"`
	DecodeNS  int64 `json:"decode_ns,omitempty"`
	// HeadNS is when the write of the response head returned.
	HeadNS int64 `json:"head_ns,omitempty"`
	// ClientGoneNS is when the simulator saw that the client had left.
	ClientGoneNS int64 `json:"client_gone_ns,omitempty"`
	// StoppedNS is when /abort_request stopped the request.
	StoppedNS int64 `json:"stopped_ns,omitempty"`
	EndNS     int64 `json:"end_ns"`

	PromptTokens int `json:"prompt_tokens"`
	// CachedTokens is the truth of the prefix cache, reported to the client or not.
	CachedTokens int `json:"cached_tokens"`
	// CompletionTokens and ReasoningTokens are those of the events written; of a
	// complete request they are what its usage says.
	CompletionTokens int `json:"completion_tokens"`
	ReasoningTokens  int `json:"reasoning_tokens"`
	// PlannedTokens is how many the engine would have generated undisturbed.
	PlannedTokens int           `json:"planned_tokens"`
	Choices       []TruthChoice `json:"choices,omitempty"`
	Events        []TruthEvent  `json:"events,omitempty"`
}

// TruthOutcome says how a request ended.
type TruthOutcome string

// The outcomes of a request.
const (
	TruthComplete   TruthOutcome = "complete"    // written to its end (a fault may be in it)
	TruthRefused    TruthOutcome = "refused"     // an error status, or an error event in place of an answer
	TruthBroken     TruthOutcome = "broken"      // a fault ended it early
	TruthClientGone TruthOutcome = "client_gone" // the client left, or a write to it failed
	TruthStopped    TruthOutcome = "stopped"     // the simulator was closed
)

// TruthChoice is one choice of a request.
type TruthChoice struct {
	Index            int    `json:"index"`
	CompletionTokens int    `json:"completion_tokens"`
	FinishReason     string `json:"finish_reason,omitempty"`
}

// TruthEvent is one event written. Events written at once have the same time.
type TruthEvent struct {
	// AtNS is when the write that carried the event's last byte returned.
	AtNS   int64     `json:"at_ns"`
	Kind   EventKind `json:"kind"`
	Choice int       `json:"choice"`
	// Tokens is how many tokens became known by the event.
	Tokens int `json:"tokens"`
	// Bytes is the event's size, without chunk framing.
	Bytes int `json:"bytes"`
}

// EventKind says what an event is for.
type EventKind string

// The kinds of events.
const (
	EventRole   EventKind = "role"
	EventFrame  EventKind = "frame"    // begins or ends something that holds tokens
	EventWait   EventKind = "progress" // tells how far prefill is
	EventToken  EventKind = "token"
	EventFinish EventKind = "finish"
	EventUsage  EventKind = "usage"
	EventDone   EventKind = "done"
	EventError  EventKind = "error"
	EventBody   EventKind = "body"    // a whole response body that is not a stream
	EventNote   EventKind = "comment" // a comment of an event stream
	EventBroken EventKind = "garbage" // an event that is not JSON
)

// EventTime is the wall time of e.
func (t *Truth) EventTime(e TruthEvent) time.Time {
	return time.Unix(0, t.ReceivedUnixNS+e.AtNS)
}

// truthLog writes Truths as JSON lines and keeps the first error.
type truthLog struct {
	mu  sync.Mutex // protects what follows
	enc *json.Encoder
	err error
}

func newTruthLog(w io.Writer) *truthLog {
	if w == nil {
		return &truthLog{}
	}
	return &truthLog{enc: json.NewEncoder(w)}
}

func (l *truthLog) write(t *Truth) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.enc == nil || l.err != nil {
		return
	}
	if err := l.enc.Encode(t); err != nil {
		l.err = fmt.Errorf("writing the truth log: %w", err)
	}
}

func (l *truthLog) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
