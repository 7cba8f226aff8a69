package wire

import "tokenomics/internal/record"

// engineError is what an engine says went wrong.
type engineError struct{ kind, message string }

// noKind stands for the kind that an error doesn't tell.
const noKind = "error"

// readError reads an error: an object with type, message and code, or the bare
// string that some servers put there.
func readError(v []byte) engineError {
	if message := text(v); message != "" {
		return engineError{kind: noKind, message: clip(message, 300)}
	}
	e := engineError{kind: kept(get(v, "type")), message: clip(kept(get(v, "message")), 300)}
	for _, key := range []string{"code", "http_status_code"} { // TGI has the latter alone
		if code := get(v, key); (e.kind == "" || e.kind == noKind) && code.String() != "" {
			e.kind = kept(code)
		}
	}
	if e.kind == "" {
		e.kind = noKind
	}
	e.kind = clip(e.kind, 64)
	return e
}

// write puts the error into r; its text, which may quote the prompt, only
// where that is to be kept.
func (e *engineError) write(r *record.Record, keepText bool) {
	r.ErrorType, r.Error = e.kind, e.kind
	if keepText && e.message != "" {
		r.Error = e.message
	}
}
