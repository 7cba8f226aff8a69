package sim

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

func appendStatusLine(dst []byte, h head) []byte {
	dst = append(dst, h.proto...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(h.status), 10)
	dst = append(dst, ' ')
	dst = append(dst, fasthttp.StatusMessage(h.status)...)
	return append(dst, "\r\n"...)
}

func appendLine(dst []byte, name, value string) []byte {
	return append(dst, name+": "+value+"\r\n"...)
}

func appendLines(dst []byte, headers []header, spell func(string) string) []byte {
	for _, h := range headers {
		dst = appendLine(dst, spell(h.name), h.value)
	}
	return dst
}

func appendDate(dst []byte, name string, h head) []byte {
	dst = append(dst, name+": "...)
	dst = fasthttp.AppendHTTPDate(dst, h.date)
	return append(dst, "\r\n"...)
}

func appendLength(dst []byte, name string, h head) []byte {
	if h.length == unknownLength {
		return dst
	}
	return append(appendKey(dst, name+": ", h.length), "\r\n"...)
}

// appendUvicorn is a head as Starlette and uvicorn write it: lower case, date and
// server first. after are the lines that a middleware adds.
func appendUvicorn(dst []byte, h head, after ...header) []byte {
	dst = appendStatusLine(dst, h)
	dst = appendDate(dst, "date", h)
	dst = append(dst, "server: uvicorn\r\n"...)
	own, ours := h.headers[:len(h.headers)-1], h.headers[len(h.headers)-1:]
	dst = appendLines(dst, own, strings.ToLower)
	dst = appendLength(dst, "content-length", h)
	if h.contentType != "" {
		dst = appendLine(dst, "content-type", h.contentType)
	}
	dst = appendLines(dst, append(after, ours...), strings.ToLower)
	if h.chunked {
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
	}
	if h.closing {
		dst = append(dst, "connection: close\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendHTTPLib is a head as cpp-httplib writes it: in the order in which the
// handler set things, no date.
func appendHTTPLib(dst []byte, h head) []byte {
	dst = appendStatusLine(dst, h)
	dst = append(dst, "Server: llama.cpp\r\nAccess-Control-Allow-Origin: \r\n"...)
	own, ours := h.headers[:len(h.headers)-1], h.headers[len(h.headers)-1:]
	dst = appendLines(dst, own, capitals)
	if h.contentType != "" {
		dst = appendLine(dst, "Content-Type", h.contentType)
	}
	dst = appendLength(dst, "Content-Length", h)
	dst = appendLines(dst, ours, capitals)
	if h.chunked {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if h.closing {
		dst = append(dst, "Connection: close\r\n"...)
	} else {
		dst = append(dst, "Keep-Alive: timeout=5, max=100\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendGo is a head as Go's net/http writes it: the handler's lines in order of
// their names, then its own.
func appendGo(dst []byte, h head) []byte {
	dst = appendStatusLine(dst, h)
	if h.contentType != "" {
		dst = appendLine(dst, "Content-Type", h.contentType)
	}
	dst = appendLines(dst, h.headers, capitals)
	dst = appendDate(dst, "Date", h)
	dst = appendLength(dst, "Content-Length", h)
	if h.closing {
		dst = append(dst, "Connection: close\r\n"...)
	}
	if h.chunked {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendHyper is a head as hyper writes it under axum: lower case, the date last.
func appendHyper(dst []byte, h head) []byte {
	dst = appendStatusLine(dst, h)
	if h.contentType != "" {
		dst = appendLine(dst, "content-type", h.contentType)
	}
	dst = appendLines(dst, h.headers, strings.ToLower)
	dst = append(dst, "vary: origin, access-control-request-method, access-control-request-headers\r\naccess-control-allow-origin: *\r\n"...)
	dst = appendLength(dst, "content-length", h)
	if h.chunked {
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
	}
	if h.closing {
		dst = append(dst, "connection: close\r\n"...)
	}
	return append(appendDate(dst, "date", h), "\r\n"...)
}

// capitals spells a header name with capitals: Content-Encoding.
func capitals(name string) string {
	b, up := []byte(name), true
	for i, c := range b {
		if up {
			b[i] = bytes.ToUpper([]byte{c})[0]
		}
		up = c == '-'
	}
	return string(b)
}
