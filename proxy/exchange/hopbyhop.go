package exchange

import (
	"bytes"

	"tokenomics/internal/http1"
)

// hopByHop are the fields that belong to one connection and are not passed on
// (RFC 9110, 7.6.1). Transfer-Encoding stays where the body keeps its chunks.
var hopByHop = [...]string{"connection", "keep-alive", "proxy-connection", "te", "upgrade", "http2-settings"}

// needed are fields that a message keeps whatever its Connection names:
// without them it would mean something else.
var needed = [...]string{
	"host", "content-length", "transfer-encoding", "content-type", "content-encoding",
	"authorization", "x-api-key", "api-key", "cookie", "set-cookie", "expect",
}

// ends says whether the field ends here: it belongs to the connection that it
// came over.
func ends(fields http1.Fields, f *http1.Field) bool {
	for _, name := range &hopByHop {
		if f.Is(name) {
			return true
		}
	}
	return named(fields, f)
}

// named says whether the message's Connection fields name the field.
func named(fields http1.Fields, f *http1.Field) bool {
	for i := range fields {
		if !fields[i].Is("connection") {
			continue
		}
		for m := range fields[i : i+1].Members("connection") {
			if len(m) == len(f.Name) && bytes.EqualFold(m, f.Name) {
				return !isNeeded(f)
			}
		}
	}
	return false
}

func isNeeded(f *http1.Field) bool {
	for _, name := range &needed {
		if f.Is(name) {
			return true
		}
	}
	return false
}
