package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// shape is a request that two servers could read differently, or none at all.
// It must be refused, with nothing of it at the engine.
type shape struct {
	name string
	raw  string // HEAD is a good request's first lines, without Host; INNER a whole one to be smuggled
}

var shapes = []shape{
	{"length and chunked", "HEADHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nINNER"},
	{"chunked and length", "HEADHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nINNER"},
	{"two lengths", "HEADHost: a\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\nINNER"},
	{"list of lengths", "HEADHost: a\r\nContent-Length: 0, 40\r\n\r\nINNER"},
	{"length with a sign", "HEADHost: a\r\nContent-Length: +3\r\n\r\nabcINNER"},
	{"negative length", "HEADHost: a\r\nContent-Length: -1\r\n\r\nINNER"},
	{"length in hex", "HEADHost: a\r\nContent-Length: 0x3\r\n\r\nabcINNER"},
	{"huge length", "HEADHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nINNER"},
	{"coding identity", "HEADHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabcINNER"},
	{"coding unknown", "HEADHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nINNER"},
	{"coding twice", "HEADHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\nINNER"},
	{"coding behind a tab", "HEADHost: a\r\nTransfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\nINNER"},
	{"space before the colon", "HEADHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nINNER"},
	{"space before a name", "HEADHost: a\r\n Transfer-Encoding: chunked\r\nX: 1\r\n\r\n0\r\n\r\nINNER"},
	{"folded field", "HEADHost: a\r\nX-A: b\r\n c\r\n\r\n"},
	{"bare LF between fields", "HEADHost: a\nX-A: b\r\n\r\n"},
	{"bare CR in a value", "HEADHost: a\r\nX-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nINNER"},
	{"NUL in a value", "HEADHost: a\r\nX-A: b\x00c\r\n\r\n"},
	{"NUL in a name", "HEADHost: a\r\nX\x00A: b\r\n\r\n"},
	{"name without a colon", "HEADHost: a\r\nnonsense\r\n\r\n"},
	{"no Host", "HEADX-A: b\r\n\r\n"},
	{"two Hosts", "HEADHost: a\r\nHost: b\r\n\r\n"},
	{"Host with a path", "HEADHost: a/b\r\n\r\n"},
	{"foreign absolute target", "GET http://other.example/x HTTP/1.1\r\nLINESHost: a\r\n\r\n"},
	{"version 1.2 of letters", "GET / HTTP/l.1\r\nLINESHost: a\r\n\r\n"},
	{"version 2.0", "GET / HTTP/2.0\r\nLINESHost: a\r\n\r\n"},
	{"two spaces in the line", "GET  / HTTP/1.1\r\nLINESHost: a\r\n\r\n"},
	{"space in the target", "GET /a b HTTP/1.1\r\nLINESHost: a\r\n\r\n"},
	{"method of signs", "G(T / HTTP/1.1\r\nLINESHost: a\r\n\r\n"},
	{"control in the target", "GET /a\x01b HTTP/1.1\r\nLINESHost: a\r\n\r\n"},
	{"no request at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"},
	{"words", "hello there\r\nINNER"},
}

// bytes fills in a shape for two requests: the one that is malformed, and the
// one that is smuggled in it.
func (s shape) bytes(outer, inner int64) []byte {
	lines := func(id int64) string {
		p := plan{id: id, kind: get, size: 10}
		return fmt.Sprintf("X-Request-Id: %s\r\nX-Plan: %s\r\n", p.name(), p.appendLine(nil))
	}
	return []byte(strings.NewReplacer(
		"HEAD", "POST /v1/chat/completions HTTP/1.1\r\n"+lines(outer),
		"INNER", "GET /smuggled HTTP/1.1\r\n"+lines(inner)+"Host: a\r\n\r\n",
		"LINES", lines(outer),
	).Replace(s.raw))
}

// shapePatience is how long a refusal may take.
const shapePatience = 5 * time.Second

// provoke sends a shape over a connection of its own and reads to its end. The
// status is that of the first answer, 0 for none.
func (c *caller) provoke(b []byte) (status int, engines, closed bool, err error) {
	c.close()
	if err := c.dial(false); err != nil {
		return 0, false, false, err
	}
	defer c.close()
	if err := c.conn.SetDeadline(time.Now().Add(shapePatience)); err != nil {
		return 0, false, false, err
	}
	if err := c.write(b); err != nil {
		return 0, false, true, nil // refused before all was said
	}
	if err := c.head.read(c.br); err == nil {
		status = c.head.status()
		_, engines = c.head.get("X-Answer")
	}
	_, err = io.Copy(io.Discard, c.br)
	var timeout interface{ Timeout() bool }
	return status, engines, !(errors.As(err, &timeout) && timeout.Timeout()), nil
}
