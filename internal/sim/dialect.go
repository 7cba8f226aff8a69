package sim

import (
	"strconv"
	"unicode/utf8"
)

// dialect gives plans and errors their shape on the wire. It does no I/O: it
// appends JSON to dst and returns it.
type dialect interface {
	// traits are the dialect's fixed facts.
	traits() traits
	// check refuses what the engine would, beyond what every engine refuses.
	check(r *request) *apiError
	// identify sets the plan's ids. key is random, or the request's own when
	// answers are deterministic.
	identify(p *plan, key uint64)
	// schedule is the order and time of all events before [DONE].
	schedule(p *plan) []emission
	appendEvent(dst []byte, p *plan, e emission) []byte
	// appendBody is the answer to a request that does not stream.
	appendBody(dst []byte, p *plan) []byte
	appendEmbeddings(dst []byte, p *plan) []byte
	// appendError is an error answer's body, appendStreamError the event that
	// tells the error inside a 200 stream.
	appendError(dst []byte, e *apiError) []byte
	appendStreamError(dst []byte, e *apiError) []byte
	// queueFull is the error of a full queue; ok is false when it is told inside a
	// 200 stream.
	queueFull(stream bool) (e *apiError, asStatus bool)
}

type traits struct {
	name         string
	headersFirst bool // the head of a stream leaves before the engine admits the request
	vary         bool // sends `vary: Origin`
	guarded      func(path string) bool
}

func newDialect(cfg *Config) dialect {
	if cfg.Dialect == "sglang" {
		return &sglang{cfg: cfg}
	}
	return &vllm{cfg: cfg}
}

// appendString appends s as a JSON string, escaping what JSON must have escaped
// and leaving the rest as it is, as both engines' encoders do.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// appendMaybe appends s as a JSON string, or null for the empty one.
func appendMaybe(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}

// appendKey appends key, which is JSON up to the value, and an integer.
func appendKey(dst []byte, key string, n int) []byte {
	dst = append(dst, key...)
	return strconv.AppendInt(dst, int64(n), 10)
}

// appendHead opens a response object: id, object, created and model.
func appendHead(dst []byte, id, object string, created int64, model string) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, id)
	dst = append(dst, `,"object":"`...)
	dst = append(dst, object...)
	dst = append(dst, `","created":`...)
	dst = strconv.AppendInt(dst, created, 10)
	dst = append(dst, `,"model":`...)
	return appendString(dst, model)
}

// object is the `object` of an answer.
func (p *plan) object() string {
	switch {
	case p.req.endpoint == completions:
		return "text_completion"
	case p.req.stream:
		return "chat.completion.chunk"
	default:
		return "chat.completion"
	}
}

// always makes an event of every output.
func always(*choice, int, int, bool) bool { return true }
