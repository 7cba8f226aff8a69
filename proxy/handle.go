package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
)

// head is what is kept of a request from the moment its head is complete to
// the handler, which fasthttp calls only when some of the body is there too.
type head struct {
	at           time.Time
	method, path string
}

// headReceived notes when a head was complete. The time limit for it ends
// here: it must not hit a long upload.
func (p *Proxy) headReceived(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	p.heads.Store(h, head{time.Now(), string(h.Method()), pathOf(h)})
	return fasthttp.RequestConfig{ReadTimeout: uploadTimeout}
}

// uploadTimeout bounds what fasthttp reads of a body before the handler takes
// over, and lifts the limit.
const uploadTimeout = time.Hour

func pathOf(h *fasthttp.RequestHeader) string {
	path, _, _ := strings.Cut(string(h.RequestURI()), "?")
	return path[:min(len(path), 1024)]
}

// takeHead is what headReceived noted. Not ok for what never had a whole head.
func (p *Proxy) takeHead(h *fasthttp.RequestHeader) (head, bool) {
	v, ok := p.heads.LoadAndDelete(h)
	if !ok {
		return head{at: time.Now()}, false
	}
	return v.(head), true
}

// handle relays one request. It returns when the answer's head is there; the
// body follows through the exchange's tap, and the Record when that is closed.
func (p *Proxy) handle(ctx *fasthttp.RequestCtx) {
	head, _ := p.takeHead(&ctx.Request.Header)
	x := &exchange{proxy: p, start: head.at, client: ctx.Conn()}
	if x.rec.InFlight = p.begin(x); x.rec.InFlight == 0 {
		writeError(ctx, fasthttp.StatusServiceUnavailable, "proxy_stopped", "the proxy has stopped")
		ctx.SetConnectionClose()
		return
	}
	p.live.Requests.Add(1)
	p.live.Active.Add(1)
	x.rec.Start, x.rec.Server = x.start, p.cfg.Upstream.Addr
	x.rec.Method, x.rec.Path = head.method, head.path
	x.rec.RequestID = requestID(&ctx.Request.Header)
	x.rec.Tenant = p.cfg.Tenancy.Of(func(name string) string { return peek(ctx.Request.Header.All(), name) })
	defer func() {
		if v := recover(); v != nil {
			p.live.Panics.Add(1)
			p.log.Error("relaying failed", "panic", v)
			x.refuse(ctx, fasthttp.StatusBadGateway, "proxy_error", "relaying the request failed inside the proxy", record.Error)
		}
	}()
	if err := x.client.SetReadDeadline(time.Time{}); err != nil {
		x.leave(ctx, record.ClientAbort)
		return
	}
	if int(p.server.GetOpenConnectionsCount()) > p.cfg.MaxConnections {
		x.refuse(ctx, fasthttp.StatusServiceUnavailable, "overloaded", "the proxy has as many connections as it may have", record.Error)
		ctx.Response.Header.Set("Retry-After", "1")
		ctx.SetConnectionClose()
		return
	}
	if why := unfit(ctx); why != "" {
		x.refuse(ctx, fasthttp.StatusBadRequest, "invalid_request_error", why, record.Error)
		ctx.SetConnectionClose()
		return
	}
	p.relay(ctx, x)
}

// relay sends the request on and begins the answer.
func (p *Proxy) relay(ctx *fasthttp.RequestCtx, x *exchange) {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	defer x.letGoOfBody()
	upload, err := x.request(ctx, req)
	if err != nil {
		p.failed(ctx, x, &body{err: err}, nil)
		return
	}
	if !x.watch() {
		x.leave(ctx, record.ClientAbort)
		return
	}
	x.resp = fasthttp.AcquireResponse()
	x.resp.SkipBody = ctx.IsHead()
	if err := x.send(req, upload); err != nil {
		p.failed(ctx, x, upload, err)
		return
	}
	x.answer(ctx)
}

// failed answers a request that brought no answer from the engine: because the
// exchange was aborted, because the client's body went wrong, or because of
// the engine.
func (p *Proxy) failed(ctx *fasthttp.RequestCtx, x *exchange, upload *body, err *sendError) {
	how := x.aborted()
	switch {
	case how != "":
		x.leave(ctx, how)
	case upload != nil && upload.err != nil && isSocketError(upload.err):
		x.leave(ctx, record.ClientAbort)
	case upload != nil && upload.err != nil:
		x.refuse(ctx, fasthttp.StatusBadRequest, "invalid_request_error", "the request's body could not be read", record.Error)
		ctx.SetConnectionClose()
	case err.phase == writing && !isSocketError(err.err):
		x.refuse(ctx, fasthttp.StatusBadRequest, "invalid_request_error", "the request can't be passed on: it has no Host, or a body that is not as announced", record.Error)
		ctx.SetConnectionClose()
	default:
		if err.phase == connecting || isSocketError(err.err) {
			p.verdict.away(err)
		}
		x.refuse(ctx, fasthttp.StatusBadGateway, "upstream_unreachable", err.Error(), record.Unreachable)
	}
}

// malformed answers what could not be read as a request.
func (p *Proxy) malformed(ctx *fasthttp.RequestCtx, err error) {
	head, whole := p.takeHead(&ctx.Request.Header)
	status, message := malformation(err)
	writeError(ctx, status, "invalid_request_error", message)
	rec := &record.Record{
		RequestID: newID(), Start: head.at, Server: p.cfg.Upstream.Addr, End: record.Some(time.Since(head.at)),
		Status: status, Outcome: record.Error, Error: message, ErrorType: "invalid_request_error",
	}
	rec.Method, rec.Path = head.method, head.path
	switch {
	case whole && isSocketError(err):
		// It left in the first bytes of its body.
		rec.Status, rec.Outcome, rec.Error, rec.ErrorType = 0, record.ClientAbort, "", ""
	case !whole && isSocketError(err) && !strings.Contains(err.Error(), "request headers"):
		return // not one byte came: a check of the port, and no request
	}
	p.live.Requests.Add(1)
	p.observe(rec)
}

// observe hands a Record on. A sink that fails must not take the exchange
// with it.
func (p *Proxy) observe(rec *record.Record) {
	defer func() {
		if v := recover(); v != nil {
			p.live.Panics.Add(1)
			p.log.Error("handing on a Record failed", "panic", v)
		}
	}()
	p.cfg.Sink.Observe(rec)
}

// requestID is the client's, or one of ours, which is not sent on: vLLM builds
// the ids in its answers from the header.
func requestID(h *fasthttp.RequestHeader) string {
	if id := peek(h.All(), "X-Request-Id"); id != "" {
		return strings.ToValidUTF8(id[:min(len(id), 128)], "")
	}
	return newID()
}

func newID() string {
	var b [12]byte
	rand.Read(b[:]) // never fails: crypto/rand documents that it crashes instead
	return hex.EncodeToString(b[:])
}
