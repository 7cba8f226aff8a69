package exchange

import (
	"bytes"
	"sync"
	"time"

	"tokenomics/internal/http1"
	"tokenomics/internal/wire"
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

	along   bool    // the body is read as it streams
	hold    bool    // the body is read whole, because something may be asked for
	wait    bool    // nothing goes out before the request is whole
	gathers bool    // the body is behind its head in up
	query   reading // of what is asked for
	held    int64   // bytes counted as held
	whole   []byte  // the body, so far, where it is held or read along and not in up
	raw     []byte  // the same with its framing, where that is chunked

	up       []byte // to the engine
	lengthAt span   // where in up the digits of Content-Length are
	bodyAt   int    // where in up the body begins
	taken    int    // how much of up has been given out
	replay   bool   // up holds the whole request

	work *work // from when the head is whole
}

// work is memory that each request needs until it is sent, and many use in turn.
type work struct {
	head  http1.Request
	up    []byte // for request.up
	query wire.Query
	strip wire.Strip // what asking for more adds to the answer
}

var works = sync.Pool{New: func() any {
	return &work{head: http1.Request{Fields: make(http1.Fields, 0, usualFields)}, up: make([]byte, 0, scratchSize)}
}}

// usualFields is more than the lines of most heads.
const usualFields = 16

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
	putBuffer(r.head)
	if w := r.work; w != nil {
		fields := w.head.Fields[:cap(w.head.Fields)]
		clear(fields) // they point into the head
		*w = work{head: http1.Request{Fields: fields[:0]}, up: r.up[:0]}
		if cap(w.up) <= maxPooled {
			works.Put(w)
		}
	}
	r.up, r.head, r.work = nil, nil, nil
}

// headIn is how long the head is, where all of it is at the beginning of p, as
// nearly always. 0 = it has to be gathered, or looked at more closely.
func (r *request) headIn(p []byte, limit int) int {
	if r.head != nil || p[0] == '\r' {
		return 0
	}
	var scan http1.Scan
	if end, err := scan.End(p); err == nil && end <= limit {
		return end
	}
	return 0
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

// sendWhole adds the body that was read whole behind its head, edited where the
// engine is asked for more than came.
func (r *request) sendWhole(edit wire.Splice, edited bool) {
	at := span{edit.From, edit.To}
	switch {
	case !edited && r.chunked:
		r.up = append(r.up, r.raw...)
	case r.chunked:
		r.whole = replace(r.whole, at, edit.With)
		r.up = appendChunk(r.up, r.whole)
		r.up = appendLastChunk(r.up, r.body.Trailers())
	case r.gathers && edited:
		r.up = replace(r.up, span{r.bodyAt + at.from, r.bodyAt + at.to}, edit.With)
		r.up = putNumber(r.up, r.lengthAt, len(r.up)-r.bodyAt)
	case edited:
		r.whole = replace(r.whole, at, edit.With)
		r.up = append(putNumber(r.up, r.lengthAt, len(r.whole)), r.whole...)
	case !r.gathers:
		r.up = append(r.up, r.whole...)
	}
}
