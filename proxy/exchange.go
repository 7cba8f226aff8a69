package proxy

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
	"tokenomics/internal/wire"
)

// exchange is one request and its answer, from the client's head to the
// Record. It is also the reader that fasthttp takes the answer's body from:
// the tap.
type exchange struct {
	proxy  *Proxy
	client net.Conn
	start  time.Time
	rec    record.Record
	relay  *wire.Relay
	asked  bool        // the engine was asked for what the client did not ask
	held   int64       // bytes of the body that count as held
	left   atomic.Bool // the client has gone
	resp   *fasthttp.Response
	conn   *upstream.Conn // set under mu; read by the handling goroutine without it
	spent  time.Duration  // in our own code
	pend   []byte         // what did not fit into the last Read's buffer
	after  error          // what the engine's body ended with, to be told after pend
	ended  bool           // that was its proper end
	once   sync.Once      // one Record

	unwatch func() // ends the watch on the client; the handling goroutine's

	mu     sync.Mutex // protects how and cancel, and conn against abort
	how    record.Outcome
	cancel context.CancelFunc // of the dial
}

// watch has the exchange aborted when the client leaves. Not ok when it has
// left already.
func (x *exchange) watch() bool {
	stop, ok := x.proxy.watcher.watch(x.client, func() { x.abort(record.ClientAbort) })
	x.unwatch = stop
	return ok
}

// abort ends the exchange from outside, in whatever phase it is: the
// connection to the engine is closed at once.
func (x *exchange) abort(how record.Outcome) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.how != "" {
		return
	}
	x.how = how
	x.left.Store(how == record.ClientAbort)
	if x.cancel != nil {
		x.cancel()
	}
	if x.conn != nil {
		x.conn.Close()
	}
	if how == record.Timeout {
		x.client.Close()
	}
}

// aborted is how the exchange was ended from outside, "" if it was not.
func (x *exchange) aborted() record.Outcome {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.how
}

// connect takes a connection to the engine: a pooled one if there is one and
// fresh is not asked for.
func (x *exchange) connect(fresh bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	x.mu.Lock()
	x.cancel = cancel
	if x.how != "" {
		cancel()
	}
	x.mu.Unlock()

	get := x.proxy.pool.Get
	if fresh {
		get = x.proxy.pool.Dial
	}
	began := time.Now()
	conn, err := get(ctx)
	if err != nil {
		return err
	}
	if !conn.Reused() {
		x.rec.Connect = record.Some(time.Since(began))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cancel = nil
	x.conn = conn
	if x.how != "" {
		conn.Close()
	}
	return nil
}

// drop closes the connection to the engine.
func (x *exchange) drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn != nil {
		x.conn.Close()
		x.conn = nil
	}
}

// answer begins the client's answer with the engine's head.
func (x *exchange) answer(ctx *fasthttp.RequestCtx) {
	head := &x.resp.Header
	x.relay.Head(x.conn.LastRead().Sub(x.start), wire.AnswerHead{
		Status: x.resp.StatusCode(), ContentType: string(head.ContentType()), ContentEncoding: string(head.ContentEncoding()),
		Field: func(name string) string { return string(head.Peek(name)) },
	})
	x.proxy.verdict.answered()
	if x.asked && x.relay.Encoded() {
		x.proxy.verdict.encodes()
	}
	length := head.ContentLength()
	copyResponseHead(&ctx.Response.Header, head)
	ctx.Response.ImmediateHeaderFlush = true
	switch {
	case x.resp.SkipBody || x.resp.BodyStream() == nil:
		// No body follows; a HEAD's Content-Length stays what the engine said.
		ctx.Response.SkipBody = true
		if length >= 0 {
			ctx.Response.Header.Set("Content-Length", strconv.Itoa(length))
		}
		x.finish(record.Complete)
	case length == 0:
		if _, err := x.conn.Read(make([]byte, 1)); err != io.EOF {
			x.drop() // a body where none was announced: the connection is no good
		}
		x.finish(record.Complete)
	case length >= 0 && !x.relay.Strips():
		ctx.Response.SetBodyStream(x, length)
	default:
		ctx.Response.SetBodyStream(x, -1)
	}
}

// Read is the tap: bytes of the engine's body, stamped and measured, less what
// we asked for. It returns what one read of the socket brought.
func (x *exchange) Read(p []byte) (int, error) {
	if len(x.pend) > 0 {
		n := copy(p, x.pend)
		x.pend = x.pend[n:]
		return n, nil
	}
	if x.after != nil {
		return 0, x.after
	}
	n, err := x.conn.Read(p)
	before := time.Now()
	out := p[:n]
	if n > 0 {
		if x.left.Load() {
			x.relay.ClientLeft()
		}
		out = x.relay.Feed(x.conn.LastRead().Sub(x.start), p[:n])
	}
	if err != nil {
		// What arrived is the client's, also when no more will.
		out = append(append([]byte(nil), out...), x.relay.Rest()...)
		x.ended, x.after = err == io.EOF, err
	}
	kept := copy(p, out)
	x.pend = out[kept:]
	x.spent += time.Since(before)
	if kept == 0 {
		return 0, x.after
	}
	return kept, nil
}

// CloseWithError is fasthttp's word that the answer is over: nil when the body
// was written whole, else the error of reading or writing it.
func (x *exchange) CloseWithError(err error) error {
	switch how := x.aborted(); {
	case how != "":
		x.finish(how)
	case x.ended && err == nil:
		x.finish(record.Complete)
	case x.ended || x.readable():
		x.finish(record.ClientAbort) // writing failed
	default:
		x.finish(record.Truncated)
	}
	return nil
}

// readable says whether the engine's connection is as it should be in the
// middle of a body, so that an error must be the client's.
func (x *exchange) readable() bool { return x.conn != nil && x.conn.Err() == nil }

// finish makes the exchange's one Record and gives its connection back.
func (x *exchange) finish(how record.Outcome) {
	x.once.Do(func() {
		if x.unwatch != nil {
			x.unwatch()
		}
		at := time.Since(x.start)
		x.rec.Overhead = record.Some(x.spent)
		if x.relay != nil {
			x.relay.End(at, how, &x.rec)
		} else {
			x.rec.Outcome, x.rec.End = how, record.Some(at)
		}
		if how == record.Timeout && x.rec.Error == "" {
			x.rec.Error = "cut off at the end of the drain time"
		}
		x.giveBack()
		x.proxy.end(x)
		x.proxy.live.Active.Add(-1)
		rec := x.rec
		x.proxy.observe(&rec)
	})
}

// giveBack returns the connection to the pool, where that is possible, and the
// response's memory.
func (x *exchange) giveBack() {
	x.mu.Lock()
	conn := x.conn
	x.conn = nil
	if x.how == "" {
		x.how = record.Complete // too late to abort
	}
	x.mu.Unlock()
	if x.resp != nil {
		fasthttp.ReleaseResponse(x.resp)
		x.resp = nil
	}
	if conn != nil {
		conn.Release()
	}
}

// leave ends an exchange whose client is not to be answered.
func (x *exchange) leave(ctx *fasthttp.RequestCtx, how record.Outcome) {
	if aborted := x.aborted(); aborted != "" {
		how = aborted
	}
	x.finish(how)
	ctx.SetConnectionClose()
	ctx.SetStatusCode(499) // nobody reads it
}

// refuse answers with an error of our own.
func (x *exchange) refuse(ctx *fasthttp.RequestCtx, status int, kind, message string, how record.Outcome) {
	x.rec.Status, x.rec.Error, x.rec.ErrorType = status, message, kind
	x.finish(how)
	ctx.Response.Reset()
	writeError(ctx, status, kind, message)
}
