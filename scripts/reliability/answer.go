package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// reply sends the answer that the plan has, with its fault. Not ok when the
// connection is over.
func (c *engineConn) reply(p *plan, asked, last bool) bool {
	if p.fault != "" {
		if done, ok := c.insteadOfHead(p); done {
			return ok
		}
	}
	c.drops = 0
	usage := p.usage || asked
	c.compose(p, usage)
	c.out = c.appendHead(c.out[:0], p, last)
	if p.fault == holdFirst {
		if c.write(c.out) {
			c.hold(p)
		}
		return false
	}
	if p.kind == headOnly {
		return c.write(c.out)
	}
	return c.sendBody(p)
}

// insteadOfHead does what some faults do before or instead of the answer's
// head. done: there is nothing more to do, and ok is as for reply.
func (c *engineConn) insteadOfHead(p *plan) (done, ok bool) {
	const half = "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-ty"
	switch p.fault {
	case rstBefore:
		c.reset()
	case finBefore:
	case late:
		time.Sleep(20 * time.Millisecond)
		return false, false
	case rstHead:
		c.write([]byte(half))
		time.Sleep(2 * time.Millisecond) // a reset overtakes what was not read yet
		c.reset()
	case finHead:
		c.write([]byte(half))
	case garbage:
		c.write([]byte([]string{"SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "220 mail ESMTP\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "\r\n\r\n\r\n\r\n", "HTTP/1.1 200 OK\r\nbad header\r\n\r\n"}[p.id%6]))
	case giantHead:
		c.write([]byte("HTTP/1.1 200 OK\r\nserver: uvicorn\r\n" + strings.Repeat("x-pad: "+strings.Repeat("p", 8000)+"\r\n", 256) + "content-length: 0\r\n\r\n"))
	case holdWait:
		c.hold(p)
	case interim:
		return !c.write([]byte("HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")), false
	default:
		return false, false
	}
	return true, false
}

// compose makes the answer's body, and the pieces that it comes in.
func (c *engineConn) compose(p *plan, usage bool) {
	c.answer, c.ends = c.answer[:0], c.ends[:0]
	if p.kind.streams() && p.fault != error200 {
		for i := range p.total(usage) {
			c.answer = p.appendEvent(c.answer, i, usage)
			c.ends = append(c.ends, len(c.answer))
		}
		return
	}
	if p.kind == headOnly { // the head is that of a GET
		c.answer = appendFiller(c.answer, p.id, 0, p.size)
	}
	c.answer = p.appendAnswer(c.answer)
	const pieces = 4
	for i := range pieces {
		c.ends = append(c.ends, len(c.answer)*(i+1)/pieces)
	}
}

// chunks says whether the answer is in chunks.
func (p *plan) chunks() bool {
	switch p.fault {
	case longLength, shortLength, untilClose, oldHTTP:
		return false
	case trailed, badSize, badEnd, finMid, conflict:
		return true
	}
	return p.kind.streams() || p.kind == get && p.id%2 == 0
}

func (c *engineConn) appendHead(dst []byte, p *plan, last bool) []byte {
	if p.fault == oldHTTP {
		dst = append(dst, "HTTP/1.0 200 OK\r\n"...)
	} else {
		dst = append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, "date: Tue, 14 Nov 2023 22:13:20 GMT\r\nserver: uvicorn\r\nx-answer: "...)
	dst = appendID(dst, p.id)
	dst = append(dst, "\r\ncontent-type: "...)
	switch {
	case p.kind.streams():
		dst = append(dst, "text/event-stream; charset=utf-8\r\n"...)
	case p.kind.hasBody():
		dst = append(dst, "application/json\r\n"...)
	default:
		dst = append(dst, "text/plain\r\n"...)
	}
	if p.fault == bigHead {
		for i := range 48 {
			dst = fmt.Appendf(dst, "x-pad-%02d: %s\r\n", i, strings.Repeat("p", 1000))
		}
	}
	if last || p.fault == closingAfter {
		dst = append(dst, "connection: close\r\n"...)
	}
	length := -1
	switch {
	case p.chunks() && p.kind != headOnly:
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
		if p.fault == conflict {
			length = len(c.answer)
		}
	case p.fault == untilClose || p.fault == oldHTTP:
	case p.fault == longLength:
		length = len(c.answer) + 100
	case p.fault == shortLength:
		length = len(c.answer) - len(c.answer)/3
	default:
		length = len(c.answer)
	}
	if length >= 0 {
		dst = strconv.AppendInt(append(dst, "content-length: "...), int64(length), 10)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// sendBody sends what compose has made. How it is cut into writes depends on
// the id: all at once, each event by itself with the head in the first, or
// anywhere.
func (c *engineConn) sendBody(p *plan) bool {
	chunked, from := p.chunks(), 0
	// What is too much comes with the rest. Later it could meet the next request
	// on the connection, and no proxy could tell it from an answer.
	together := p.fault == surplus || p.fault == shortLength
	apart := !together && (p.gap > 0 || p.fault == drip || p.id%3 == 1)
	for i, end := range c.ends {
		if i == p.at && p.fault != "" {
			if over := c.midway(p, c.answer[from:end]); over {
				return false
			}
		}
		if piece := c.answer[from:end]; len(piece) > 0 {
			c.out = appendPiece(c.out, piece, chunked)
		}
		from = end
		if apart {
			if !c.send(p) {
				return false
			}
			if p.gap > 0 {
				time.Sleep(p.gap)
			}
		}
	}
	if chunked {
		c.out = append(c.out, "0\r\n"...)
		if p.fault == trailed {
			c.out = append(c.out, p.trailer()...)
		}
		c.out = append(c.out, "\r\n"...)
	}
	if p.fault == surplus {
		// The id of another: should these bytes reach anybody, that is seen.
		c.out = append(c.out, "HTTP/1.1 200 OK\r\nserver: uvicorn\r\nx-answer: q999999999\r\ncontent-length: 10\r\n\r\nq999999999"...)
	}
	if p.id%3 == 2 && !together && len(c.out) > 16 {
		first := len(c.out) * int(p.id/3%7+1) / 9
		if !c.write(c.out[:first]) {
			return false
		}
		c.out = append(c.out[:0], c.out[first:]...)
	}
	ok := c.write(c.out)
	return ok && p.fault != untilClose && p.fault != oldHTTP && p.fault != longLength && p.fault != closingAfter
}

func appendPiece(dst, piece []byte, chunked bool) []byte {
	if !chunked {
		return append(dst, piece...)
	}
	dst = strconv.AppendInt(dst, int64(len(piece)), 16)
	dst = append(append(dst, "\r\n"...), piece...)
	return append(dst, "\r\n"...)
}

// send writes what is ready.
func (c *engineConn) send(p *plan) bool {
	out := c.out
	c.out = c.out[:0]
	if p.fault != drip {
		return c.write(out)
	}
	const drops = 40
	for ; len(out) > 0 && c.drops < drops; c.drops++ {
		if !c.write(out[:1]) {
			return false
		}
		out = out[1:]
		time.Sleep(time.Millisecond)
	}
	return c.write(out)
}

// midway does what the fault does before a piece of the body. over: the
// connection has ended.
func (c *engineConn) midway(p *plan, next []byte) (over bool) {
	switch p.fault {
	case pause:
		if !c.send(p) {
			return true
		}
		time.Sleep(time.Second)
		return false
	case rstMid, finMid, badSize, badEnd, holdMid:
	default:
		return false
	}
	switch p.fault {
	case finMid: // a chunk that ends too soon
		c.out = strconv.AppendInt(c.out, int64(len(next)+20), 16)
		c.out = append(append(c.out, "\r\n"...), next...)
	case badSize:
		c.out = append(c.out, "5g\r\nhello\r\n0\r\n\r\n"...)
	case badEnd:
		c.out = strconv.AppendInt(c.out, int64(len(next)), 16)
		c.out = append(append(append(c.out, "\r\n"...), next...), "XX0\r\n\r\n"...)
	}
	if !c.send(p) {
		return true
	}
	switch p.fault {
	case rstMid:
		time.Sleep(2 * time.Millisecond) // a reset overtakes what was not read yet
		c.reset()
	case holdMid:
		c.hold(p)
	}
	return true
}
