package proxy

import (
	"bytes"
	"strings"

	"github.com/valyala/fasthttp"
)

// hopByHop are the header fields that belong to one connection and are not
// passed on (RFC 9110, section 7.6.1). Transfer-Encoding is fasthttp's to
// write; Expect has been answered where the body was read.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}

// isHopByHop says whether the field called name is one, or is named by the
// message's Connection fields.
func isHopByHop(name []byte, connection []string) bool {
	for _, h := range hopByHop {
		if strings.EqualFold(h, string(name)) {
			return true
		}
	}
	for _, h := range connection {
		if strings.EqualFold(h, string(name)) {
			return !endToEnd(name)
		}
	}
	return false
}

// endToEnd are fields that a request needs, whatever its Connection names.
func endToEnd(name []byte) bool {
	switch strings.ToLower(string(name)) {
	case "host", "content-length", "content-type", "content-encoding", "authorization":
		return true
	}
	return false
}

// connectionNames are the fields that a message's Connection fields name.
func connectionNames(values [][]byte) (names []string) {
	for _, v := range values {
		for name := range bytes.SplitSeq(v, []byte(",")) {
			if name = bytes.TrimSpace(name); len(name) > 0 {
				names = append(names, string(name))
			}
		}
	}
	return names
}

// peekAll collects the fields called name, in whatever case.
func peekAll(all func(yield func(k, v []byte) bool), name string) (values [][]byte) {
	for k, v := range all {
		if strings.EqualFold(string(k), name) {
			values = append(values, v)
		}
	}
	return values
}

// peek is the first field called name, in whatever case, "" if there is none.
func peek(all func(yield func(k, v []byte) bool), name string) string {
	if values := peekAll(all, name); len(values) > 0 {
		return string(values[0])
	}
	return ""
}

// copyRequestHead makes the head of the request to the engine out of the
// client's: all but what belongs to the client's connection.
func copyRequestHead(to, from *fasthttp.RequestHeader) {
	from.CopyTo(to)
	to.SetNoDefaultContentType(true)
	to.SetProtocol("HTTP/1.1")
	names := connectionNames(peekAll(from.All(), "Connection"))
	for k := range from.All() {
		if isHopByHop(k, names) || strings.EqualFold(string(k), "Expect") {
			to.DelBytes(k)
		}
	}
	to.ResetConnectionClose()
}

// copyResponseHead makes the head of the answer to the client out of the
// engine's. fasthttp writes a Date of its own in the place of the engine's.
func copyResponseHead(to, from *fasthttp.ResponseHeader) {
	from.CopyTo(to)
	to.SetNoDefaultContentType(true)
	to.SetProtocol([]byte("HTTP/1.1")) // ours, whatever the engine speaks
	names := connectionNames(peekAll(from.All(), "Connection"))
	for k := range from.All() {
		if isHopByHop(k, names) || strings.EqualFold(string(k), "Date") {
			to.DelBytes(k)
		}
	}
	to.ResetConnectionClose()
}
