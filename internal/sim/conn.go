package sim

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	headerBuffer  = 16 << 10
	headerTimeout = 30 * time.Second
	freshTimeout  = 5 * time.Minute // uvicorn has none before the first request
)

// conn is one client connection. fasthttp parses the requests; the loop and all
// writes are ours. (fasthttp.Server was tried on paper: SetBodyStreamWriter puts
// a pipe between us and the socket, so the time of a write is unknown; Hijack
// gives the connection up for good; neither tells that a client has left; and
// all of them write headers in a case no Python server uses.)
type conn struct {
	s  *Server
	nc net.Conn
	br *bufio.Reader

	served        int  // requests so far
	busy, dropped bool // under s.mu
}

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{s: s, nc: nc, br: bufio.NewReaderSize(nc, headerBuffer)}
}

func (c *conn) serve() {
	defer c.s.forget(c)
	defer func() { _ = c.nc.Close() }() // whatever there was to say has been said
	var req fasthttp.Request
	idle := freshTimeout
	for c.serveOne(&req, idle) {
		idle = c.s.cfg.KeepAlive
		req.Reset()
	}
}

// serveOne reads and answers one request and reports whether there may be another.
func (c *conn) serveOne(req *fasthttp.Request, idle time.Duration) bool {
	if idle > 0 && c.deadline(idle) != nil {
		return false
	}
	if _, err := c.br.Peek(1); err != nil {
		return false
	}
	if !c.s.setBusy(c, true) || c.deadline(headerTimeout) != nil {
		return false
	}
	x := &exchange{s: c.s, c: c, req: req}
	if err := c.read(req); err != nil {
		x.closing = true
		x.unreadable(err)
		return false
	}
	x.received = c.s.now()
	if c.nc.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	c.served++
	x.http11 = req.Header.IsHTTP11()
	x.closing = req.Header.ConnectionClose() || c.s.draining() || c.served == c.s.dialect.traits().perConn ||
		!x.http11 && !strings.EqualFold(string(req.Header.Peek("Connection")), "keep-alive")
	x.route()
	return !x.closing && c.s.setBusy(c, false)
}

func (c *conn) deadline(d time.Duration) error { return c.nc.SetReadDeadline(time.Now().Add(d)) }

func (c *conn) read(req *fasthttp.Request) error {
	if err := req.Header.Read(c.br); err != nil {
		return err
	}
	if err := c.deadline(c.s.cfg.WriteTimeout); err != nil {
		return err
	}
	if req.MayContinue() {
		if _, err := c.nc.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return err
		}
	}
	return req.ContinueReadBody(c.br, c.s.cfg.MaxBody, false)
}

// watcher notices, while a request is being worked on, that its client leaves.
// It reads ahead: end of file or an error means gone (an engine takes a closed
// sending side for a disconnect), bytes are the next request and stay buffered.
type watcher struct {
	c    *conn
	gone chan struct{} // closed when the client is gone
	at   time.Time     // when; valid once gone is closed
	done chan struct{}
	stop sync.Once
}

func (c *conn) watch() *watcher {
	w := &watcher{c: c, gone: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.done)
	for w.c.br.Buffered() < w.c.br.Size() {
		_, err := w.c.br.Peek(w.c.br.Buffered() + 1)
		if err == nil {
			continue
		}
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			return // told to end
		}
		w.at = w.c.s.now()
		close(w.gone)
		_ = w.c.nc.Close() // frees a write that is stuck
		return
	}
}

// end stops watching. The connection's read side is free to use after it.
func (w *watcher) end() {
	w.stop.Do(func() {
		// An error means that the connection is closed, which ends the run too.
		_ = w.c.nc.SetReadDeadline(time.Unix(1, 0))
		<-w.done
		_ = w.c.nc.SetReadDeadline(time.Time{})
	})
}

// left reports whether the client is gone by now.
func (w *watcher) left() bool {
	select {
	case <-w.gone:
		return true
	default:
		return false
	}
}
