package exchange

import (
	"net"
	"slices"
	"strconv"

	"tokenomics/internal/http1"
)

// engineHead appends the head of the request to the engine: the client's own
// lines, less those that end here.
func (x *Exchange) engineHead(b []byte, req *http1.Request) []byte {
	b = append(append(b, req.Method...), ' ')
	if req.Path[0] == '/' {
		b = append(b, x.env.Prefix...)
	}
	b = append(append(b, req.Path...), " HTTP/1.1\r\n"...)
	traced := x.facts.trace != nil && x.facts.trace.On() && x.env.Propagate
	for i := range req.Fields {
		f := &req.Fields[i]
		switch {
		case ends(req.Fields, f):
		case x.req.hold && f.Is("expect"), traced && f.Is("traceparent"):
		case x.env.Forwarded && (f.Is("x-forwarded-for") || f.Is("x-forwarded-proto") || f.Is("x-forwarded-host")):
		case f.Is("content-length"):
			at := len(b) + len(f.Line) - 2
			b = append(b, f.Line...)
			for at > 0 && (b[at-1] == ' ' || b[at-1] == '\t') {
				at--
			}
			x.req.lengthAt = span{at - len(f.Value), at}
		default:
			b = append(b, f.Line...)
		}
	}
	if req.Fields.Count("host") == 0 {
		b = line(b, "Host", x.env.Host)
	}
	if x.upgrade {
		b = line(append(b, "Connection: Upgrade\r\n"...), "Upgrade", string(req.Upgrade()))
	}
	if traced {
		b = line(b, "traceparent", x.facts.trace.Traceparent())
	}
	return append(x.edge(b, req.Fields), "\r\n"...)
}

// edge appends the lines that say who stands in between, where they are wanted.
func (x *Exchange) edge(b []byte, f http1.Fields) []byte {
	if x.env.Via {
		b = line(b, "Via", "1."+strconv.Itoa(int(x.minor))+" tokenomics")
	}
	if !x.env.Forwarded {
		return b
	}
	client, _, err := net.SplitHostPort(x.req.peer.Addr)
	if err != nil {
		client = "unknown" // a unix socket has no address
	}
	if before := f.Get("x-forwarded-for"); len(before) > 0 {
		client = string(before) + ", " + client
	}
	proto := "http"
	if x.req.peer.TLS {
		proto = "https"
	}
	b = line(b, "X-Forwarded-For", client)
	b = line(b, "X-Forwarded-Proto", proto)
	return line(b, "X-Forwarded-Host", string(f.Get("host")))
}

func line(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
}

// putNumber writes n in the place of the digits at s.
func putNumber(b []byte, s span, n int) []byte {
	var digits [20]byte
	return replace(b, s, strconv.AppendInt(digits[:0], int64(n), 10))
}

// replace puts with in the place of what is at s, in b's own memory as long as
// there is room.
func replace[T string | []byte](b []byte, s span, with T) []byte {
	n, behind := len(b), s.from+len(with)
	end := behind + n - s.to
	if end > n {
		b = slices.Grow(b, end-n)[:end]
	}
	copy(b[behind:], b[s.to:n])
	copy(b[s.from:], with)
	return b[:end]
}

func appendChunk(b, data []byte) []byte {
	if len(data) == 0 {
		return b // an empty chunk would be the last
	}
	b = append(strconv.AppendInt(b, int64(len(data)), 16), "\r\n"...)
	return append(append(b, data...), "\r\n"...)
}

func appendLastChunk(b, trailers []byte) []byte {
	return append(append(append(b, "0\r\n"...), trailers...), "\r\n"...)
}
