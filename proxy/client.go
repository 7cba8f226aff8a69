package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tokenomics/internal/record"
)

// client is one client's connection, and the goroutine that serves it: one
// exchange after the other.
//
// mu protects the turn, where two goroutines drive it and where the watcher ends
// it, and what follows it here.
type client struct {
	turn
	port    *port
	gone    atomic.Bool
	pending []byte // bytes behind the last request: the next one's
	take    func([]byte) bool

	ctx    context.Context // ends with whatever ends the exchange from outside
	cancel context.CancelFunc

	mu      sync.Mutex
	waiting bool  // for the first byte of a request
	engine  *link // nil while there is none
	hurry   bool  // the engine has little time to answer
	upload  chan struct{}
}

func newClient(t turn, conn net.Conn) *client {
	c := &client{turn: t, port: newPort(conn, t.proxy.cfg.WriteTimeout)}
	c.take = c.fromEngine
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// serve answers the connection's requests and closes it.
func (c *client) serve() {
	defer c.cancel()
	stop, _, err := c.proxy.watcher.watch(c.port.conn, c.left)
	defer stop()
	if err != nil || !c.handshake() {
		c.close()
		return
	}
	for c.exchange() {
	}
}

// handshake starts TLS, where that is spoken.
func (c *client) handshake() bool {
	secure, ok := c.port.conn.(*tls.Conn)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.proxy.cfg.HeadTimeout)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		c.proxy.log.Debug("starting TLS with a client", "error", err)
		c.spokePlain(err)
		return false
	}
	return true
}

// spokePlain tells a client that speaks HTTP where TLS is spoken, which would
// else see nothing but the end of its connection.
func (c *client) spokePlain(err error) {
	var other tls.RecordHeaderError
	if !errors.As(err, &other) || other.Conn == nil || !bytes.ContainsAny(other.RecordHeader[:1], "CDGHOPT") {
		return
	}
	const answer = "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nThis port speaks TLS: use https://\n"
	if other.Conn.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = other.Conn.Write([]byte(answer)) // who does not take it has no use for it
	}
}

// left is told by the watcher that the client has closed its side. That counts
// as gone: who still wants an answer keeps the connection open.
func (c *client) left() {
	c.gone.Store(true)
	c.mu.Lock()
	tunnel := c.x != nil && c.x.Tunnel()
	busy := c.x != nil && c.begun && !c.x.Done() // what it has been answered it may leave after
	c.mu.Unlock()
	if busy && !tunnel { // a tunnel may still have bytes under way
		c.abort(record.ClientAbort, "")
	}
}

// abort ends the exchange that runs from outside, in whatever phase it is.
func (c *client) abort(how record.Outcome, why string) {
	c.mu.Lock()
	if c.over == nil {
		c.over = &broken{how, why}
	}
	engine := c.engine
	if engine != nil {
		engine.port.hangUp()
	}
	c.mu.Unlock()
	c.cancel()
	c.port.interrupt()
}

// quit makes an idle connection close, and a busy one close after its answer.
func (c *client) quit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting {
		_ = c.port.readBy(past) // if it is closed already, that is what was wanted
	}
}

// close ends the connection at once.
func (c *client) close() {
	if err := c.port.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		c.proxy.log.Debug("closing a client's connection", "error", err)
	}
}

// Bounds of what is read of a client that has been told that no more is wanted.
const (
	lingerFor   = time.Second
	lingerBytes = 4 << 20
)

// linger ends the connection so that the client gets what was written: closing
// with bytes unread would reset it, and with it the answer.
func (c *client) linger() {
	defer c.close()
	if half, ok := c.port.conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	if secure, ok := c.port.conn.(*tls.Conn); ok {
		if tcp, ok := secure.NetConn().(*net.TCPConn); ok && tcp.CloseWrite() != nil {
			return
		}
	}
	if c.gone.Load() || c.port.readBy(time.Now().Add(lingerFor)) != nil {
		return
	}
	left := lingerBytes
	err := c.port.pump(func(p []byte) bool {
		left -= len(p)
		return left > 0
	})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.proxy.log.Debug("a client's connection ended", "error", err)
	}
}

// reset ends the connection so that the client sees that its answer is not
// whole.
func (c *client) reset() {
	conn := c.port.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn() // without the alert that says it is all
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a plain close is what is left if it fails
	}
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		c.proxy.log.Debug("resetting a client's connection", "error", err)
	}
}
