package exchange

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"tokenomics/internal/http1"
	"tokenomics/internal/wire"
)

// mode is how an answer's body goes on to the client.
type mode uint8

const (
	raw    mode = iota // its bytes as they come
	plain              // without its chunks, for a client that knows none
	cut                // less what we asked for, in chunks of our own
	cutEnd             // the same without chunks: the connection's end is its end
	sized              // the same, gathered: its head waits for its length
)

// Engine takes bytes of the engine's connection, read at now.
func (x *Exchange) Engine(now time.Time, p []byte) {
	if !x.heard && len(p) > 0 {
		x.hear()
	}
	for len(p) > 0 && !x.Done() {
		switch x.out {
		case inHead:
			p = p[x.answerHead(now, p):]
		case inBody:
			p = p[x.answerBody(now, p):]
		case inTunnel:
			x.tunnelled += int64(len(p))
			x.emitOwn(p)
			p = nil
		}
	}
	if len(p) > 0 {
		x.spoilt = true // bytes behind the answer are nobody's
	}
}

// hear is told that the engine answers: the request will not be sent again.
func (x *Exchange) hear() {
	x.heard = true
	if x.req != nil {
		x.req.replay = false
		x.forget()
	}
}

// emit adds bytes for the client.
func (x *Exchange) emit(p []byte) { x.copied(append(x.toCopy(), p...)) }

// toCopy is what is to be written so far, in memory of our own, to be added to
// and given back with copied.
func (x *Exchange) toCopy() []byte {
	if !x.own {
		x.down, x.own = append(getBuffer(), x.down...), true
	}
	return x.down
}

func (x *Exchange) copied(b []byte) { x.down = b }

// emitOwn is emit without a copy where there is nothing to add to: p has to
// stay as it is until it is written.
func (x *Exchange) emitOwn(p []byte) {
	switch {
	case len(p) == 0:
	case len(x.down) == 0 && !x.own:
		x.down = p
	default:
		x.emit(p)
	}
}

var responses = sync.Pool{New: func() any { return new(http1.Response) }}

// keptAnswer is what does not go on as it comes: the beginning of a head, or a
// stripped answer that is to get a length.
type keptAnswer struct {
	head     []byte
	scan     http1.Scan
	lengthAt span // where in head the digits of Content-Length are
	body     []byte
}

// whole is the answer with its length.
func (a *keptAnswer) whole() []byte {
	return append(putNumber(a.head, a.lengthAt, len(a.body)), a.body...)
}

// answerHead takes bytes of the answer's head.
func (x *Exchange) answerHead(now time.Time, p []byte) (used int) {
	before, head, scan := 0, p, http1.Scan{}
	if kept := x.kept; kept != nil {
		before = len(kept.head)
		kept.head = append(kept.head, p...)
		head, scan = kept.head, kept.scan
	}
	end, err := scan.End(head)
	switch {
	case err == nil && end == 0 && len(head) <= x.env.AnswerLimit:
		if x.kept == nil {
			x.kept = &keptAnswer{head: append(getBuffer(), p...)}
		}
		x.kept.scan = scan
		return len(p)
	case err == nil && (end == 0 || end > x.env.AnswerLimit):
		x.badAnswer(now, fmt.Sprintf("answered with a head over %d bytes (--answer-head-limit)", x.env.AnswerLimit))
		return len(p)
	case err != nil:
		x.badAnswer(now, "did not answer in HTTP: "+err.Error())
		return len(p)
	}
	resp := responses.Get().(*http1.Response)
	defer func() {
		clear(resp.Fields[:cap(resp.Fields)])
		responses.Put(resp)
		if before > 0 {
			putBuffer(head)
		}
	}()
	x.kept = nil
	if err := resp.Parse(head[:end], x.toHead); err != nil {
		x.badAnswer(now, "did not answer in proper HTTP: "+err.Error())
		return len(p)
	}
	x.answered(now, resp)
	return end - before
}

// maxInterim bounds the interim answers of one exchange.
const maxInterim = 32

// answered is where a head of the engine's has come.
func (x *Exchange) answered(now time.Time, resp *http1.Response) {
	switch {
	case resp.Status == 101 && x.upgrade:
		x.switched(now, resp)
	case resp.Status == 101:
		x.badAnswer(now, "changes to a protocol that nobody asked for")
	case resp.Status < 200:
		if x.interim++; x.interim > maxInterim {
			x.badAnswer(now, "sends interim answers without end")
		} else if x.minor >= 1 {
			b, _ := x.answerLines(x.toCopy(), resp, false)
			x.copied(b)
		}
	default:
		x.final(now, resp)
	}
}

// final begins the answer proper.
func (x *Exchange) final(now time.Time, resp *http1.Response) {
	if x.relay == nil {
		x.read(nil) // it came before the request was whole
	}
	x.facts.status = int16(resp.Status)
	x.relay.Head(x.at(now), wire.AnswerHead{
		Status: resp.Status, ContentType: string(resp.Fields.Get("content-type")),
		ContentEncoding: string(resp.Fields.Get("content-encoding")),
		Field:           func(name string) string { return string(resp.Fields.Get(strings.ToLower(name))) },
	})
	if x.env.Answered != nil {
		x.env.Answered(x.asked, x.relay.Encoded())
	}
	x.keep = resp.KeepAlive()
	x.closing = x.last || x.in != inEnd || resp.Body.Kind == http1.UntilClose || x.minor == 0
	x.mode = x.chooseMode(resp)
	x.abody.Start(resp.Body)
	x.out = inBody
	if x.mode == sized {
		x.kept = new(keptAnswer)
		x.kept.head, x.kept.lengthAt = x.answerLines(nil, resp, true)
	} else {
		b, _ := x.answerLines(x.toCopy(), resp, true)
		x.copied(b)
		x.began = true
	}
	if x.abody.Done() {
		x.answerEnd(now)
	}
}

// chooseMode settles how the body goes on.
func (x *Exchange) chooseMode(resp *http1.Response) mode {
	switch kind := resp.Body.Kind; {
	case kind == http1.None:
		return raw
	case x.relay.Strips() && kind == http1.Chunked:
		return cut
	case x.relay.Strips() && kind == http1.UntilClose:
		return cutEnd
	case x.relay.Strips() && resp.Body.Length <= sizedLimit:
		return sized
	case x.relay.Strips():
		x.relay.KeepAll() // too large to be gathered: what we asked for stays in
		return raw
	case kind == http1.Chunked && x.minor == 0:
		return plain
	}
	return raw
}

// sizedLimit is the largest answer that is gathered to put its length right.
const sizedLimit = 8 << 20

// answerLines appends the head of an answer to the client: the engine's own
// lines, less those that end here. length is where the digits of Content-Length
// are.
func (x *Exchange) answerLines(b []byte, resp *http1.Response, final bool) (lines []byte, length span) {
	b = append(append(append(b, "HTTP/1.1"...), resp.Rest...), "\r\n"...)
	for i := range resp.Fields {
		f := &resp.Fields[i]
		switch {
		case ends(resp.Fields, f), x.minor == 0 && f.Is("transfer-encoding"):
		case f.Is("content-length"):
			at := len(b) + len(f.Line) - 2
			b = append(b, f.Line...)
			for b[at-1] == ' ' || b[at-1] == '\t' {
				at--
			}
			length = span{at - len(f.Value), at}
		default:
			b = append(b, f.Line...)
		}
	}
	switch {
	case resp.Status == 101:
		b = line(append(b, "Connection: Upgrade\r\n"...), "Upgrade", string(resp.Fields.Get("upgrade")))
	case final && x.closing:
		b = append(b, "Connection: close\r\n"...)
	}
	if final && x.env.Via {
		b = line(b, "Via", "1."+string(byte('0'+resp.Minor))+" tokenomics")
	}
	return append(b, "\r\n"...), length
}

// switched begins the tunnel.
func (x *Exchange) switched(now time.Time, resp *http1.Response) {
	x.facts.status = int16(resp.Status)
	x.relay.Head(x.at(now), wire.AnswerHead{Status: resp.Status})
	b, _ := x.answerLines(x.toCopy(), resp, true)
	x.copied(b)
	x.began, x.closing, x.spoilt = true, true, true
	x.in, x.out = inTunnel, inTunnel
	if x.req == nil {
		x.req = new(request) // what carries the client's bytes from now on
	}
}
