package proxy

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// maxHeld bounds the request bodies that are read whole, all together. Above
// it they are streamed on and only observed.
const maxHeld = 512 << 20

// unfit says why a request is not one for a proxy in front of one engine, ""
// when it is.
func unfit(ctx *fasthttp.RequestCtx) string {
	target := string(ctx.Request.Header.RequestURI())
	switch {
	case ctx.IsConnect():
		return "CONNECT is not served here: this proxy stands in front of one engine"
	case strings.HasPrefix(target, "/") || target == "*" && ctx.IsOptions():
		return ""
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" || !strings.EqualFold(u.Host, string(ctx.Request.Header.Host())) {
		return "the request's target is another host's"
	}
	ctx.Request.Header.SetRequestURI(u.RequestURI())
	return ""
}

// request makes the request to the engine out of the client's, and reads what
// it asks for. A body that is not read whole comes back as upload.
func (x *exchange) request(ctx *fasthttp.RequestCtx, req *fasthttp.Request) (upload *body, err error) {
	p := x.proxy
	copyRequestHead(&req.Header, &ctx.Request.Header)
	req.Header.SetRequestURIBytes(append([]byte(p.cfg.Upstream.Prefix), ctx.Request.Header.RequestURI()...))

	var whole []byte
	stream, length := ctx.RequestBodyStream(), ctx.Request.Header.ContentLength()
	encoded := peek(ctx.Request.Header.All(), "Content-Encoding") != ""
	if stream != nil && wire.EndpointOf(x.rec.Method, x.rec.Path) != "" && !encoded && x.holdBody(length) {
		if whole, stream, err = readWhole(stream, length, p.cfg.InjectLimit); err != nil {
			return nil, err
		}
	}
	began := time.Now() // waiting for the client's body is not our doing
	defer func() { x.spent += time.Since(began) }()
	edited := x.read(whole, ctx.Request.Header.IsHTTP11())
	x.trace(&ctx.Request.Header, &req.Header)
	switch {
	case whole != nil:
		x.rec.RequestBytes = int64(len(whole))
		req.SetBodyRaw(edited)
	case stream != nil:
		upload = &body{Reader: stream, count: &x.rec.RequestBytes, left: max(length, -1)}
		req.SetBodyStream(upload, max(length, -1))
	}
	return upload, nil
}

// readWhole reads a body of up to limit bytes. One that turns out larger comes
// back as a stream that begins with what was read.
func readWhole(stream io.Reader, length, limit int) (whole []byte, rest io.Reader, err error) {
	whole, err = io.ReadAll(io.LimitReader(stream, int64(limit)+1))
	switch {
	case err != nil:
		return nil, nil, err
	case len(whole) > limit:
		return nil, io.MultiReader(bytes.NewReader(whole), stream), nil
	case length >= 0 && len(whole) != length:
		return nil, nil, io.ErrUnexpectedEOF // half a request must not reach the engine as a whole one
	}
	return whole, nil, nil
}

// holdBody says whether a body may be read whole, and counts it as held.
func (x *exchange) holdBody(length int) bool {
	p := x.proxy
	if length > p.cfg.InjectLimit {
		return false
	}
	if length < 0 {
		length = p.cfg.InjectLimit // it could become that large
	}
	if p.held.Add(int64(length)) > maxHeld {
		p.held.Add(-int64(length))
		return false
	}
	x.held = int64(length)
	return true
}

func (x *exchange) letGoOfBody() {
	x.proxy.held.Add(-x.held)
	x.held = 0
}

// read reads what the request asks for, and returns the body that the engine
// is to have. A failure of ours costs the measurement and not the request.
func (x *exchange) read(whole []byte, http11 bool) (edited []byte) {
	p := x.proxy
	defer func() {
		if v := recover(); v != nil {
			p.live.Panics.Add(1)
			p.log.Error("reading a request failed: it is only passed on", "panic", v)
			query := wire.Query{Request: record.Request{Method: x.rec.Method, Path: x.rec.Path}}
			x.relay = wire.NewRelay(wire.Config{Query: query}, wire.Strip{}, nil)
			edited = whole
		}
	}()
	query := wire.ReadQuery(x.rec.Method, x.rec.Path, whole)
	x.rec.Request = query.Request
	x.rec.Provider = p.verdict.engine().Name
	edited, strip := whole, wire.Strip{}
	if whole != nil && http11 {
		edited, strip = query.Edit(whole, p.verdict.ask(&query))
	}
	x.relay = wire.NewRelay(wire.Config{Query: query, Timeline: p.cfg.Timeline, Live: p.live}, strip, &p.verdict.print)
	x.asked = strip.Any()
	return edited
}

// trace begins or continues the request's trace, where tracing is on.
func (x *exchange) trace(from, to *fasthttp.RequestHeader) {
	tracer := x.proxy.cfg.Tracer
	if tracer == nil {
		return
	}
	x.rec.Trace = tracer.Begin(peek(from.All(), "traceparent"), peek(from.All(), "tracestate"))
	for k := range from.All() {
		if strings.EqualFold(string(k), "traceparent") {
			to.DelBytes(k)
		}
	}
	to.Set("traceparent", x.rec.Trace.Traceparent())
}

// body counts a request body as it streams, and keeps the client's error.
type body struct {
	io.Reader
	count *int64
	left  int // bytes announced and not yet read; below 0: not announced
	err   error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	*b.count += int64(n)
	if b.left >= 0 {
		b.left -= n
		if err == io.EOF && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
