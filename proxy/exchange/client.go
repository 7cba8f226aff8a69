package exchange

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tokenomics/internal/http1"
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
			x.requestBytes += int64(len(p) - used)
			x.req.send(p[used:])
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
	r := x.req
	if end := r.headIn(p, x.env.HeadLimit); end > 0 {
		x.start = now
		if err := x.request(now, p[:end]); err != nil {
			x.malformed(now, err)
		}
		return end
	}
	if r.head == nil {
		r.head, r.born = getBuffer(), now
	}
	before := len(r.head)
	r.head = append(r.head, p[:min(len(p), x.env.HeadLimit+1-before)]...)
	before -= r.skipEmpty()
	if len(r.head) == 0 {
		return len(p)
	}
	end, err := r.scan.End(r.head)
	switch {
	case err == nil && end == 0 && len(r.head) <= x.env.HeadLimit:
		return len(p)
	case err == nil && (end == 0 || end > x.env.HeadLimit):
		err = x.tooLarge()
	}
	x.start = now
	if err == nil {
		used = end - before
		err = x.request(now, r.head[:end])
	} else {
		used = len(p)
	}
	if err != nil {
		x.malformed(now, err)
	}
	putBuffer(r.head)
	r.head = nil
	return used
}

// tooLarge tells a target that is too long from a head that is too large.
func (x *Exchange) tooLarge() error {
	if bytes.IndexByte(x.req.head, '\n') < 0 {
		return &http1.Fault{Status: 414, What: fmt.Sprintf("the target alone is over the %d bytes of a head (--head-limit)", x.env.HeadLimit)}
	}
	return &http1.Fault{Status: 431, What: fmt.Sprintf("the head is over %d bytes (--head-limit)", x.env.HeadLimit)}
}

// request reads the whole head and decides what is done with the body.
func (x *Exchange) request(now time.Time, head []byte) error {
	x.req.work = works.Get().(*work)
	req := &x.req.work.head
	if err := req.Parse(head); err != nil {
		x.describe(req)
		return err
	}
	x.describe(req)
	r := x.req
	x.minor, x.last = uint8(req.Minor), x.last || !req.KeepAlive()
	x.upgrade = req.Upgrade() != nil && req.Body.Kind == http1.None
	r.chunked = req.Body.Kind == http1.Chunked
	x.trace(req.Fields)
	r.body.Start(req.Body)
	x.in = inBody
	endpoint, injectable := wire.EndpointOf(r.method, r.path)
	if endpoint != "" && req.Body.Kind != http1.None && req.Fields.Get("content-encoding") == nil {
		x.readBody(endpoint, injectable, req.Body)
	}
	expects := x.minor >= 1 && req.Fields.Has("expect", "100-continue")
	small := req.Body.Kind == http1.Length && req.Body.Length <= gatherLimit && !expects
	r.wait = r.hold || small
	r.replay = r.wait || req.Body.Kind == http1.None
	r.gathers = small && !r.chunked
	r.up = x.engineHead(r.work.up[:0], req)
	r.bodyAt = len(r.up)
	if r.hold && expects {
		x.emit([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
	if r.body.Done() {
		x.requestEnd(now)
	}
	return nil
}

// describe keeps of the head what the Record tells.
func (x *Exchange) describe(req *http1.Request) {
	path, _, _ := bytes.Cut(req.Path, []byte("?"))
	x.req.method, x.req.path = word(req.Method), word(path[:min(len(path), 1024)])
	x.toHead = x.req.method == "HEAD"
	if id := req.Fields.Get("x-request-id"); len(id) > 0 {
		x.facts.id = strings.ToValidUTF8(string(id[:min(len(id), 128)]), "")
	}
	if x.env.Names {
		x.names = &names{authorization: string(req.Fields.Get("authorization"))}
	}
	if x.env.Tenant != nil {
		x.facts.tenant = x.env.Tenant(func(name string) string { return string(req.Fields.Get(strings.ToLower(name))) })
	}
}

// word is b as a string: without a copy, which each stream would hold, where it is
// what most requests have. (A map would be looked up in memory that is cold.)
func word(b []byte) string {
	switch string(b) {
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	case "/v1/chat/completions":
		return "/v1/chat/completions"
	case "/v1/completions":
		return "/v1/completions"
	case "/v1/responses":
		return "/v1/responses"
	case "/v1/messages":
		return "/v1/messages"
	case "/v1/embeddings":
		return "/v1/embeddings"
	case "/api/chat":
		return "/api/chat"
	case "/generate":
		return "/generate"
	}
	return string(b)
}

// trace begins or continues the request's trace, where tracing is on.
func (x *Exchange) trace(f http1.Fields) {
	if x.env.Tracer != nil {
		trace := x.env.Tracer.Begin(string(f.Get("traceparent")), string(f.Get("tracestate")))
		x.facts.trace = &trace
	}
}

// gatherLimit is the largest body that is gathered before it goes on although
// nothing is asked for: a request that can be sent again may take a connection
// that was idle.
const gatherLimit = 64 << 10

// readBody decides how the body of a request that is measured is read: whole
// before it goes on, where something may be asked for, or along.
func (x *Exchange) readBody(endpoint string, injectable bool, body http1.Framing) {
	size := body.Length
	switch {
	case body.Kind == http1.Chunked:
		size = min(firstHeld, 2*x.env.InjectLimit) // it may grow to that, with its framing
	case size > x.env.InjectLimit:
		return
	}
	if x.env.Hold != nil && !x.env.Hold(size) {
		return
	}
	r := x.req
	r.held, r.along = size, true
	r.hold = x.minor >= 1 && injectable && x.env.MayAsk != nil && x.env.MayAsk(endpoint)
}

// clientBody takes bytes of the request's body.
func (x *Exchange) clientBody(now time.Time, p []byte) (used int) {
	r := x.req
	for used < len(p) && !r.body.Done() {
		n, data, err := r.body.Next(p[used:])
		used += n
		x.requestBytes += int64(len(data))
		if r.along && !r.gathers {
			r.whole = append(r.whole, data...)
		}
		if err != nil {
			x.badBody(now, err)
			return len(p)
		}
	}
	switch {
	case !r.hold || r.gathers:
		r.send(p[:used])
	case r.chunked:
		r.raw = append(r.raw, p[:used]...)
	}
	size := int64(len(r.whole) + len(r.raw))
	if int64(len(r.whole)) > x.env.InjectLimit || size > 2*x.env.InjectLimit || !x.holds(size) {
		x.overflow()
	}
	if r.body.Done() {
		x.requestEnd(now)
	}
	return used
}

// firstHeld is what a chunked body is counted as before it has come. Counted as
// all that it may become, a few dozen of them would be all that can be held.
const firstHeld = 64 << 10

// holds counts a body that has grown to size as held, and says whether it may be.
func (x *Exchange) holds(size int64) bool {
	r := x.req
	if size <= r.held || x.env.Hold == nil {
		return true
	}
	for _, more := range []int64{max(size-r.held, r.held), size - r.held} { // twice as much, so that it is rarely asked
		if x.env.Hold(more) {
			r.held += more
			return true
		}
	}
	return false
}

// overflow is for a body that turned out too large to be read whole, or to be
// held beside the others: it goes on as it came.
func (x *Exchange) overflow() {
	r := x.req
	if r.hold {
		r.up = append(r.up, r.raw...)
		r.hold, r.wait, r.replay = false, false, false
	}
	r.along = false
	x.letGo()
}

// letGo gives up the memory of the body.
func (x *Exchange) letGo() {
	r := x.req
	if r == nil {
		return
	}
	if r.held > 0 && x.env.LetGo != nil {
		x.env.LetGo(r.held)
	}
	r.whole, r.raw, r.held = nil, nil, 0
}

// requestEnd is where the whole request has come. What it asks for is read now
// only where that decides what the engine is sent.
func (x *Exchange) requestEnd(now time.Time) {
	x.in = inEnd
	if x.relay != nil { // the answer has begun, and is measured without it
		x.letGo()
		return
	}
	r := x.req
	r.query = unread
	if r.hold {
		edit := x.ask()
		r.sendWhole(edit, x.asked)
	}
}
