package exchange

import (
	"bytes"
	"time"

	"tokenomics/internal/http1"
)

// request is what sending a request on takes. The exchange lets go of it once
// the request is sent, or, where it may have to be sent again, the engine answers.
type request struct {
	peer Peer
	born time.Time // when its first byte came

	method, path string
	head         []byte // what has come of the head
	scan         http1.Scan
	empty        int // lines in front of it
	body         http1.Body
	chunked      bool

	along bool   // the body is read as it streams
	hold  bool   // the body is read whole, because something may be asked for
	wait  bool   // nothing goes out before the request is whole
	held  int64  // bytes counted as held
	whole []byte // the body, so far, where it is held or read along
	raw   []byte // the same with its framing, where that is chunked

	up       []byte // to the engine
	lengthAt span   // where in up the digits of Content-Length are
	taken    int    // how much of up has been given out
	replay   bool   // up holds the whole request
}

// forget lets go of the request once nothing of it can be wanted again. An
// engine may answer while the end of it is still being written.
func (x *Exchange) forget() {
	r := x.req
	if r == nil || x.in != inEnd || !x.facts.sent.Ok() || r.taken < len(r.up) {
		return
	}
	if !x.heard && x.mayReplay() { // it waits for its first token, which may take long
		return
	}
	r.release()
	x.req = nil
}

// release gives back the memory.
func (r *request) release() {
	putBuffer(r.up)
	putBuffer(r.head)
	r.up, r.head = nil, nil
}

// skipEmpty takes empty lines off the front of the head, in whatever pieces they
// came, and says how many bytes that were.
func (r *request) skipEmpty() (skipped int) {
	for r.empty < emptyLines && bytes.HasPrefix(r.head[skipped:], []byte("\r\n")) {
		r.empty++
		skipped += 2
	}
	if skipped > 0 {
		r.head = r.head[:copy(r.head, r.head[skipped:])]
		r.scan = http1.Scan{}
	}
	return skipped
}

// send passes bytes on to the engine. What has been written already is kept
// only where it may have to be written again.
func (r *request) send(p []byte) {
	if !r.replay && r.taken == len(r.up) {
		r.up, r.taken = r.up[:0], 0
	}
	r.up = append(r.up, p...)
}

// take gives out what has been added for the engine.
func (r *request) take() []byte {
	p := r.up[r.taken:]
	r.taken = len(r.up)
	return p
}

// sendWhole adds the body that was read whole behind its head. edited says that
// it is not as it came.
func (r *request) sendWhole(body []byte, edited bool) {
	switch {
	case !edited && r.chunked:
		r.up = append(r.up, r.raw...)
	case r.chunked:
		r.up = appendChunk(r.up, body)
		r.up = appendLastChunk(r.up, r.body.Trailers())
	default:
		if edited {
			r.up = putNumber(r.up, r.lengthAt, len(body))
		}
		r.up = append(r.up, body...)
	}
}
