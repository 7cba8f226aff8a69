package upstream

import (
	"context"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/netloop"
)

// Reader is a readiness loop that reads answers: each read is stamped, taken
// apart and told to its Receiver by the loop's goroutine. Who has asked is woken
// once, at the end.
type Reader struct {
	loop *netloop.Loop
	buf  [readSize]byte // of whichever connection is being read
}

// NewReader makes a Reader of a loop that has nothing else to do.
func NewReader(loop *netloop.Loop) *Reader { return &Reader{loop: loop} }

// Close ends the loop and closes the connections that are in it. No request may
// be on any of them.
func (r *Reader) Close() error { return r.loop.Close() }

// line is a connection in a Reader's loop. While a request is on it, it is the
// loop's goroutine that uses it and nobody else, and otherwise whoever has the
// Socket: the loop then leaves it alone, and the pool looks how it is.
type line struct {
	reader *Reader
	conn   *netloop.Conn
	over   chan ending // tells who asked; there is room for the one that there is

	to   Receiver // nil while nothing is asked
	msg  *Conn
	left [][]byte // of the request, not yet sent
}

// ending is how an exchange has ended.
type ending struct {
	at  time.Time // of the last read
	err error
}

// adopt puts a connection that has just been made into the loop.
func (r *Reader) adopt(s *Socket) error {
	fd, err := netloop.Detach(s.Raw())
	if err != nil {
		return err
	}
	l := &line{reader: r, over: make(chan ending, 1)}
	l.conn = netloop.NewConn(fd, l)
	s.Adopt(l)
	return r.loop.Add(l.conn)
}

// Close closes the connection, from any goroutine.
func (l *line) Close() error {
	l.conn.CloseLater()
	return nil
}

// Idle says whether it can take a request, for the pool.
func (l *line) Idle() bool { return l.conn.Idle() }

// do is Conn.Do. It is the asking goroutine that sends, so that no request waits
// for what the loop is at, and the loop that sends what there was no room for.
func (l *line) do(ctx context.Context, c *Conn, req *fasthttp.Request, to Receiver) (time.Time, error) {
	left, err := l.send(req)
	if err != nil {
		return time.Time{}, err
	}
	if len(left) == 0 {
		to.Sent(time.Now())
	}
	if !l.reader.loop.Post(func() { l.begin(c, to, left) }) {
		return time.Time{}, netloop.ErrClosed
	}
	var end ending
	select {
	case end = <-l.over:
	case <-ctx.Done():
		if !l.reader.loop.Post(l.abandon) {
			return time.Time{}, netloop.ErrClosed
		}
		end = <-l.over
	}
	return end.at, end.err
}

// send writes what there is room for, and returns the rest.
func (l *line) send(req *fasthttp.Request) (left [][]byte, err error) {
	out := outBuffers.Get().(*[]byte)
	defer outBuffers.Put(out)
	pieces := message(out, req)
	for i, p := range pieces {
		n, err := l.conn.Send(p)
		if err != nil {
			return nil, err
		}
		if n == len(p) {
			continue
		}
		if left = append(left, p[n:]); i == 0 {
			left[0] = append([]byte(nil), p[n:]...) // out is another's next
		}
		return append(left, pieces[i+1:]...), nil
	}
	return nil, nil
}

// begin waits for the answer to what was sent.
func (l *line) begin(c *Conn, to Receiver, left [][]byte) {
	l.msg, l.to, l.left = c, to, left
	l.Ready()
}

// abandon ends the exchange from outside, if it has not ended by itself.
func (l *line) abandon() {
	if l.to != nil {
		l.conn.Close()
		l.end(time.Time{}, net.ErrClosed)
	}
}

// end tells who asked.
func (l *line) end(at time.Time, err error) {
	l.to, l.msg, l.left = nil, nil, nil
	l.over <- ending{at, err}
}

// Ready is told by the loop that there is something to read, or room to write.
func (l *line) Ready() {
	if l.to == nil {
		return
	}
	if len(l.left) > 0 && !l.flush() {
		return
	}
	for range share {
		if !l.conn.Readable() {
			return
		}
		if l.read(); l.to == nil {
			return
		}
	}
	l.conn.Again()
}

// share is how often one connection is read before the others have their turn.
const share = 8

// flush sends more of the request, and says whether that was the last of it.
func (l *line) flush() (done bool) {
	for len(l.left) > 0 {
		n, err := l.conn.Write(l.left[0])
		if err != nil {
			l.end(time.Time{}, err)
			return false
		}
		if l.left[0] = l.left[0][n:]; len(l.left[0]) > 0 {
			return false
		}
		l.left = l.left[1:]
	}
	l.to.Sent(time.Now())
	return true
}

// read takes what the engine has sent.
func (l *line) read() {
	n, err := l.conn.Read(l.reader.buf[:])
	at := time.Now()
	if err != nil {
		l.end(at, l.msg.answer.cut(err))
		return
	}
	if n == 0 {
		return
	}
	if over, err := l.msg.answer.take(at, l.reader.buf[:n], l.to); over || err != nil {
		l.end(at, err)
	}
}

// Expired is never called: it is ctx that bounds an exchange.
func (l *line) Expired(time.Time) {}

var (
	_ netloop.Handler = (*line)(nil)
	_ Own             = (*line)(nil)
)
