package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// handle relays one request. It returns when the answer's head is there; the
// body follows through the exchange's tap, and the Record when that is closed.
func (p *Proxy) handle(ctx *fasthttp.RequestCtx) {
	x := &exchange{proxy: p, start: time.Now(), client: ctx.Conn()}
	defer func() {
		if v := recover(); v != nil {
			p.live.Panics.Add(1)
			p.log.Error("relaying failed", "panic", v)
			x.refuse(ctx, fasthttp.StatusBadGateway, "proxy_error", "relaying the request failed inside the proxy", record.Error)
		}
	}()
	p.live.Requests.Add(1)
	p.live.Active.Add(1)
	x.rec.Start = x.start
	x.rec.InFlight = p.begin(x)
	x.rec.Server = p.cfg.Upstream.Addr
	x.rec.RequestID = requestID(&ctx.Request.Header)
	// The head is there; its time limit must not hit a long upload.
	if err := x.client.SetReadDeadline(time.Time{}); err != nil {
		x.leave(ctx, record.ClientAbort)
		return
	}
	p.relay(ctx, x)
}

// relay sends the request on and begins the answer.
func (p *Proxy) relay(ctx *fasthttp.RequestCtx, x *exchange) {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	upload, err := x.request(ctx, req)
	if err != nil {
		x.leave(ctx, record.ClientAbort)
		return
	}
	if !x.watch() {
		x.leave(ctx, record.ClientAbort)
		return
	}
	resp := fasthttp.AcquireResponse()
	x.resp = resp
	resp.SkipBody = ctx.IsHead()
	if err := x.send(req, resp, upload == nil); err != nil {
		p.failed(ctx, x, upload, err)
		return
	}
	x.answer(ctx)
}

// failed answers a request that brought no answer from the engine.
func (p *Proxy) failed(ctx *fasthttp.RequestCtx, x *exchange, upload *body, err error) {
	switch how := x.aborted(); {
	case how != "":
		x.leave(ctx, how)
		return
	case upload != nil && upload.err != nil:
		x.leave(ctx, record.ClientAbort)
		return
	}
	p.verdict.away(err)
	p.log.Debug("the engine did not answer", "request_id", x.rec.RequestID, "error", err)
	message := err.Error()
	if x.rec.Connect.Ok() || x.rec.Sent.Ok() {
		message = "the engine at " + p.cfg.Upstream.Addr + " closed the connection without an answer: " + message
	}
	x.refuse(ctx, fasthttp.StatusBadGateway, "upstream_unreachable", message, record.Unreachable)
}

// request makes the request to the engine out of the client's, and reads what
// it asks for. A body that is not read whole comes back as upload.
func (x *exchange) request(ctx *fasthttp.RequestCtx, req *fasthttp.Request) (upload *body, err error) {
	p := x.proxy
	copyRequestHead(&req.Header, &ctx.Request.Header)
	target := ctx.Request.Header.RequestURI()
	req.Header.SetRequestURIBytes(append([]byte(p.cfg.Upstream.Prefix), target...))
	path, _, _ := bytes.Cut(target, []byte("?"))

	method := string(ctx.Method())
	var whole []byte
	stream, length := ctx.RequestBodyStream(), ctx.Request.Header.ContentLength()
	encoded := peek(ctx.Request.Header.All(), "Content-Encoding") != ""
	if stream != nil && wire.EndpointOf(method, string(path)) != "" && !encoded && length <= p.cfg.InjectLimit {
		whole, err = io.ReadAll(io.LimitReader(stream, int64(p.cfg.InjectLimit)+1))
		if err != nil {
			return nil, err
		}
		if len(whole) > p.cfg.InjectLimit {
			// A chunked body that turned out larger goes on as it comes.
			stream, whole = io.MultiReader(bytes.NewReader(whole), stream), nil
		}
	}
	began := time.Now() // waiting for the client's body is not our doing
	defer func() { x.spent += time.Since(began) }()
	query := wire.ReadQuery(method, string(path), whole)
	x.rec.Request = query.Request
	x.rec.Provider = p.verdict.engine().Name

	edited, strip := whole, wire.Strip{}
	if whole != nil && ctx.Request.Header.IsHTTP11() {
		edited, strip = query.Edit(whole, p.verdict.ask(&query))
	}
	x.relay = wire.NewRelay(wire.Config{Query: query, Timeline: p.cfg.Timeline, Live: p.live}, strip, &p.verdict.print)
	x.strips = strip.Any()
	x.trace(&ctx.Request.Header, &req.Header)

	switch {
	case whole != nil:
		x.rec.RequestBytes = int64(len(whole))
		req.SetBodyRaw(edited)
	case stream != nil:
		upload = &body{Reader: stream, count: &x.rec.RequestBytes}
		req.SetBodyStream(upload, max(length, -1))
	}
	return upload, nil
}

// trace begins or continues the request's trace, where tracing is on.
func (x *exchange) trace(from, to *fasthttp.RequestHeader) {
	tracer := x.proxy.cfg.Tracer
	if tracer == nil {
		return
	}
	x.rec.Trace = tracer.Begin(peek(from.All(), "traceparent"), peek(from.All(), "tracestate"))
	for _, k := range peekKeys(from, "traceparent") {
		to.Del(k)
	}
	to.Set("traceparent", x.rec.Trace.Traceparent())
}

// peekKeys are the spellings under which a field stands.
func peekKeys(h *fasthttp.RequestHeader, name string) (keys []string) {
	for k := range h.All() {
		if strings.EqualFold(string(k), name) {
			keys = append(keys, string(k))
		}
	}
	return keys
}

// send gives the request to the engine and reads the answer's head. A pooled
// connection that turns out dead before it answered costs a second attempt on
// a fresh one, where the request can be sent again whole.
func (x *exchange) send(req *fasthttp.Request, resp *fasthttp.Response, replayable bool) error {
	for {
		if err := x.connect(x.rec.Retries > 0); err != nil {
			return err
		}
		err := x.conn.Send(req)
		if err == nil {
			x.rec.Sent = record.Some(time.Since(x.start))
			err = x.conn.ReadHead(resp)
		}
		if err == nil {
			return nil
		}
		if !x.conn.Reused() || x.conn.Answered() || !replayable || x.rec.Retries > 0 || x.aborted() != "" {
			return err
		}
		x.rec.Retries++
		x.rec.Sent = record.Offset{}
		x.drop()
		resp.Reset()
		resp.SkipBody = req.Header.IsHead()
	}
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

// malformed answers what could not be read as a request.
func (p *Proxy) malformed(ctx *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusBadRequest
	var large *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.As(err, &large):
		status = fasthttp.StatusRequestHeaderFieldsTooLarge
	case errors.As(err, &network) && network.Timeout():
		status = fasthttp.StatusRequestTimeout
	}
	message := "the request could not be read: " + firstLine(err.Error())
	writeError(ctx, status, "invalid_request_error", message)
	p.live.Requests.Add(1)
	p.cfg.Sink.Observe(&record.Record{
		RequestID: newID(), Start: time.Now(), Server: p.cfg.Upstream.Addr, End: record.Some(time.Duration(0)),
		Status: status, Outcome: record.Error, Error: message, ErrorType: "invalid_request_error",
	})
}

// firstLine keeps fasthttp's dumps of what it could not read out of answers.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	s, _, _ = strings.Cut(s, ". Contents")
	return s[:min(len(s), 200)]
}

// body counts a request body as it streams, and keeps the client's error.
type body struct {
	io.Reader
	count *int64
	err   error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	*b.count += int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
