package record

// Outcome is how a request ended, judged from its body and not from its status
// alone: engines put errors into HTTP 200 streams.
type Outcome string

const (
	// Complete: every choice had a finish reason and the terminator came
	// where the dialect has one; for other answers, the whole body came.
	Complete Outcome = "complete"
	// Truncated: the engine's answer ended before it was complete.
	Truncated Outcome = "truncated"
	// ClientAbort: the client left first.
	ClientAbort Outcome = "client_abort"
	// EngineAbort: a choice ended with finish_reason "abort".
	EngineAbort Outcome = "engine_abort"
	// Error: status >= 400, or an error event inside a 200.
	Error Outcome = "error"
	// Unreachable: no connection to the engine, or none that took the request.
	Unreachable Outcome = "unreachable"
	// Timeout: a deadline of ours passed.
	Timeout Outcome = "timeout"
)

// BrokenOff is the ErrorType of a ClientAbort that no user asked for: the load
// generator broke the request off because its run's time was over.
const BrokenOff = "grace_period"

// Outcomes is every outcome there is, for those who make one series each.
var Outcomes = [...]Outcome{Complete, Truncated, ClientAbort, EngineAbort, Error, Unreachable, Timeout}
