package exchange

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"tokenomics/internal/http1"
	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// Client takes bytes of the client's connection, read at now, and says how
// many of them belong to this exchange.
func (x *Exchange) Client(now time.Time, p []byte) (used int) {
	for used < len(p) && x.WantsClient() {
		switch x.in {
		case inHead:
			used += x.clientHead(now, p[used:])
		case inBody:
			used += x.clientBody(now, p[used:])
		case inTunnel:
			x.rec.RequestBytes += int64(len(p) - used)
			x.send(p[used:])
			used = len(p)
		}
	}
	return used
}

// emptyLines is how many empty lines may stand in front of a request (RFC
// 9112, 2.2).
const emptyLines = 2

// clientHead takes bytes of the request's head.
func (x *Exchange) clientHead(now time.Time, p []byte) (used int) {
	if x.head == nil {
		x.head = getBuffer()
	}
	before := len(x.head)
	x.head = append(x.head, p[:min(len(p), x.env.HeadLimit+1-before)]...)
	before -= x.skipEmpty()
	if len(x.head) == 0 {
		return len(p)
	}
	end, err := x.scan.End(x.head)
	switch {
	case err == nil && end == 0 && len(x.head) <= x.env.HeadLimit:
		return len(p)
	case err == nil && (end == 0 || end > x.env.HeadLimit):
		err = x.tooLarge()
	}
	x.start, x.rec.Start = now, now
	if err == nil {
		used = end - before
		err = x.request(now, x.head[:end])
	} else {
		used = len(p)
	}
	if err != nil {
		x.malformed(now, err)
	}
	putBuffer(x.head)
	x.head = nil
	return used
}

// skipEmpty takes empty lines off the front of the head, in whatever pieces they
// came, and says how many bytes that were.
func (x *Exchange) skipEmpty() (skipped int) {
	for x.empty < emptyLines && bytes.HasPrefix(x.head[skipped:], []byte("\r\n")) {
		x.empty++
		skipped += 2
	}
	if skipped > 0 {
		x.head = x.head[:copy(x.head, x.head[skipped:])]
		x.scan = http1.Scan{}
	}
	return skipped
}

// tooLarge tells a target that is too long from a head that is too large.
func (x *Exchange) tooLarge() error {
	if bytes.IndexByte(x.head, '\n') < 0 {
		return &http1.Fault{Status: 414, What: fmt.Sprintf("the target alone is over the %d bytes of a head (--head-limit)", x.env.HeadLimit)}
	}
	return &http1.Fault{Status: 431, What: fmt.Sprintf("the head is over %d bytes (--head-limit)", x.env.HeadLimit)}
}

var requests = sync.Pool{New: func() any { return new(http1.Request) }}

// request reads the whole head and decides what is done with the body.
func (x *Exchange) request(now time.Time, head []byte) error {
	req := requests.Get().(*http1.Request)
	defer func() {
		clear(req.Fields[:cap(req.Fields)]) // they point into the head
		requests.Put(req)
	}()
	if err := req.Parse(head); err != nil {
		x.describe(req)
		return err
	}
	x.describe(req)
	x.minor, x.last = req.Minor, x.last || !req.KeepAlive()
	x.upgrade = req.Upgrade() != nil && req.Body.Kind == http1.None
	x.chunked = req.Body.Kind == http1.Chunked
	x.trace(req.Fields)
	x.body.Start(req.Body)
	x.in = inBody
	endpoint := wire.EndpointOf(x.rec.Method, x.rec.Path)
	if endpoint != "" && req.Body.Kind != http1.None && req.Fields.Get("content-encoding") == nil {
		x.readBody(endpoint, req.Body)
	}
	expects := x.minor >= 1 && req.Fields.Has("expect", "100-continue")
	small := req.Body.Kind == http1.Length && req.Body.Length <= gatherLimit && !expects
	x.wait = x.hold || small
	x.replay = x.wait || req.Body.Kind == http1.None
	x.up = x.engineHead(getBuffer(), req)
	if x.hold && expects {
		x.emit([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
	if x.body.Done() {
		x.requestEnd(now)
	}
	return nil
}

// describe keeps of the head what the Record tells.
func (x *Exchange) describe(req *http1.Request) {
	x.method = append(x.method[:0], req.Method...)
	path, _, _ := bytes.Cut(req.Path, []byte("?"))
	x.rec.Method, x.rec.Path = string(req.Method), string(path[:min(len(path), 1024)])
	x.rec.Server = x.env.Addr
	if id := req.Fields.Get("x-request-id"); len(id) > 0 {
		x.rec.RequestID = strings.ToValidUTF8(string(id[:min(len(id), 128)]), "")
	} else {
		x.rec.RequestID = x.env.NewID()
	}
	if x.env.KeepKey {
		x.key = string(req.Fields.Get("authorization"))
	}
	if x.env.Tenant != nil {
		x.rec.Tenant = x.env.Tenant(func(name string) string { return string(req.Fields.Get(strings.ToLower(name))) })
	}
}

// trace begins or continues the request's trace, where tracing is on.
func (x *Exchange) trace(f http1.Fields) {
	if x.env.Tracer != nil {
		x.rec.Trace = x.env.Tracer.Begin(string(f.Get("traceparent")), string(f.Get("tracestate")))
	}
}

// gatherLimit is the largest body that is gathered before it goes on although
// nothing is asked for: a request that can be sent again may take a connection
// that was idle.
const gatherLimit = 64 << 10

// readBody decides how the body of a request that is measured is read: whole
// before it goes on, where something may be asked for, or along.
func (x *Exchange) readBody(endpoint string, body http1.Framing) {
	size := body.Length
	switch {
	case body.Kind == http1.Chunked:
		size = 2 * x.env.InjectLimit // it could become that large, with its framing
	case size > x.env.InjectLimit:
		return
	}
	if x.env.Hold != nil && !x.env.Hold(size) {
		return
	}
	x.held, x.along = size, true
	x.hold = x.minor >= 1 && wire.Injectable(x.rec.Method, x.rec.Path) && x.env.MayAsk != nil && x.env.MayAsk(endpoint)
}

// clientBody takes bytes of the request's body.
func (x *Exchange) clientBody(now time.Time, p []byte) (used int) {
	for used < len(p) && !x.body.Done() {
		n, data, err := x.body.Next(p[used:])
		used += n
		x.rec.RequestBytes += int64(len(data))
		if x.along {
			x.whole = append(x.whole, data...)
		}
		if err != nil {
			x.badBody(now, err)
			return len(p)
		}
	}
	switch {
	case !x.hold:
		x.send(p[:used])
	case x.chunked:
		x.raw = append(x.raw, p[:used]...)
	}
	if int64(len(x.whole)) > x.env.InjectLimit || int64(len(x.whole)+len(x.raw)) > 2*x.env.InjectLimit {
		x.overflow()
	}
	if x.body.Done() {
		x.requestEnd(now)
	}
	return used
}

// send passes bytes on to the engine. What has been written already is kept
// only where it may have to be written again.
func (x *Exchange) send(p []byte) {
	if !x.replay && x.taken == len(x.up) {
		x.up, x.taken = x.up[:0], 0
	}
	x.up = append(x.up, p...)
}

// overflow is for a body that turned out too large to be read whole: it goes
// on as it came.
func (x *Exchange) overflow() {
	if x.hold {
		x.up = append(x.up, x.raw...)
		x.hold, x.wait, x.replay = false, false, false
	}
	x.along = false
	x.letGo()
}

// letGo gives up the memory of the body.
func (x *Exchange) letGo() {
	if x.held > 0 && x.env.LetGo != nil {
		x.env.LetGo(x.held)
	}
	x.whole, x.raw, x.held = nil, nil, 0
}

// requestEnd is where the whole request has come.
func (x *Exchange) requestEnd(now time.Time) {
	x.in = inEnd
	read := x.whole
	switch {
	case x.along && read == nil:
		read = []byte{}
	case !x.along && x.rec.RequestBytes == 0:
		read = []byte{} // there was none to read
	}
	if x.relay == nil { // the answer may have begun, and be measured without it
		edited := x.read(read)
		if x.hold {
			x.sendWhole(edited)
		}
	}
	x.letGo()
}

// sendWhole adds the body that was read whole behind its head.
func (x *Exchange) sendWhole(body []byte) {
	switch {
	case !x.asked && x.chunked:
		x.up = append(x.up, x.raw...)
	case x.chunked:
		x.up = appendChunk(x.up, body)
		x.up = appendLastChunk(x.up, x.body.Trailers())
	default:
		if x.asked {
			x.up = putNumber(x.up, x.lengthAt, len(body))
		}
		x.up = append(x.up, body...)
	}
}

// read reads what the request asks for, and returns the body that the engine
// is to have. A failure of ours costs the measurement and not the request.
func (x *Exchange) read(whole []byte) (edited []byte) {
	defer func() {
		if v := recover(); v != nil {
			x.failed("reading a request", v)
			x.unread()
			edited = whole
		}
	}()
	query := wire.ReadQuery(x.rec.Method, x.rec.Path, whole)
	x.rec.Request = query.Request
	if x.env.Provider != nil {
		x.rec.Provider = x.env.Provider()
	}
	edited, strip := whole, wire.Strip{}
	if x.hold && x.env.Ask != nil {
		edited, strip = query.Edit(whole, x.env.Ask(&query))
	}
	x.asked = strip.Any()
	x.relay = wire.NewRelay(wire.Config{Query: query, Timeline: x.env.Timeline, Live: x.env.Live}, strip, x.env.Print)
	return edited
}

// unread measures a request of which nothing is known but its head.
func (x *Exchange) unread() {
	query := wire.Query{Request: record.Request{Method: x.rec.Method, Path: x.rec.Path}}
	x.relay, x.asked = wire.NewRelay(wire.Config{Query: query}, wire.Strip{}, nil), false
}
