package record

import (
	"encoding/hex"
	"strings"
)

// Trace is a request's place in a distributed trace (W3C Trace Context). The
// zero value means that tracing is off.
type Trace struct {
	TraceID [16]byte
	Parent  [8]byte // the caller's span; zero when we began the trace
	Server  [8]byte // our span for the client's request
	Client  [8]byte // our span for the request to the engine: what the engine's spans hang under
	Sampled bool
	State   string // the caller's tracestate, passed on unchanged
}

// Tracer decides a request's place in a trace when it starts, so that the
// engine can be told; the spans themselves are made from the Record.
type Tracer interface {
	// Begin takes the caller's traceparent and tracestate headers, "" where
	// there were none.
	Begin(traceparent, tracestate string) Trace
}

// On says whether the request is traced at all, sampled or not.
func (t Trace) On() bool { return t.TraceID != [16]byte{} }

// Traceparent is the header for the engine: our client span as its parent.
func (t Trace) Traceparent() string {
	flags := "-00"
	if t.Sampled {
		flags = "-01"
	}
	return "00-" + hex.EncodeToString(t.TraceID[:]) + "-" + hex.EncodeToString(t.Client[:]) + flags
}

// ParseTraceparent reads a traceparent header. Not ok for anything that the
// specification calls invalid; the caller then begins a trace of its own.
func ParseTraceparent(header string) (traceID [16]byte, parent [8]byte, sampled, ok bool) {
	parts := strings.Split(strings.TrimSpace(header), "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 {
		return
	}
	if parts[0] == "00" && len(parts) != 4 {
		return
	}
	var version, flags [1]byte
	for _, f := range []struct {
		dst []byte
		src string
	}{{version[:], parts[0]}, {traceID[:], parts[1]}, {parent[:], parts[2]}, {flags[:], parts[3]}} {
		if f.src != strings.ToLower(f.src) {
			return [16]byte{}, [8]byte{}, false, false
		}
		if _, err := hex.Decode(f.dst, []byte(f.src)); err != nil {
			return [16]byte{}, [8]byte{}, false, false
		}
	}
	if traceID == [16]byte{} || parent == [8]byte{} {
		return [16]byte{}, [8]byte{}, false, false
	}
	return traceID, parent, flags[0]&1 == 1, true
}
